/*
 * sides: the flags that say who acts on source and destinations, laid over what a configuration
 * says, and the two sides that a command works between.
 *
 * Every command that takes such flags has them from here; a flag wins over the file. Memory: texts
 * are argv's or the arena's. One thread.
 */
#ifndef UNDERSTUDY_CLI_SIDES_H
#define UNDERSTUDY_CLI_SIDES_H

#include "base/stop.h"
#include "engine/identity.h"

#include <argp.h>

struct side_flags {
    const char *profile, *destination_profile, *source_role, *destination_role, *endpoint_url;
};

/* A child parser; its input is a struct side_flags. */
extern const struct argp side_argp;
/* Before config_check. */
void side_lay_over(const struct side_flags *flags, bool destination, struct config_side *side);
/* Over every side of every replication. */
void sides_lay_over(const struct side_flags *flags, struct config_set *set);

/* For commands between one source and one destination. */
struct two_sides_flags {
    struct side_flags side;
    const char *config_file, *replication, *source_region, *destination_region;
};
/* A child parser; its input is a struct two_sides_flags. */
extern const struct argp two_sides_argp;

struct two_sides {
    struct config_side source, destination;
    const struct config *config; /* of the file, about keys: which are selected; or NULL */
    struct session *from, *to;   /* by two_sides_open; the same where the same principal acts */
};
/* ERR_INVALID, and what config_read says. Without a file both Regions must be given. */
int two_sides_read(struct arena *arena, const struct two_sides_flags *flags, struct two_sides *out,
                   struct error *err);
/* Makes no call. two_sides_close, also after a failure. */
int two_sides_open(struct arena *arena, struct two_sides *pair, struct stop *stop,
                   struct error *err);
void two_sides_close(struct two_sides *pair);

#endif
