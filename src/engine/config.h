/*
 * config: what is to be replicated from where to where: understudy.yaml, or flags.
 *
 * The file is YAML or JSON (which is YAML); every key is in a table of config.c and in the man page
 * understudy.yaml(5); an unknown one is an error with its place. All scalars are taken as they are
 * written: an account 012345678901 stays twelve digits. Memory: the arena given; immutable after
 * config_check, so any thread may read it.
 *
 * A file is one replication, or a list of them under `replications`; what stands beside the list is
 * the default of those that do not say it: `source` and `destinations` whole, `parameters` key by
 * key.
 */
#ifndef UNDERSTUDY_ENGINE_CONFIG_H
#define UNDERSTUDY_ENGINE_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "resource/resource.h"

#include <stddef.h>

enum { CONFIG_FILE_LIMIT = 1024 * 1024, DESTINATIONS_MAX = 64, REPLICATIONS_MAX = 64 };

struct config_key {
    const char *source, *destination;
};

/* A role and how to take it; texts as written, checked by config_check. */
struct config_role {
    const char *role_arn, *external_id, *session_name, *duration_seconds;
    struct config_key *session_tags; /* key, value */
    size_t session_tag_count;
    const char **transitive_tags;
    size_t transitive_tag_count;
};

/* A text of a value that means another place: rewrite.h. */
struct config_rewrite {
    const char *match, *with;    /* match NULL: all that stands at json_path */
    const char *json_path;       /* NULL: the whole value */
    const char **names, **types; /* none: all */
    size_t name_count, type_count;
    const char *descriptions; /* "true": of these too */
};

struct config_side {
    const char *region, *account, *profile, *endpoint_url;
    struct config_role role; /* the short form, for one role */
    struct config_role *roles;
    size_t role_count;
    const struct config_role *chain; /* by config_check: the roles to take, in order */
    size_t chain_count;
    struct config_key *quotas; /* operation, calls per second */
    size_t quota_count;
    struct config_key *keys; /* destinations only */
    size_t key_count;
    const char *tier;               /* destinations only; NULL: as the replication says */
    struct config_rewrite *rewrite; /* likewise */
    size_t rewrite_count;
};

struct config_select {
    const char **types, **tiers, **keys, **tags;
    size_t types_count, tiers_count, keys_count, tags_count;
};

struct config_rename {
    const char *from, *to;
};

/* One replication of one kind of resource: a replication of the file that says `kms_keys` and
 * `parameters` is two of these, in the order of applying. */
struct config {
    const char *name;                 /* NULL: it has none */
    const struct resource_kind *kind; /* NULL, before config_check: parameters */
    unsigned replication;             /* which of the file's, from 0 */
    struct config_side source;
    struct config_side *destinations;
    size_t destination_count;
    const char **include, **exclude, **allow; /* never NULL after config_check */
    size_t include_count, exclude_count, allow_count;
    struct config_select select;
    const char **allow_replace; /* globs of names */
    size_t allow_replace_count;
    const char *replace_wait, *type, *tier, *labels, *history; /* as written; NULL: the default */
    struct config_rename *rename;
    size_t rename_count;
    struct config_rewrite *rewrite;
    size_t rewrite_count;
    /* What may be removed or overwritten, as written: safety.h reads them. NULL: the default. */
    const char *ownership, *adopt, *deletes, *max_delete, *delete_grace, *keep_undo, *on_edit;
    /* Between two peers: two_way.h. */
    const char *two_way;
    struct config_key *owners; /* pattern of names, Region */
    size_t owner_count;
    const char **writers; /* principals that are understudy's, too */
    size_t writer_count;
    /* Of keys, as written: what resource_settings holds. */
    const char *deletion_window, *aliases, *policy, *grants, *create_counterparts;
    const char **regions, **counterparts;
    size_t region_count, counterpart_count;
    const struct resource_settings *settings; /* by config_check */
};

/* The replications of one file, in its order; at least one. */
struct config_set {
    struct config *items;
    size_t count;
};

/* Fills `out` from text; `name` stands in messages. ERR_INVALID. */
int config_parse(struct arena *arena, const char *name, const char *data, size_t len,
                 struct config_set *out, struct error *err);
int config_read(struct arena *arena, const char *path, struct config_set *out, struct error *err);

/* After the flags were laid over it: is it complete and possible? Fills in defaults. */
int config_check(struct arena *arena, struct config *config, struct error *err);
/* All of them, and their names. What goes both ways becomes two replications. */
int config_check_set(struct arena *arena, struct config_set *set, struct error *err);

/* A destination as it is to keys: nothing of it is mapped, tiered or rewritten. */
struct config_side config_place(const struct config_side *side);

/* The alias stands for the source's key and its counterpart. */
void config_map_key(struct arena *arena, struct config_side *side, const char *alias);

/* As one JSON object that config_parse reads again: a plan carries it. */
void config_write(const struct config *config, struct json_writer *w);

/* Every key there is, for the test that compares them with the man page: calls `each` with paths
 * such as "destinations.keys". */
void config_keys(void (*each)(const char *path, void *arg), void *arg);

#endif
