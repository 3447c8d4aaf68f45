/* Custom::...: replicas of a multi-Region KMS key in other Regions. Source of the course: shared
 * facts, lambda-and-cloudformation.md B3 to B5. */
#include "event/custom_kms.h"

#include "aws/arn.h"
#include "base/json.h"
#include "base/text.h"
#include "base/workers.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS_USUAL = 16 };

static const char id_prefix[] = "key-replica/", failed_prefix[] = "key-replica-failed/";

/* One request being carried out. */
struct course {
    struct custom_work *work;
    struct custom_properties properties;
    struct kms_source source;
    const char *key_id;
    char entry[CUSTOM_ENTRY_SIZE];
    struct workers *workers;
    struct custom_place places[CUSTOM_ROWS_MOST];
    size_t count;
};

static void fail(struct course *course, const struct error *err)
{
    custom_fail(course->work->result, err->message);
}

static bool has_failed(struct course *course)
{
    struct custom_result *result = course->work->result;
    pthread_mutex_lock(&result->mutex);
    bool failed = result->failed;
    pthread_mutex_unlock(&result->mutex);
    return failed;
}

/* --- places ----------------------------------------------------------------------------------- */
static struct custom_place *place_named(struct course *course, const char *region)
{
    for (size_t i = 0; i < course->count; i++)
        if (strcmp(course->places[i].region->name, region) == 0)
            return &course->places[i];
    return NULL;
}

static void add_place(struct course *course, const struct custom_region *region)
{
    struct custom_result *result = course->work->result;
    if (course->count == CUSTOM_ROWS_MOST || place_named(course, region->name))
        return;
    struct custom_place *place = &course->places[course->count];
    *place = (struct custom_place){.work = course->work,
                                   .region = region,
                                   .row = course->count++,
                                   .entry = course->entry,
                                   .removal = course->properties.removal};
    arena_init(&place->arena);
    pthread_mutex_lock(&result->mutex);
    struct custom_row *row = &result->rows[result->row_count++];
    *row = (struct custom_row){0};
    snprintf(row->name, sizeof row->name, "%s", region->name);
    pthread_mutex_unlock(&result->mutex);
}

/* A Region that the properties do not name. */
static const struct custom_region *bare_region(struct course *course, const char *name,
                                               unsigned window_days)
{
    struct custom_region *region = arena_calloc(&course->work->arena, 1, sizeof *region);
    region->name = arena_strdup(&course->work->arena, name);
    region->window_days = window_days;
    return region;
}

static void run_look(void *arg, unsigned worker)
{
    struct custom_place *place = arg;
    (void)worker;
    custom_place_look(place, place->key_id);
}

static void run_ensure(void *arg, unsigned worker)
{
    (void)worker;
    custom_place_ensure(arg);
}

static void run_remove(void *arg, unsigned worker)
{
    (void)worker;
    custom_place_remove(arg);
}

static void each(struct course *course, size_t from, void (*job)(void *, unsigned))
{
    for (size_t i = from; i < course->count; i++) {
        course->places[i].key_id = course->key_id;
        course->places[i].source = &course->source;
        workers_run(course->workers, job, &course->places[i]);
    }
    workers_wait(course->workers);
}

/* A request that others followed: nothing of it is done again, in any Region. */
static bool is_stale(struct course *course)
{
    for (size_t i = 0; i < course->count; i++)
        if (course->places[i].stale)
            return true;
    return false;
}

static void say_stale(struct course *course)
{
    for (size_t i = 0; i < course->count; i++) {
        struct custom_place *place = &course->places[i];
        if (place->there) {
            struct custom_result *result = course->work->result;
            pthread_mutex_lock(&result->mutex);
            snprintf(result->rows[i].arn, sizeof result->rows[i].arn, "%s", place->key.arn);
            pthread_mutex_unlock(&result->mutex);
        }
        custom_place_say(place, false,
                         "this request was carried out before, and others since: "
                         "left alone");
    }
}

/* --- before anything is written -----------------------------------------------------------------
 */

/* The function's own Region and account are the stack's: only there its key can be. */
static int check_key(struct course *course, struct error *err)
{
    const struct custom_request *request = course->work->request;
    const char *key = course->properties.key;
    struct arn arn;
    if (arn_parse(key, strlen(key), &arn) != 0)
        return 0;
    if (!text_is(arn.service, "kms"))
        return error_set(err, ERR_INVALID, "KMSKeyID: %s is not of KMS", key);
    if (!text_is(arn.account, request->stack_account))
        return error_set(err, ERR_INVALID,
                         "KMSKeyID: the key is of account %.*s and the stack of %s: a key is "
                         "replicated within its account only",
                         (int)arn.account.len, arn.account.data, request->stack_account);
    if (!text_is(arn.region, request->stack_region))
        return error_set(err, ERR_INVALID,
                         "KMSKeyID: the key is in %.*s and the stack in %s: give the key of the "
                         "stack's Region",
                         (int)arn.region.len, arn.region.data, request->stack_region);
    return 0;
}

static int check_list(struct course *course, struct error *err)
{
    for (size_t i = 0; i < course->properties.region_count; i++)
        if (strcmp(course->properties.regions[i].name, course->work->request->stack_region) == 0)
            return error_set(err, ERR_INVALID,
                             "ReplicationRegions: %s is the key's own Region: take it out",
                             course->work->request->stack_region);
    return 0;
}

static const char *environment_text(const struct custom_work *work, const char *name)
{
    const char *const *at = work->options->environment;
    size_t len = strlen(name);
    if (!at)
        return getenv(name);
    for (; *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    return NULL;
}

/* A setting that is no number must not take the answer with it: a Delete goes on without. */
static int open_workers(struct course *course, struct error *err)
{
    unsigned workers = course->properties.workers;
    bool strict = course->work->request->action != CUSTOM_DELETE;
    if (!workers &&
        custom_workers_read("the function's variable MAX_WORKERS",
                            environment_text(course->work, "MAX_WORKERS"), &workers, err) != 0) {
        if (strict)
            return -1;
        error_clear(err);
    }
    course->workers = workers_new(workers ? workers : WORKERS_USUAL, err);
    return course->workers ? 0 : -1;
}

/* What is left to the primary by at least one Region. */
static struct kms_wish wish_of_all(const struct custom_properties *properties)
{
    struct kms_wish wish = properties->regions[0].wish;
    for (size_t i = 1; i < properties->region_count; i++) {
        const struct kms_wish *one = &properties->regions[i].wish;
        if (!one->policy)
            wish.policy = NULL;
        wish.tags_given = wish.tags_given && one->tags_given;
        wish.aliases_given = wish.aliases_given && one->aliases_given;
    }
    return wish;
}

static int read_source(struct course *course, struct error *err)
{
    struct custom_work *work = course->work;
    struct kms_wish wish = wish_of_all(&course->properties);
    struct resource_ctx ctx = {.session = work->session,
                               .region = work->request->stack_region,
                               .arena = &work->arena};
    if (kms_source_read(&ctx, course->properties.key, &wish, &course->source, err) != 0)
        return error_context(err, "KMSKeyID");
    const struct kms_key *primary = &course->source.primary;
    course->key_id = primary->id;
    struct custom_result *result = work->result;
    pthread_mutex_lock(&result->mutex);
    snprintf(result->key_id, sizeof result->key_id, "%s", primary->id);
    snprintf(result->primary_arn, sizeof result->primary_arn, "%s", primary->arn);
    snprintf(result->primary_region, sizeof result->primary_region, "%s", primary->region);
    pthread_mutex_unlock(&result->mutex);
    return 0;
}

/* All that is in the way, of all Regions. */
static void judge_places(struct course *course)
{
    for (size_t i = 0; i < course->count; i++) {
        struct custom_place *place = &course->places[i];
        if (place->error.code)
            custom_place_say(place, true, place->error.message);
        else if (place->owner == CUSTOM_ANOTHER_STACKS)
            custom_place_say(place, true,
                             arena_printf(&place->arena,
                                          "its replica is of another stack's resource (%s): take "
                                          "the Region out of one of them",
                                          place->owner_text));
    }
    for (size_t i = 0; i < course->count && has_failed(course); i++)
        if (!course->places[i].error.code && course->places[i].owner != CUSTOM_ANOTHER_STACKS)
            custom_place_say(&course->places[i], false, "not begun");
}

static int prepare(struct course *course, struct error *err)
{
    struct custom_work *work = course->work;
    if (custom_properties_read(&work->arena, work->request->properties, &course->properties, err) !=
            0 ||
        check_key(course, err) != 0 || check_list(course, err) != 0 ||
        open_workers(course, err) != 0 || read_source(course, err) != 0)
        return -1;
    return 0;
}

/* --- Create and Update --------------------------------------------------------------------------
 */
static bool same_key(const struct course *course)
{
    const char *id = course->work->request->physical_id;
    return id && text_starts(id, id_prefix) && strcmp(id + strlen(id_prefix), course->key_id) == 0;
}

static void set_id(struct course *course, const char *prefix)
{
    custom_set_id(course->work->result,
                  arena_printf(&course->work->arena, "%s%s", prefix, course->key_id));
}

/* Regions that are no longer in the list: those of the old one, and any replica that bears our
 * mark. They come behind the others, and only when all of those are well. */
static void remove_others(struct course *course)
{
    struct custom_properties old = {0};
    struct arena *arena = &course->work->arena;
    unsigned window_days = course->properties.regions[0].window_days;
    size_t first = course->count;
    if (course->work->request->old)
        custom_properties_skim(arena, course->work->request->old, &old);
    for (size_t i = 0; i < old.region_count; i++)
        add_place(course, bare_region(course, old.regions[i].name, window_days));
    const char *const *regions = course->source.primary.replica_regions;
    for (; regions && *regions; regions++)
        add_place(course, bare_region(course, *regions, window_days));
    each(course, first, run_look);
    for (size_t i = first; i < course->count; i++)
        if (course->places[i].error.code)
            custom_place_say(&course->places[i], true, course->places[i].error.message);
    if (!has_failed(course))
        each(course, first, run_remove);
}

/* CloudFormation goes back to the old key: what this request made of the new one goes too. */
static void undo_created(struct course *course)
{
    for (size_t i = 0; i < course->count; i++) {
        struct custom_place *place = &course->places[i];
        if (place->outcome.end != KMS_END_CREATED)
            continue;
        struct resource_ctx ctx = {.session = course->work->session,
                                   .region = place->region->name,
                                   .arena = &place->arena};
        struct kms_outcome outcome;
        kms_replica_remove(&ctx, course->key_id, place->region->window_days, &place->mark, &outcome,
                           NULL);
    }
}

static void replicate(struct course *course)
{
    struct error err = {0};
    bool update = course->work->request->action == CUSTOM_UPDATE;
    if (prepare(course, &err) != 0) {
        fail(course, &err);
        return;
    }
    /* Until all is well a Create has this one: its rollback may then take away what it made. */
    if (!update)
        set_id(course, failed_prefix);
    for (size_t i = 0; i < course->properties.region_count; i++)
        add_place(course, &course->properties.regions[i]);
    each(course, 0, run_look);
    if (is_stale(course)) {
        say_stale(course);
        set_id(course, id_prefix);
        return;
    }
    judge_places(course);
    if (has_failed(course))
        return;
    each(course, 0, run_ensure);
    if (update && same_key(course) && !has_failed(course))
        remove_others(course);
    if (!has_failed(course))
        set_id(course, id_prefix);
    else if (update && !same_key(course))
        undo_created(course);
}

/* --- Delete -------------------------------------------------------------------------------------
 */

/* Which key is meant; false: none that can be found, so nothing was made. */
static bool find_key(struct course *course, bool *only_created, struct error *err)
{
    const char *id = course->work->request->physical_id, *key = course->properties.key;
    struct resource_ctx ctx = {.session = course->work->session,
                               .region = course->work->request->stack_region,
                               .arena = &course->work->arena};
    *only_created = !text_starts(id, id_prefix);
    if (text_starts(id, id_prefix))
        key = id + strlen(id_prefix);
    else if (text_starts(id, failed_prefix))
        key = id + strlen(failed_prefix);
    if (!key || text_starts(id, "nothing-made/"))
        return false;
    if (kms_key_describe(&ctx, key, &course->source.primary, err) == 0) {
        course->key_id = course->source.primary.id;
        return course->source.primary.multi_region;
    }
    if (err->code != ERR_NOT_FOUND && err->code != ERR_INVALID)
        return false;
    /* Its primary is gone, or is elsewhere: its replicas bear the same id. */
    error_clear(err);
    const char *slash = strstr(key, ":key/");
    course->key_id = slash ? slash + strlen(":key/") : key;
    return text_starts(course->key_id, "mrk-");
}

static void add_all_places(struct course *course)
{
    const struct custom_properties *properties = &course->properties;
    unsigned window_days = properties->region_count ? properties->regions[0].window_days : 0;
    for (size_t i = 0; i < properties->region_count; i++)
        add_place(course, &properties->regions[i]);
    const char *const *regions = course->source.primary.replica_regions;
    for (; regions && *regions; regions++)
        add_place(course, bare_region(course, *regions, window_days));
}

static void remove_all(struct course *course)
{
    struct error err = {0};
    bool only_created;
    custom_properties_skim(&course->work->arena, course->work->request->properties,
                           &course->properties);
    if (open_workers(course, &err) != 0 ||
        (!find_key(course, &only_created, &err) && err.code != ERR_NONE)) {
        fail(course, &err);
        return;
    }
    if (!course->key_id || !text_starts(course->key_id, "mrk-"))
        return; /* nothing was made */
    add_all_places(course);
    for (size_t i = 0; i < course->count; i++)
        course->places[i].only_created = only_created;
    each(course, 0, run_look);
    for (size_t i = 0; i < course->count; i++)
        if (course->places[i].error.code)
            custom_place_say(&course->places[i], true, course->places[i].error.message);
    if (is_stale(course))
        say_stale(course);
    else if (!has_failed(course))
        each(course, 0, run_remove);
}

/* --- the type -----------------------------------------------------------------------------------
 */
static bool takes(const struct custom_request *request)
{
    /* The only one so far: whatever a template calls it, and also when the key is missing, for
     * there is no other type that could say so. */
    return text_starts(request->resource_type, "Custom::") ||
           strcmp(request->resource_type, "AWS::CloudFormation::CustomResource") == 0 ||
           json_object_get(request->properties, "KMSKeyID");
}

static void run(struct custom_work *work)
{
    struct course *course = memory_alloc(sizeof *course);
    course->work = work;
    custom_entry(work->request, course->entry);
    if (work->request->action == CUSTOM_DELETE)
        remove_all(course);
    else
        replicate(course);
    workers_free(course->workers);
    for (size_t i = 0; i < course->count; i++)
        arena_done(&course->places[i].arena);
    free(course);
}

const struct custom_type custom_kms_replicas = {.name = "replicas of a KMS key",
                                                .takes = takes,
                                                .run = run};
