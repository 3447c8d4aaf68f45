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
     * cannot be; NULL: nothing is said of it there. Likewise in few words, and what else the steps
     * show (struct verdict). */
    const char *cells[DESTINATIONS_MAX], *words[DESTINATIONS_MAX], *details[DESTINATIONS_MAX];
    bool differs; /* where it was looked at */
    bool unseen;  /* it was not, somewhere */
};

typedef int parity_fn(const struct parity_row *row, void *arg, struct error *err);
int parity_each(struct engine *engine, parity_fn *each, void *arg, struct error *err);

/* In words for people, within the report's columns: what differs, or all when it is little. Regions
 * that do not fit side by side stand one below another; those that could not be listed are left
 * out: the report's head says so. Nothing for kinds without parity. */
int parity_report(const struct report *report, struct engine *engine, struct error *err);
/* One JSON object a line: {"type":"parity","key":...,"regions":{"eu-west-1":"="}}. Likewise. */
int parity_write(struct engine *engine, FILE *out, struct error *err);

#endif
