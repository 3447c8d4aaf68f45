/*
 * report: a run in words for people: what differs, what was done, one line of sums.
 *
 * Lines begin with a sigil: + created, ~ changed, - deleted, = equal, ! not carried, ? extra.
 * Values are never shown; there is none in what this reads. The program's thread only.
 */
#ifndef UNDERSTUDY_ENGINE_REPORT_H
#define UNDERSTUDY_ENGINE_REPORT_H

#include "engine/engine.h"
#include "engine/undo.h"

#include <stdio.h>

struct report {
    FILE *out;
    bool colour;
    bool losses; /* end with what nobody can carry */
    int columns; /* of the terminal, for what stands in columns; 0: there is none */
};

/* The sides, a line for each step that is not equal, and how many are. */
int report_plan(const struct report *report, struct engine *engine, struct error *err);
/* After plan_apply: the steps that were not carried out, and why. */
int report_failures(const struct report *report, struct engine *engine, struct error *err);
/* After undo_run: what was put back, what not, and the sum. */
int report_undo(const struct report *report, struct engine *engine,
                const struct undo_request *request, struct error *err);
/* The permissions that were missing, each with the statement that would give it. */
int report_denials(const struct report *report, struct engine *engine, struct error *err);
/* "to apply: 7 reads and 4 writes, 2 s at AWS's default quotas: ..."; nothing when nothing is to be
 * written. */
int report_estimate(const struct report *report, struct engine *engine, struct error *err);
/* "plan: 2 to create, ..." or "applied 2 of 2 in 0.4 s, 9 calls, 1 blocked". */
void report_plan_sum(const struct report *report, const struct tally *tally);
void report_apply_sum(const struct report *report, const struct tally *tally);
void report_verify_sum(const struct report *report, const struct engine *engine,
                       const struct tally *tally);
/* Behind several replications: the sums of all. */
void report_total(const struct report *report, const struct tally *total, size_t replications,
                  size_t failed);

#endif
