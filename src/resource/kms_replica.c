/* Sources: shared facts kms.md sections 4 and 5, lambda-and-cloudformation.md part B5. */
#include "resource/kms_replica.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "base/json.h"
#include "client/retry.h"
#include "resource/kms_intern.h"
#include "resource/services.h"

#include <string.h>

enum {
    PATIENCE_MS = 120 * 1000, /* a replica is Creating for seconds; nobody promises how many */
    FIRST_WAIT_MS = 200,
    LONGEST_WAIT_MS = 5000,
    WINDOW_LEAST = 7,
    WINDOW_MOST = 30,
};

static const struct kms_wish as_primary;

static bool in_state(const struct kms_key *key, const char *state)
{
    return strcmp(key->state, state) == 0;
}

static bool passing(const struct kms_key *key)
{
    return in_state(key, "Creating") || in_state(key, "Updating");
}

/* --- the primary ------------------------------------------------------------------------------ */
static int refuse_single(const struct kms_key *key, const char *name, struct error *err)
{
    if (key->aws_managed)
        return error_set(err, ERR_UNSUPPORTED,
                         "key %s in %s is AWS's own: each Region has one, and nobody replicates it",
                         name, key->region);
    return error_set(
        err, ERR_UNSUPPORTED,
        "key %s in %s is a single-Region key, and AWS makes no key multi-Region later: "
        "make a multi-Region key and encrypt anew under it",
        name, key->region);
}

/* An ARN may name a key of another account, which could be read and not replicated. */
static int check_account(struct resource_ctx *ctx, const struct kms_key *key, const char *name,
                         struct error *err)
{
    char account[13];
    if (!arn_is(name))
        return 0;
    if (session_account(ctx->session, ctx->region, account, err) != 0)
        return -1;
    if (strcmp(account, key->account) == 0)
        return 0;
    return error_set(err, ERR_UNSUPPORTED,
                     "key %s belongs to account %s, and AWS replicates a key only within its "
                     "account: run as %s",
                     name, key->account, key->account);
}

/* Where to ask for it: an ARN says. */
static const char *region_of(struct resource_ctx *ctx, const char *name)
{
    struct arn arn;
    if (arn_parse(name, strlen(name), &arn) != 0 || !arn.region.len)
        return ctx->region;
    return arena_strndup(ctx->arena, arn.region.data, arn.region.len);
}

static int describe_primary(struct resource_ctx *ctx, const char *name, struct kms_key *out,
                            struct error *err)
{
    struct resource_ctx there = *ctx;
    there.region = region_of(ctx, name);
    if (kms_key_describe(&there, name, out, err) != 0)
        return -1;
    if (!out->multi_region || !out->primary_region)
        return refuse_single(out, name, err);
    if (check_account(&there, out, name, err) != 0)
        return -1;
    if (strcmp(out->primary_region, out->region) == 0)
        return 0;
    there.region = out->primary_region;
    if (kms_key_describe(&there, out->id, out, err) != 0)
        return -1;
    return out->primary ? 0
                        : error_set(err, ERR_CONFLICT,
                                    "the primary of key %s is being moved: try again", name);
}

int kms_source_read(struct resource_ctx *ctx, const char *key, const struct kms_wish *wish,
                    struct kms_source *out, struct error *err)
{
    struct kms_key *primary = &out->primary;
    *out = (struct kms_source){0};
    wish = wish ? wish : &as_primary;
    if (describe_primary(ctx, key, primary, err) != 0)
        return -1;
    if (in_state(primary, "PendingDeletion") || in_state(primary, "PendingReplicaDeletion"))
        return error_set(
            err, ERR_CONFLICT,
            "key %s in %s is pending deletion: it is not replicated; CancelKeyDeletion "
            "would keep it",
            primary->id, primary->region);
    struct resource_ctx there = *ctx;
    there.region = primary->region;
    return kms_key_read(&there, primary,
                        (wish->policy ? 0 : KMS_READ_POLICY) |
                            (wish->tags_given ? 0 : KMS_READ_TAGS) |
                            (wish->aliases_given ? 0 : KMS_READ_ALIASES),
                        err);
}

/* --- waiting ---------------------------------------------------------------------------------- */
/* False: there is no time left, and err says that `what` is not so yet. */
static bool pause_for(struct kms_work *work, int64_t *wait_ms, const char *what, struct error *err)
{
    int64_t left = work->deadline_ms - work->clock->monotonic_ms(work->clock);
    if (stop_wanted(work->stop))
        error_set(err, ERR_CANCELLED, "stopped while waiting for key %s in %s: %s",
                  work->source->primary.id, work->ctx->region, what);
    else if (left <= 0)
        error_set(err, ERR_UNAVAILABLE,
                  "key %s in %s is still not usable (%s): the same command goes on from there",
                  work->source->primary.id, work->ctx->region, what);
    else {
        retry_pause(work->clock, *wait_ms < left ? *wait_ms : left);
        *wait_ms = *wait_ms * 2 < LONGEST_WAIT_MS ? *wait_ms * 2 : LONGEST_WAIT_MS;
        return true;
    }
    return false;
}

/* Until it is there and neither Creating nor Updating. Just after it was made, another server of
 * AWS's may not know of it yet. */
static int wait_until_settled(struct kms_work *work, bool known, struct error *err)
{
    int64_t wait_ms = FIRST_WAIT_MS;
    for (;;) {
        struct error error = {0};
        int result = 0;
        if (!known)
            result = kms_key_describe(work->ctx, work->source->primary.id, &work->key, &error);
        if (result != 0 && error.code != ERR_NOT_FOUND) {
            *err = error;
            return -1;
        }
        if (result == 0 && !passing(&work->key))
            return 0;
        if (!pause_for(work, &wait_ms, result ? "not to be seen yet" : work->key.state, err))
            return -1;
        known = false;
    }
}

/* --- making it -------------------------------------------------------------------------------- */
static json_t *replicate_input(struct kms_work *work, const char *policy)
{
    size_t count;
    const struct tag *tags = kms_wanted_tags(work, &count), *mark = work->wish->mark;
    json_t *list = json_array();
    json_t *in =
        json_pack("{s:s, s:s, s:s, s:s}", "KeyId", work->source->primary.id, "ReplicaRegion",
                  work->ctx->region, "Policy", policy, "Description", kms_wanted_description(work));
    enum { TAGS_MOST = 50 };
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "TagKey", tags[i].key, "TagValue",
                                              tags[i].value));
    if (mark && count < TAGS_MOST)
        json_array_append_new(list, json_pack("{s:s, s:s}", "TagKey", mark->key, "TagValue",
                                              mark->value));
    if (json_array_size(list))
        json_object_set(in, "Tags", list);
    json_decref(list);
    /* Never unasked: it can make a key that nobody can manage. */
    if (work->wish->bypass_lockout_check)
        json_object_set_new(in, "BypassPolicyLockoutSafetyCheck", json_true());
    return in;
}

/* What to do about a refusal. */
static int explain(struct kms_work *work, struct error *err)
{
    const struct kms_key *primary = &work->source->primary;
    const char *code = err->aws_code;
    if (strcmp(code, "DisabledException") == 0)
        return error_context(err, "the primary in %s must be enabled to be replicated",
                             primary->region);
    if (strcmp(code, "MalformedPolicyDocumentException") == 0)
        return error_context(err, "AWS refuses the policy: it names a principal that does not "
                                  "exist, or would keep its writer from changing it again");
    return error_context(err, "replicate key %s from %s to %s", primary->id, primary->region,
                         work->ctx->region);
}

static bool primary_passes(struct resource_ctx *there, const struct kms_work *work)
{
    struct kms_key now;
    return kms_key_describe(there, work->source->primary.id, &now, NULL) == 0 && passing(&now);
}

/* Is called in the primary's Region, whichever Region the replica is for. */
static int replicate(struct kms_work *work, struct error *err)
{
    struct resource_ctx there = *work->ctx;
    there.region = work->source->primary.region;
    int64_t wait_ms = FIRST_WAIT_MS;
    const char *policy = kms_wanted_policy(work, err);
    if (!policy)
        return error_context(err, "the policy of key %s", work->source->primary.id);
    for (;;) {
        struct error error = {0};
        json_t *in = replicate_input(work, policy);
        int result = resource_call(&there, &operation_kms_replicate_key, in, NULL, &error);
        json_decref(in);
        if (result == 0 || strcmp(error.aws_code, "AlreadyExistsException") == 0) {
            work->created = result == 0;
            work->out->writes += result == 0;
            return wait_until_settled(work, false, err);
        }
        *err = error;
        if (strcmp(error.aws_code, "KMSInvalidStateException") != 0 ||
            !primary_passes(&there, work) ||
            !pause_for(work, &wait_ms, "its primary is being changed", err))
            return err->code == ERR_CANCELLED || err->code == ERR_UNAVAILABLE ? -1
                                                                              : explain(work, err);
    }
}

static int restore(struct kms_work *work, struct error *err)
{
    json_t *in = json_pack("{s:s}", "KeyId", work->key.id);
    struct error error = {0};
    if (kms_write(work, &operation_kms_cancel_key_deletion, in, &error) != 0 &&
        strcmp(error.aws_code, "KMSInvalidStateException") != 0) {
        *err = error;
        return error_context(err, "cancel the deletion of key %s in %s", work->key.id,
                             work->ctx->region);
    }
    work->restored = error.code == ERR_NONE;
    return wait_until_settled(work, false, err);
}

/* --- one Region ------------------------------------------------------------------------------- */
static int check_region(const struct kms_work *work, struct error *err)
{
    const struct kms_key *primary = &work->source->primary;
    const char *region = work->ctx->region;
    if (!region_valid(region))
        return error_set(err, ERR_INVALID,
                         "'%s' is not the name of a Region; names look like eu-west-1", region);
    if (partition_of(region) != partition_of(primary->region))
        return error_set(err, ERR_UNSUPPORTED,
                         "%s is in the partition %s and key %s in %s: no key is replicated across "
                         "partitions",
                         region, partition_of(region)->name, primary->id,
                         partition_of(primary->region)->name);
    return 0;
}

/* Makes or finds it, and waits until its properties can be set. */
static int have_it(struct kms_work *work, struct error *err)
{
    struct error error = {0};
    int result = kms_key_describe(work->ctx, work->source->primary.id, &work->key, &error);
    if (result != 0 && error.code != ERR_NOT_FOUND) {
        *err = error;
        if (error.code == ERR_DENIED && (strstr(error.aws_code, "UnrecognizedClient") ||
                                         strstr(error.aws_code, "InvalidClientTokenId") ||
                                         strstr(error.aws_code, "OptInRequired")))
            error_context(err, "is the Region %s enabled for the account?", work->ctx->region);
        return -1;
    }
    if (result != 0)
        result = replicate(work, err);
    else if (passing(&work->key))
        result = wait_until_settled(work, true, err);
    if (result == 0 && work->key.primary)
        return error_set(err, ERR_CONFLICT,
                         "the primary of key %s has moved to %s meanwhile: look again",
                         work->key.id, work->ctx->region);
    if (result == 0 && in_state(&work->key, "PendingDeletion"))
        result = restore(work, err);
    return result;
}

static const char *words(struct arena *arena, const char *const *list, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", list[i]);
    return text;
}

static void say(struct kms_work *work)
{
    struct kms_outcome *out = work->out;
    struct arena *arena = work->ctx->arena;
    const char *set = words(arena, out->changed, out->changed_count), *begin;
    switch (out->end) {
    case KMS_END_CREATED:
        begin = "created";
        break;
    case KMS_END_RESTORED:
        begin = "its deletion was cancelled";
        break;
    case KMS_END_PENDING_IMPORT:
        begin = arena_printf(arena,
                             "of no use until its key material is imported: import the material of "
                             "%s into %s too",
                             work->source->primary.region, work->ctx->region);
        break;
    default:
        begin = out->changed_count ? "" : "equal";
    }
    out->text = !out->changed_count ? begin
                : *begin            ? arena_printf(arena, "%s; set: %s", begin, set)
                                    : arena_printf(arena, "set: %s", set);
    if (out->problem_count)
        out->text =
            arena_printf(arena, "%s%s%s", words(arena, out->problems, out->problem_count),
                         *out->text && strcmp(out->text, "equal") != 0 ? "; otherwise " : "",
                         strcmp(out->text, "equal") != 0 ? out->text : "");
}

static void finish(struct kms_work *work)
{
    struct kms_outcome *out = work->out;
    const struct kms_key *key = &work->key;
    out->arn = key->arn;
    out->usable = key->enabled || work->wish->disabled || !work->source->primary.enabled;
    if (in_state(key, "PendingImport")) {
        out->end = KMS_END_PENDING_IMPORT;
        out->usable = false;
    } else if (work->created) {
        out->end = KMS_END_CREATED;
    } else if (work->restored) {
        out->end = KMS_END_RESTORED;
    } else {
        out->end = out->changed_count ? KMS_END_CHANGED : KMS_END_EQUAL;
    }
    say(work);
    if (out->problem_count)
        out->end = KMS_END_FAILED;
}

static int failed(struct resource_ctx *ctx, struct kms_outcome *out, struct error *err)
{
    out->end = KMS_END_FAILED;
    out->usable = false;
    if (!out->text || !*out->text)
        out->text = arena_strdup(ctx->arena, out->error.message);
    if (err)
        *err = out->error;
    return -1;
}

static struct kms_work begin(struct resource_ctx *ctx, const struct kms_source *source,
                             const struct kms_wish *wish, const struct kms_patience *patience,
                             struct kms_outcome *out)
{
    static const struct kms_patience usual;
    patience = patience ? patience : &usual;
    *out = (struct kms_outcome){.region = ctx->region, .text = ""};
    struct kms_work work = {
        .ctx = ctx,
        .source = source,
        .wish = wish ? wish : &as_primary,
        .clock = patience->clock ? patience->clock : session_clock(ctx->session),
        .stop = patience->stop,
        .deadline_ms = patience->deadline_ms,
        .out = out,
    };
    if (!work.deadline_ms)
        work.deadline_ms = work.clock->monotonic_ms(work.clock) + PATIENCE_MS;
    return work;
}

static int converge(struct kms_work *work, struct error *err)
{
    kms_converge(work);
    finish(work);
    return work->out->problem_count ? failed(work->ctx, work->out, err) : 0;
}

int kms_replica_ensure(struct resource_ctx *ctx, const struct kms_source *source,
                       const struct kms_wish *wish, const struct kms_patience *patience,
                       struct kms_outcome *out, struct error *err)
{
    struct kms_work work = begin(ctx, source, wish, patience, out);
    if (strcmp(ctx->region, source->primary.region) == 0) {
        out->end = KMS_END_PRIMARY;
        out->arn = source->primary.arn;
        out->usable = source->primary.enabled;
        out->text = "the primary's own Region";
        return 0;
    }
    if (check_region(&work, &out->error) != 0 || have_it(&work, &out->error) != 0)
        return failed(ctx, out, err);
    return converge(&work, err);
}

int kms_key_converge(struct resource_ctx *ctx, const char *id, const struct kms_wish *wish,
                     const struct kms_patience *patience, struct kms_outcome *out,
                     struct error *err)
{
    const struct kms_source itself = {
        .primary = {.id = id, .region = ctx->region, .enabled = true}};
    struct kms_work work = begin(ctx, &itself, wish, patience, out);
    if (wait_until_settled(&work, false, &out->error) != 0 ||
        (in_state(&work.key, "PendingDeletion") && restore(&work, &out->error) != 0))
        return failed(ctx, out, err);
    return converge(&work, err);
}

/* --- removing it ------------------------------------------------------------------------------ */
static int may_go(struct resource_ctx *ctx, struct kms_key *key, const struct tag *mark,
                  struct kms_outcome *out, struct error *err)
{
    if (!key->multi_region || key->primary)
        return error_set(err, ERR_UNSUPPORTED, "key %s in %s is %s: only replicas are removed",
                         key->id, key->region,
                         key->primary ? "the primary of its Regions" : "a single-Region key");
    if (!mark)
        return 0;
    if (kms_key_read(ctx, key, KMS_READ_TAGS, err) != 0)
        return -1;
    const char *have = tag_value(key->tags, key->tag_count, mark->key);
    if (!have || strcmp(have, mark->value) != 0) {
        out->end = KMS_END_KEPT;
        out->text = arena_printf(ctx->arena, "not removed: it was not made here (no tag %s=%s)",
                                 mark->key, mark->value);
    }
    return 0;
}

/* Somebody made it the primary between the look and the call: take it back at once. */
static int take_back(struct resource_ctx *ctx, const struct kms_key *key, struct error *err)
{
    const struct aws_operation *const calls[] = {&operation_kms_cancel_key_deletion,
                                                 &operation_kms_enable_key};
    for (size_t i = 0; i < 2; i++) {
        json_t *in = json_pack("{s:s}", "KeyId", key->id);
        int result = resource_call(ctx, calls[i], in, NULL, err);
        json_decref(in);
        if (result != 0)
            return error_context(err,
                                 "key %s in %s became the primary while its deletion was "
                                 "scheduled: cancel that by hand",
                                 key->id, key->region);
    }
    return error_set(err, ERR_CONFLICT,
                     "key %s in %s became the primary meanwhile: its deletion was cancelled",
                     key->id, key->region);
}

static int schedule(struct resource_ctx *ctx, const struct kms_key *key, unsigned window_days,
                    struct kms_outcome *out, struct error *err)
{
    struct error error = {0};
    json_t *answer = NULL;
    unsigned days = window_days ? window_days : WINDOW_MOST;
    json_t *in = json_pack("{s:s, s:i}", "KeyId", key->id, "PendingWindowInDays", (int)days);
    int result = resource_call(ctx, &operation_kms_schedule_key_deletion, in, &answer, &error);
    json_decref(in);
    bool primary = strcmp(json_text_or(answer, "KeyState", ""), "PendingReplicaDeletion") == 0;
    json_decref(answer);
    if (result == 0) {
        out->writes++;
        out->end = KMS_END_SCHEDULED;
        out->text = arena_printf(ctx->arena, "to be deleted in %u days", days);
        return primary ? take_back(ctx, key, err) : 0;
    }
    struct kms_key now;
    bool gone = error.code == ERR_NOT_FOUND;
    if (strcmp(error.aws_code, "KMSInvalidStateException") == 0)
        gone = kms_key_describe(ctx, key->id, &now, NULL) == 0 && in_state(&now, "PendingDeletion");
    if (gone) {
        out->end = KMS_END_GONE;
        out->text = "its deletion was scheduled before";
        return 0;
    }
    *err = error;
    return error_context(err, "schedule the deletion of key %s in %s", key->id, key->region);
}

int kms_replica_remove(struct resource_ctx *ctx, const char *key, unsigned window_days,
                       const struct tag *mark, struct kms_outcome *out, struct error *err)
{
    struct kms_key found;
    struct error *error = &out->error;
    *out = (struct kms_outcome){.region = ctx->region, .text = ""};
    if (window_days && (window_days < WINDOW_LEAST || window_days > WINDOW_MOST)) {
        error_set(error, ERR_INVALID, "a window of %u days: AWS takes %d to %d", window_days,
                  WINDOW_LEAST, WINDOW_MOST);
        return failed(ctx, out, err);
    }
    if (kms_key_describe(ctx, key, &found, error) != 0) {
        if (error->code != ERR_NOT_FOUND)
            return failed(ctx, out, err);
        *error = (struct error){0};
        out->end = KMS_END_GONE;
        out->text = "there is none";
        return 0;
    }
    out->arn = found.arn;
    if (may_go(ctx, &found, mark, out, error) != 0)
        return failed(ctx, out, err);
    if (out->end == KMS_END_KEPT)
        return 0;
    if (in_state(&found, "PendingDeletion")) {
        out->end = KMS_END_GONE;
        out->text = "its deletion was scheduled before";
        return 0;
    }
    return schedule(ctx, &found, window_days, out, error) == 0 ? 0 : failed(ctx, out, err);
}
