/*
 * parity: a matrix of resources and destinations: which property differs where.
 *
 * For kinds that say `parity`: few resources, each to be the same in every Region. Behind
 * plan_build. Memory: a row lives until `each` returns. The driving thread. Errors of the
 * inventory.
 */
#ifndef UNDERSTUDY_ENGINE_PARITY_H
#define UNDERSTUDY_ENGINE_PARITY_H

#include "engine/report.h"

struct parity_row {
    const char *key, *name, *type;
    /* One a side but the source: "=" (equal), "missing", "left over", "policy, tags.team", why it
     * cannot be; NULL: nothing is said of it there. */
    const char *cells[DESTINATIONS_MAX];
    bool differs;
};

typedef int parity_fn(const struct parity_row *row, void *arg, struct error *err);
int parity_each(struct engine *engine, parity_fn *each, void *arg, struct error *err);

/* In words for people: what differs, or all when it is little. Nothing for kinds without parity. */
int parity_report(const struct report *report, struct engine *engine, struct error *err);
/* One JSON object a line: {"type":"parity","key":...,"regions":{"eu-west-1":"="}}. Likewise. */
int parity_write(struct engine *engine, FILE *out, struct error *err);

#endif
