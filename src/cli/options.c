#include "cli/options.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/sides.h"
#include "cli/undo.h"
#include "engine/config_print.h"
#include "engine/legacy.h"
#include "engine/plan_file.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char default_config[] = "understudy.yaml";

enum {
    FLAG_SOURCE_REGION = 256,
    FLAG_DESTINATION_REGION,
    FLAG_REPLICATION,
    FLAG_KIND,
    FLAG_INCLUDE,
    FLAG_EXCLUDE,
    FLAG_KEY,
    FLAG_ALLOW,
    FLAG_ALLOW_REPLACE,
    FLAG_DELETES,
    FLAG_MAX_DELETE,
    FLAG_DELETE_GRACE,
    FLAG_ON_EDIT,
    FLAG_OUTPUT,
    FLAG_JSON,
    FLAG_CONCURRENCY,
    FLAG_STATE,
    FLAG_NO_STATE,
    FLAG_NO_UNDO,
    FLAG_DRY_RUN,
    FLAG_PARTIAL,
    FLAG_FORCE,
    FLAG_RUN,
    FLAG_MAX_DURATION,
    FLAG_DEBUG,
    FLAG_REPORT,
    FLAG_PARAMS_JSON,
    FLAG_FROM_ENV,
    FLAG_PRINT_CONFIG,
    FLAG_DEEP,
    FLAG_AUDIT,
    FLAG_EXIT_CODE,
    FLAG_DETAILED_EXIT_CODE,
    FLAG_CONFIG = 'c',
    FLAG_SAVE = 'o',
};

static const struct argp_option shared_options[] = {
    {"config", FLAG_CONFIG, "FILE", 0, "what to replicate (default: ./understudy.yaml)", 1},
    {"params-json", FLAG_PARAMS_JSON, "FILE", 0,
     "what to replicate, as the sample Lambda for copying parameters reads it", 1},
    {"from-env", FLAG_FROM_ENV, NULL, 0,
     "what to replicate, from the variables of the bulk script or the event-driven replicator", 1},
    {"print-config", FLAG_PRINT_CONFIG, NULL, 0,
     "write what file, flags and variables come to as understudy.yaml, and do nothing else", 1},
    {"source-region", FLAG_SOURCE_REGION, "REGION", 0, "copy from this Region", 1},
    {"destination-region", FLAG_DESTINATION_REGION, "REGION[,REGION]", 0,
     "copy to these Regions (may be repeated)", 1},
    {"replication", FLAG_REPLICATION, "NAME", 0,
     "of the file's replications, only this (may be repeated)", 1},
    {"kind", FLAG_KIND, "KIND", 0, "of the configuration, only ssm-parameter or only kms-key", 1},
    {"include", FLAG_INCLUDE, "GLOB", 0,
     "select names: * within a level, ** across levels (may be repeated; default: all)", 2},
    {"exclude", FLAG_EXCLUDE, "GLOB", 0, "leave these names out (may be repeated)", 2},
    {"key", FLAG_KEY, "SOURCE=DESTINATION", 0,
     "encryption key for copies of parameters under a source key, or under any other (\"*\"), in "
     "every destination (may be repeated)",
     2},
    {"allow", FLAG_ALLOW, "WORD", 0,
     "permit aws:ec2:image, plain-text, default-key or replace (may be repeated)", 2},
    {"deletes", FLAG_DELETES, "WORD", 0,
     "copies whose source is gone: never, owned (delete what understudy made) or all", 2},
    {"max-delete", FLAG_MAX_DELETE, "N|N%", 0,
     "when more copies of a destination would go, delete nothing (default 10%)", 2},
    {"delete-grace", FLAG_DELETE_GRACE, "TIME", 0,
     "how long a source must be gone before its copy is deleted (default 24h)", 2},
    {"allow-replace", FLAG_ALLOW_REPLACE, "GLOB", 0,
     "delete these copies and make them again where AWS changes them in no other way (may be "
     "repeated)",
     2},
    {"on-edit", FLAG_ON_EDIT, "WORD", 0,
     "copies that somebody changed: overwrite (the default), keep or fail", 2},
    {"concurrency", FLAG_CONCURRENCY, "N", 0, "calls at once (default 16, at most 128)", 3},
    {"state", FLAG_STATE, "FOLDER", 0,
     "what runs remember (default: $XDG_STATE_HOME/understudy, else ~/.local/state/understudy)", 3},
    {"no-undo", FLAG_NO_UNDO, NULL, 0, "do not keep what is written over", 3},
    {"no-state", FLAG_NO_STATE, NULL, 0, "remember nothing and use nothing remembered", 3},
    {"max-duration", FLAG_MAX_DURATION, "TIME", 0,
     "end in time (90s, 14m, 2h), cleanly: exit status 4, and the same command goes on", 3},
    {"output", FLAG_OUTPUT, "FORMAT", 0, "text or json", 4},
    {"json", FLAG_JSON, NULL, 0, "one JSON object a line, as --output json", 4},
    {"report", FLAG_REPORT, "FILE", 0, "also write a page to read in a browser", 4},
    {"debug", FLAG_DEBUG, NULL, 0, "log what is done on standard error (never values)", 4},
    {0},
};

static const struct argp_option plan_options[] = {
    {"out", FLAG_SAVE, "FILE", 0, "save the plan for `understudy apply FILE`", 5},
    {"exit-code", FLAG_EXIT_CODE, NULL, 0, "exit with 3 when anything differs", 5},
    {"detailed-exitcode", FLAG_DETAILED_EXIT_CODE, NULL, 0,
     "exit with 2 when anything differs, as terraform does", 5},
    {0},
};

static const struct argp_option verify_options[] = {
    {"deep", FLAG_DEEP, NULL, 0, "compare every value, whatever earlier runs found equal", 5},
    {"audit", FLAG_AUDIT, "FILE", 0,
     "write evidence without values: keyed digests of both sides (implies --deep)", 5},
    {0},
};

static const struct argp_option apply_options[] = {
    {"partial", FLAG_PARTIAL, NULL, 0, "when some of a plan has moved, write the rest", 5},
    {0},
};

static const struct argp_option undo_options[] = {
    {"dry-run", FLAG_DRY_RUN, NULL, 0, "only show what would be put back", 5},
    {"force", FLAG_FORCE, NULL, 0, "also what was changed by somebody else since", 5},
    {"run", FLAG_RUN, "RUN", 0, "undelete: all that this run deleted", 5},
    {0},
};

/* Flags as given; they are laid over the file when all are known. */
struct flags {
    struct options *options;
    struct side_flags side;
    const char *source_region, *deletes, *max_delete, *delete_grace, *on_edit, *kind;
    const char **destinations, **include, **exclude, **allow, **allow_replace, **replications;
    struct config_key *keys;
    size_t destination_count, include_count, exclude_count, allow_count, allow_replace_count;
    size_t replication_count;
    size_t key_count;
    size_t most; /* room in each list */
};

static void add_regions(struct flags *flags, const char *list, struct argp_state *state)
{
    size_t count;
    char **regions = text_split(flags->options->arena, list, ',', &count);
    if (count == 0)
        argp_error(state, "--destination-region '%s' names no Region", list);
    for (size_t i = 0; i < count && flags->destination_count < DESTINATIONS_MAX; i++)
        flags->destinations[flags->destination_count++] = regions[i];
}

static void add_key(struct flags *flags, const char *pair, struct argp_state *state)
{
    /* An ARN has no '=' in it. */
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair || !equals[1])
        argp_error(state, "--key '%s' is not SOURCE=DESTINATION", pair);
    else
        flags->keys[flags->key_count++] =
            (struct config_key){arena_strndup(flags->options->arena, pair, (size_t)(equals - pair)),
                                equals + 1};
}

static void set_concurrency(struct flags *flags, const char *text, struct argp_state *state)
{
    int64_t number;
    if (text_to_int64(text, strlen(text), &number) != 0 || number < 1 || number > CONCURRENCY_MAX)
        argp_error(state, "--concurrency '%s' is not a number from 1 to %d", text, CONCURRENCY_MAX);
    else
        flags->options->concurrency = (unsigned)number;
}

static void set_output(struct flags *flags, const char *format, struct argp_state *state)
{
    flags->options->json = strcmp(format, "json") == 0;
    if (!flags->options->json && strcmp(format, "text") != 0)
        argp_error(state, "--output '%s' is neither text nor json", format);
}

static error_t take_shared(int flag, char *value, struct argp_state *state)
{
    struct flags *flags = state->input;
    struct options *options = flags->options;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &flags->side;
        return 0;
    case FLAG_CONFIG:
        options->config_file = value;
        return 0;
    case FLAG_SOURCE_REGION:
        flags->source_region = value;
        return 0;
    case FLAG_DESTINATION_REGION:
        add_regions(flags, value, state);
        return 0;
    case FLAG_REPLICATION:
        flags->replications[flags->replication_count++] = value;
        return 0;
    case FLAG_KIND:
        if (!resource_kind_named(value))
            argp_error(state, "--kind '%s' is neither kms-key nor ssm-parameter", value);
        flags->kind = value;
        return 0;
    case FLAG_INCLUDE:
        flags->include[flags->include_count++] = value;
        return 0;
    case FLAG_EXCLUDE:
        flags->exclude[flags->exclude_count++] = value;
        return 0;
    case FLAG_KEY:
        add_key(flags, value, state);
        return 0;
    case FLAG_ALLOW:
        flags->allow[flags->allow_count++] = value;
        return 0;
    case FLAG_ALLOW_REPLACE:
        flags->allow_replace[flags->allow_replace_count++] = value;
        return 0;
    case FLAG_DELETES:
        flags->deletes = value;
        return 0;
    case FLAG_MAX_DELETE:
        flags->max_delete = value;
        return 0;
    case FLAG_ON_EDIT:
        flags->on_edit = value;
        return 0;
    case FLAG_DELETE_GRACE:
        flags->delete_grace = value;
        return 0;
    case FLAG_CONCURRENCY:
        set_concurrency(flags, value, state);
        return 0;
    case FLAG_STATE:
        options->state_folder = value;
        return 0;
    case FLAG_MAX_DURATION:
        if (text_to_duration_ms(value, &options->max_duration_ms) != 0 || !options->max_duration_ms)
            argp_error(state, "--max-duration '%s' is not a time such as 90s, 14m or 2h", value);
        return 0;
    case FLAG_NO_UNDO:
        options->no_undo = true;
        return 0;
    case FLAG_NO_STATE:
        options->no_state = true;
        return 0;
    case FLAG_OUTPUT:
        set_output(flags, value, state);
        return 0;
    case FLAG_PARAMS_JSON:
        options->params_file = value;
        return 0;
    case FLAG_FROM_ENV:
        options->from_env = true;
        return 0;
    case FLAG_PRINT_CONFIG:
        options->print_config = true;
        return 0;
    case FLAG_REPORT:
        options->report_file = value;
        return 0;
    case FLAG_JSON:
        options->json = true;
        return 0;
    case FLAG_DEBUG:
        options->debug = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What only one command has. */
static error_t take_own(int flag, char *value, struct argp_state *state)
{
    struct flags *flags = state->input;
    struct options *options = flags->options;
    switch (flag) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = flags;
        return 0;
    case FLAG_SAVE:
        options->save_file = value;
        return 0;
    case FLAG_EXIT_CODE:
        options->exit_code = true;
        return 0;
    case FLAG_DETAILED_EXIT_CODE:
        options->detailed_exit_code = true;
        return 0;
    case FLAG_AUDIT:
        options->audit_file = value;
        options->deep = true;
        return 0;
    case FLAG_DEEP:
        options->deep = true;
        return 0;
    case FLAG_PARTIAL:
        options->partial = true;
        return 0;
    case FLAG_DRY_RUN:
        options->dry_run = true;
        return 0;
    case FLAG_FORCE:
        options->force = true;
        return 0;
    case FLAG_RUN:
        options->run = value;
        return 0;
    case ARGP_KEY_ARG:
        if (options->use & (USE_UNDO | USE_UNDELETE)) {
            options->arguments[options->argument_count++] = value;
            return 0;
        }
        if (options->use != USE_APPLY || options->plan_file)
            argp_error(state, "'%s' is one argument too many", value);
        options->plan_file = value;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Flags win over the file; lists replace lists. */
static void lay_over(struct flags *flags, struct config *config)
{
    struct arena *arena = flags->options->arena;
    bool of_parameters = !config->kind || !config->kind->selector_problem;
    if (flags->source_region)
        config->source.region = flags->source_region;
    if (flags->destination_count) {
        config->destinations =
            arena_calloc(arena, flags->destination_count, sizeof *config->destinations);
        config->destination_count = flags->destination_count;
        for (size_t i = 0; i < flags->destination_count; i++)
            config->destinations[i].region = flags->destinations[i];
    }
    if (flags->include_count) {
        config->include = flags->include;
        config->include_count = flags->include_count;
    }
    if (flags->exclude_count) {
        config->exclude = flags->exclude;
        config->exclude_count = flags->exclude_count;
    }
    if (flags->allow_count && of_parameters) {
        config->allow = flags->allow;
        config->allow_count = flags->allow_count;
    }
    if (flags->allow_replace_count && of_parameters) {
        config->allow_replace = flags->allow_replace;
        config->allow_replace_count = flags->allow_replace_count;
    }
    if (flags->deletes)
        config->deletes = flags->deletes;
    if (flags->max_delete)
        config->max_delete = flags->max_delete;
    if (flags->on_edit && of_parameters)
        config->on_edit = flags->on_edit;
    if (flags->delete_grace)
        config->delete_grace = flags->delete_grace;
    for (size_t i = 0; flags->key_count && of_parameters && i < config->destination_count; i++) {
        config->destinations[i].keys = flags->keys;
        config->destinations[i].key_count = flags->key_count;
    }
}

const char *options_state_folder(struct arena *arena, const char *given)
{
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (given)
        return given;
    if (base && *base == '/') /* the XDG specification: a relative path there does not count */
        return arena_printf(arena, "%s/understudy", base);
    return home && *home == '/' ? arena_printf(arena, "%s/.local/state/understudy", home) : NULL;
}

__attribute__((noreturn)) static void wrong_usage(const struct error *err)
{
    fprintf(stderr, "understudy: %s\n", err->message);
    exit(EXIT_USAGE);
}

/* Leaves those that --replication names, in the file's order. */
static void choose_replications(struct flags *flags)
{
    struct config_set *set = &flags->options->set;
    struct error err = {0};
    size_t kept = 0;
    if (!flags->replication_count)
        return;
    if (flags->options->plan_file) {
        error_set(&err, ERR_INVALID, "a plan is applied whole: --replication does not go with it");
        wrong_usage(&err);
    }
    for (size_t i = 0; i < flags->replication_count; i++) {
        size_t found = 0;
        while (found < set->count && (!set->items[found].name ||
                                      strcmp(set->items[found].name, flags->replications[i]) != 0))
            found++;
        if (found == set->count) {
            error_set(&err, ERR_INVALID, "no replication is called '%s'", flags->replications[i]);
            wrong_usage(&err);
        }
    }
    for (size_t i = 0; i < set->count; i++)
        for (size_t j = 0; j < flags->replication_count; j++)
            if (set->items[i].name && strcmp(set->items[i].name, flags->replications[j]) == 0) {
                set->items[kept++] = set->items[i];
                break;
            }
    set->count = kept;
}

/* Leaves those of the kind that --kind names. Selectors on the command line are of one kind. */
static void choose_kind(struct flags *flags)
{
    struct config_set *set = &flags->options->set;
    struct error err = {0};
    size_t kept = 0, kinds = 0;
    if (flags->kind && flags->options->plan_file) {
        error_set(&err, ERR_INVALID, "a plan is applied whole: --kind does not go with it");
        wrong_usage(&err);
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct resource_kind *kind = set->items[i].kind;
        kinds += kind != set->items[0].kind;
        if (!flags->kind ||
            strcmp(kind ? kind->name : resource_ssm_parameter.name, flags->kind) == 0)
            set->items[kept++] = set->items[i];
    }
    if (!kept)
        error_set(&err, ERR_INVALID, "--kind %s: the configuration has none of these", flags->kind);
    else if (!flags->kind && kinds && (flags->include_count || flags->exclude_count))
        error_set(&err, ERR_INVALID,
                  "--include and --exclude are for one kind, and the configuration has several: "
                  "choose with --kind %s or --kind %s",
                  set->items[0].kind->name, set->items[1].kind->name);
    if (err.code)
        wrong_usage(&err);
    set->count = kept;
}

static const char *environment_variable(const char *name)
{
    return getenv(name);
}

static int read_legacy(struct options *options, struct error *err)
{
    struct legacy legacy;
    char *data;
    size_t len;
    int result;
    if (options->from_env)
        result = legacy_environment(options->arena, environment_variable, &legacy, err);
    else if ((result = file_read(options->arena, options->params_file, CONFIG_FILE_LIMIT, true,
                                 &data, &len, err)) == 0)
        result = legacy_params(options->arena, options->params_file, data, len,
                               environment_variable, &legacy, err);
    if (result != 0)
        return -1;
    options->set = legacy.set;
    options->dry_run = legacy.dry_run;
    if (options->dry_run && options->use == USE_APPLY)
        return error_set(err, ERR_INVALID, "DRY_RUN=true and apply do not go together: plan");
    for (size_t i = 0; i < legacy.note_count; i++)
        fprintf(stderr, "understudy: note: %s\n", legacy.notes[i]);
    return 0;
}

/* One of them says what is to be replicated. */
static void check_sources(const struct options *options)
{
    unsigned count = (options->plan_file != NULL) + (options->config_file != NULL) +
                     (options->params_file != NULL) + options->from_env;
    if (count > 1)
        wrong_usage(&(struct error){.message = "a plan file, --config, --params-json and "
                                               "--from-env each say what to replicate: give one"});
}

static void print_configuration(const struct options *options)
{
    struct error err = {0};
    if (config_print(&options->set, stdout, &err) != 0) {
        fprintf(stderr, "understudy: %s\n", err.message);
        exit(EXIT_FAILED);
    }
    exit(EXIT_DONE);
}

static void read_configuration(struct flags *flags)
{
    struct options *options = flags->options;
    struct config_set *set = &options->set;
    struct error err = {0};
    int result = 0;
    bool undo = options->use & (USE_UNDO | USE_UNDELETE);
    if (undo && (options->config_file || flags->source_region || flags->destination_count ||
                 flags->include_count || flags->exclude_count || flags->replication_count))
        wrong_usage(&(struct error){.message = "a run knows where it wrote: no configuration and "
                                               "no selection goes with this, only names"});
    if (undo)
        result = undo_choose(options, &err);
    else if (options->plan_file)
        result = plan_read_config(options->arena, options->plan_file, set, &err);
    else if (options->params_file || options->from_env)
        result = read_legacy(options, &err);
    else if (options->config_file)
        result = config_read(options->arena, options->config_file, set, &err);
    else if (!flags->source_region && access(default_config, F_OK) == 0)
        result = config_read(options->arena, default_config, set, &err);
    else {
        *set = (struct config_set){arena_calloc(options->arena, 1, sizeof *set->items), 1};
        set->items[0].kind = flags->kind ? resource_kind_named(flags->kind) : NULL;
    }
    if (result != 0)
        wrong_usage(&err);
    choose_replications(flags);
    choose_kind(flags);
    if (set->count && set->items[set->count - 1].replication != set->items[0].replication &&
        (flags->source_region || flags->destination_count))
        wrong_usage(&(struct error){.message = "--source-region and --destination-region do not go "
                                               "with several replications: choose one with "
                                               "--replication NAME"});
    for (size_t i = 0; i < set->count; i++)
        lay_over(flags, &set->items[i]);
    sides_lay_over(&flags->side, set);
    if (config_check_set(options->arena, set, &err) != 0)
        wrong_usage(&err);
    if (options->print_config)
        print_configuration(options);
}

void options_parse(struct options *out, struct arena *arena, enum option_use use, const char *doc,
                   int argc, char **argv)
{
    *out = (struct options){.arena = arena, .use = use, .concurrency = CONCURRENCY_DEFAULT};
    struct flags flags = {.options = out, .most = (size_t)argc};
    flags.destinations = arena_calloc(arena, DESTINATIONS_MAX, sizeof *flags.destinations);
    flags.include = arena_calloc(arena, flags.most + 1, sizeof *flags.include);
    flags.exclude = arena_calloc(arena, flags.most + 1, sizeof *flags.exclude);
    flags.allow_replace = arena_calloc(arena, flags.most + 1, sizeof *flags.allow_replace);
    flags.allow = arena_calloc(arena, flags.most + 1, sizeof *flags.allow);
    flags.replications = arena_calloc(arena, flags.most + 1, sizeof *flags.replications);
    flags.keys = arena_calloc(arena, flags.most + 1, sizeof *flags.keys);

    out->arguments = arena_calloc(arena, flags.most + 1, sizeof *out->arguments);

    const struct argp_child sides[] = {{&side_argp, 0, NULL, 0}, {0}};
    const struct argp shared = {.options = shared_options,
                                .parser = take_shared,
                                .children = sides};
    const struct argp_child children[] = {{&shared, 0, NULL, 0}, {0}};
    const struct argp argp = {
        .options = use == USE_PLAN                   ? plan_options
                   : use == USE_APPLY                ? apply_options
                   : use == USE_VERIFY               ? verify_options
                   : use & (USE_UNDO | USE_UNDELETE) ? undo_options
                                                     : NULL,
        .parser = take_own,
        .args_doc = use == USE_APPLY      ? "[PLAN-FILE]"
                    : use == USE_UNDO     ? "RUN [NAME...]"
                    : use == USE_UNDELETE ? "NAME...\n--run RUN [NAME...]"
                                          : NULL,
        .doc = doc,
        .children = children,
    };
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &flags);
    check_sources(out);
    if (out->debug)
        log_setup(LOG_DEBUG, out->json);
    out->state_folder = out->no_state ? NULL : options_state_folder(arena, out->state_folder);
    read_configuration(&flags);
}

void options_names(void (*each)(const char *name, void *arg), void *arg)
{
    const struct argp_option *const all[] = {
        shared_options, side_argp.options, plan_options, apply_options,
        verify_options, undo_options,      NULL};
    for (const struct argp_option *const *table = all; *table; table++)
        for (const struct argp_option *option = *table; option->name; option++)
            each(option->name, arg);
}
