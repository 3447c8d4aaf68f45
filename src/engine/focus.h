/*
 * focus: the few names that a pass is about, and what was read of them.
 *
 * A pass without a focus is about everything. With one, the listings ask for its names only, tags
 * are read name by name (an index that lags would hide the very change that was hinted at), and a
 * value that was read to compare is kept until it is written: a pass is over in a moment. What is
 * older is noticed all the same: a write answers the version it made, and one that is not the next
 * behind the one that was seen has met another (`again`). The order in which a pass looks matters
 * for that: first at the copy, then at the source's value, then it writes.
 *
 * Any thread may ask and note; the driving thread begins and ends. Memory: the focus's own; held
 * values are wiped by focus_done.
 */
#ifndef UNDERSTUDY_ENGINE_FOCUS_H
#define UNDERSTUDY_ENGINE_FOCUS_H

#include "engine/engine.h"

enum { FOCUS_MOST = 200 };

struct focus_item {
    const char *key;  /* the source's */
    bool again;       /* a side moved while it was looked at */
    int64_t wrote_ms; /* when the last copy was acknowledged; 0: none was written */
};

struct focus;

/* `keys` are unique, at most FOCUS_MOST, and outlive the focus. */
struct focus *focus_new(struct engine *engine, const char *const *keys, size_t count);
void focus_free(struct focus *focus); /* NULL is fine */
size_t focus_count(const struct focus *focus);
const struct focus_item *focus_item(const struct focus *focus, const char *key); /* NULL: none */

/* What to ask a side's service for. In `arena`. */
void focus_filter(const struct focus *focus, struct arena *arena, bool at_destination,
                  struct resource_filter *out);

/* With a focus, these note; without, they do nothing. */
void focus_again(struct engine *engine, const char *key);
void focus_wrote(struct engine *engine, const char *key);

/* As engine_read; with a focus each reading is made once, and its value stays until the end. */
void focus_read(struct engine *engine, unsigned side, bool read_only, struct arena *values,
                struct reading *readings, size_t count);
bool focus_holds(const struct engine *engine, unsigned side, const char *key);

#endif
