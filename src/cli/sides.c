#include "cli/sides.h"

#include <string.h>
#include <unistd.h>

/* --- who acts on a side ----------------------------------------------------------------------- */
enum {
    FLAG_PROFILE = 256,
    FLAG_DESTINATION_PROFILE,
    FLAG_SOURCE_ROLE,
    FLAG_DESTINATION_ROLE,
    FLAG_ENDPOINT_URL,
};

static const struct argp_option side_options[] = {
    {"profile", FLAG_PROFILE, "NAME", 0, "profile of ~/.aws/config for every side", 3},
    {"destination-profile", FLAG_DESTINATION_PROFILE, "NAME", 0,
     "profile for the destinations, when it is another", 3},
    {"source-role", FLAG_SOURCE_ROLE, "ARN", 0, "take this role for the source", 3},
    {"destination-role", FLAG_DESTINATION_ROLE, "ARN", 0, "take this role for the destinations", 3},
    {"endpoint-url", FLAG_ENDPOINT_URL, "URL", 0, "send every call there", 3},
    {0},
};

static error_t take_side(int flag, char *value, struct argp_state *state)
{
    struct side_flags *flags = state->input;
    switch (flag) {
    case FLAG_PROFILE:
        flags->profile = value;
        return 0;
    case FLAG_DESTINATION_PROFILE:
        flags->destination_profile = value;
        return 0;
    case FLAG_SOURCE_ROLE:
        flags->source_role = value;
        return 0;
    case FLAG_DESTINATION_ROLE:
        flags->destination_role = value;
        return 0;
    case FLAG_ENDPOINT_URL:
        flags->endpoint_url = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp side_argp = {.options = side_options, .parser = take_side};

void side_lay_over(const struct side_flags *flags, bool destination, struct config_side *side)
{
    const char *role = destination ? flags->destination_role : flags->source_role;
    if (flags->profile)
        side->profile = flags->profile;
    if (destination && flags->destination_profile)
        side->profile = flags->destination_profile;
    if (flags->endpoint_url)
        side->endpoint_url = flags->endpoint_url;
    if (role) {
        /* In place of all that the file says about roles: an external id is of its role. */
        side->role = (struct config_role){.role_arn = role};
        side->roles = NULL;
        side->role_count = 0;
    }
}

void sides_lay_over(const struct side_flags *flags, struct config_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        side_lay_over(flags, false, &set->items[i].source);
        for (size_t at = 0; at < set->items[i].destination_count; at++)
            side_lay_over(flags, true, &set->items[i].destinations[at]);
    }
}

/* --- one source and one destination ----------------------------------------------------------- */
enum { FLAG_REPLICATION = 256, FLAG_SOURCE_REGION, FLAG_DESTINATION_REGION, FLAG_CONFIG = 'c' };

static const struct argp_option two_sides_options[] = {
    {"config", FLAG_CONFIG, "FILE", 0,
     "source and destination (default: ./understudy.yaml, when it is there and no Regions are "
     "given)",
     2},
    {"replication", FLAG_REPLICATION, "NAME", 0, "of the file's replications, this", 2},
    {"source-region", FLAG_SOURCE_REGION, "REGION", 0, "the source's Region", 2},
    {"destination-region", FLAG_DESTINATION_REGION, "REGION", 0, "the destination's Region", 2},
    {0},
};

static error_t take_two_sides(int flag, char *value, struct argp_state *state)
{
    struct two_sides_flags *flags = state->input;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->side;
        return 0;
    case FLAG_CONFIG:
        flags->config_file = value;
        return 0;
    case FLAG_REPLICATION:
        flags->replication = value;
        return 0;
    case FLAG_SOURCE_REGION:
        flags->source_region = value;
        return 0;
    case FLAG_DESTINATION_REGION:
        flags->destination_region = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child two_sides_children[] = {{&side_argp, 0, NULL, 0}, {0}};
const struct argp two_sides_argp = {.options = two_sides_options,
                                    .parser = take_two_sides,
                                    .children = two_sides_children};

static int choose_destination(const struct two_sides_flags *flags, const struct config *config,
                              struct two_sides *out, struct error *err)
{
    const char *wanted = flags->destination_region;
    if (!wanted && config->destination_count > 1)
        return error_set(err, ERR_INVALID,
                         "the configuration has %zu destinations: choose one with "
                         "--destination-region",
                         config->destination_count);
    for (size_t i = 0; i < config->destination_count; i++)
        if (!wanted || (config->destinations[i].region &&
                        strcmp(wanted, config->destinations[i].region) == 0)) {
            out->destination = config->destinations[i];
            return 0;
        }
    return error_set(err, ERR_INVALID, "the configuration has no destination '%s'",
                     wanted ? wanted : "");
}

/* One about keys, where the file has such; else one that just says from where to where. */
static int choose_replication(const struct two_sides_flags *flags, const struct config_set *set,
                              struct two_sides *out, struct error *err)
{
    const struct config *found = NULL;
    size_t fit = 0, keys = 0;
    for (int pass = 0; pass < 2 && !keys; pass++)
        for (size_t i = 0; i < set->count; i++) {
            const struct config *item = &set->items[i];
            bool named =
                !flags->replication || (item->name && strcmp(item->name, flags->replication) == 0);
            if (!named || (pass == 0 && item->kind != &resource_kms_key))
                continue;
            keys += pass == 0;
            fit++;
            found = item;
        }
    if (fit != 1)
        found = NULL;
    out->config = keys ? found : NULL;
    if (!found)
        return error_set(err, ERR_INVALID,
                         flags->replication ? "no replication is called '%s'"
                                            : "the configuration has several replications: choose "
                                              "one with --replication%s",
                         flags->replication ? flags->replication : "");
    out->source = found->source;
    return choose_destination(flags, found, out, err);
}

static int check_side(struct arena *arena, struct config_side *side, struct error *err)
{
    if (!side->region)
        return error_set(err, ERR_INVALID,
                         "give --source-region and --destination-region, or a configuration");
    return identity_check(arena, side, err);
}

int two_sides_read(struct arena *arena, const struct two_sides_flags *flags, struct two_sides *out,
                   struct error *err)
{
    static const char usual[] = "understudy.yaml";
    struct config_set set;
    const char *file = flags->config_file;
    *out = (struct two_sides){0};
    if (!file && !(flags->source_region && flags->destination_region) && access(usual, F_OK) == 0)
        file = usual;
    if (file &&
        (config_read(arena, file, &set, err) != 0 || config_check_set(arena, &set, err) != 0 ||
         choose_replication(flags, &set, out, err) != 0))
        return -1;
    if (flags->source_region)
        out->source.region = flags->source_region;
    if (flags->destination_region)
        out->destination.region = flags->destination_region;
    side_lay_over(&flags->side, false, &out->source);
    side_lay_over(&flags->side, true, &out->destination);
    return check_side(arena, &out->source, err) == 0 &&
                   check_side(arena, &out->destination, err) == 0
               ? 0
               : -1;
}

static int open_session(struct arena *arena, const struct config_side *side, struct stop *stop,
                        struct session **out, struct error *err)
{
    struct session_options options = {.region = side->region,
                                      .endpoint_url = side->endpoint_url,
                                      .stop = stop};
    identity_options(arena, side, &options);
    *out = session_new(&options, err);
    return *out ? 0 : -1;
}

int two_sides_open(struct arena *arena, struct two_sides *pair, struct stop *stop,
                   struct error *err)
{
    if (open_session(arena, &pair->source, stop, &pair->from, err) != 0)
        return -1;
    if (identity_same(&pair->source, &pair->destination)) {
        pair->to = pair->from;
        return 0;
    }
    return open_session(arena, &pair->destination, stop, &pair->to, err);
}

void two_sides_close(struct two_sides *pair)
{
    if (pair->to != pair->from)
        session_free(pair->to);
    session_free(pair->from);
    pair->from = pair->to = NULL;
}
