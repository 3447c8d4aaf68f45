/* Trails: made, started, stopped, described. There is no S3 here, so a bucket with a valid name is
 * taken to be there and to let CloudTrail in; nothing is delivered to it. */
#include "local/services/cloudtrail_parts.h"

#include "aws/arn.h"
#include "aws/region.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Input member, as answers call it, and what it is when it is not given; NULL: left out. */
static const struct setting {
    const char *input, *answer;
    enum { AS_TEXT, AS_FALSE, AS_TRUE } kind;
} settings[] = {
    {"S3BucketName", "S3BucketName", AS_TEXT},
    {"S3KeyPrefix", "S3KeyPrefix", AS_TEXT},
    {"IncludeGlobalServiceEvents", "IncludeGlobalServiceEvents", AS_TRUE},
    {"IsMultiRegionTrail", "IsMultiRegionTrail", AS_FALSE},
    {"EnableLogFileValidation", "LogFileValidationEnabled", AS_FALSE},
    {"KmsKeyId", "KmsKeyId", AS_TEXT},
    {"IsOrganizationTrail", "IsOrganizationTrail", AS_FALSE},
    {NULL, NULL, AS_TEXT},
};

static int64_t now_ms(struct local_call *call)
{
    return call->local->clock->now_ms(call->local->clock);
}

/* What cannot be there, or cannot be so. */
static enum local_result check(struct local_call *call)
{
    const char *bucket = local_text(call, "S3BucketName"), *key = local_text(call, "KmsKeyId");
    if (bucket && local_regex("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket, strlen(bucket), false) !=
                      1) /* (K) */
        return local_fail(call, "InvalidS3BucketNameException", "Bucket name %s is not valid.",
                          bucket);
    if (local_text(call, "SnsTopicName")) /* no SNS here */
        return local_fail(call, "InsufficientSnsTopicPolicyException",
                          "SNS Topic does not exist or the topic policy is incorrect!");
    if (local_text(call, "CloudWatchLogsLogGroupArn") || local_text(call, "CloudWatchLogsRoleArn"))
        /* Records go to no log group here: strict. (K) */
        return local_fail(call, "CloudWatchLogsDeliveryUnavailableException",
                          "Cannot set a CloudWatch Logs delivery for this region.");
    if (local_bool(call, "IsOrganizationTrail", false))
        return local_fail(call, "OrganizationsNotInUseException",
                          "The request could not be processed because your account is not a member"
                          " of an organization.");
    if (key) /* the key's policy would have to let CloudTrail in, which nobody judges: strict (K) */
        return local_fail(call, "InsufficientEncryptionPolicyException",
                          "Insufficient permissions to access KMS key %s.", key);
    return LOCAL_OK;
}

/* The call's members laid over `kept`. */
static void take_settings(struct local_call *call, json_t *kept)
{
    for (const struct setting *setting = settings; setting->input; setting++) {
        const json_t *value = local_value(call, setting->input);
        if (value)
            json_object_set(kept, setting->answer, (json_t *)value);
        else if (setting->kind != AS_TEXT && !json_object_get(kept, setting->answer))
            json_object_set_new(kept, setting->answer, json_boolean(setting->kind == AS_TRUE));
    }
}

static void put_settings(struct local_call *call, const json_t *kept)
{
    for (const struct setting *setting = settings; setting->input; setting++) {
        const json_t *value = json_object_get(kept, setting->answer);
        if (value) {
            json_key(call->out, setting->answer);
            json_write_value(call->out, value);
        }
    }
}

static int64_t count_here(struct local_call *call, bool multi)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT count(*) FROM trail_trail WHERE account = $1 AND (region = $2 OR"
                " (multi_region = 1 AND $3 = 1))",
                "tti", call->account, call->region, (int64_t)multi);
    int64_t count = store_next(&rows) ? store_int(&rows, 0) : 0;
    store_end(&rows);
    return count;
}

static bool is_taken(struct local_call *call, const char *name)
{
    struct store_rows rows;
    store_query(call->store, &rows,
                "SELECT 1 FROM trail_trail WHERE account = $1 AND name = $2 AND"
                " (region = $3 OR multi_region = 1)",
                "ttt", call->account, name, call->region);
    bool taken = store_next(&rows);
    store_end(&rows);
    return taken;
}

static void store_settings(struct local_call *call, const char *region, const char *name,
                           const json_t *kept)
{
    char *text = json_dumps(kept, JSON_COMPACT);
    store_run(call->store,
              "UPDATE trail_trail SET settings = $4, multi_region = $5, global_events = $6"
              " WHERE account = $1 AND region = $2 AND name = $3",
              "ttttii", call->account, region, name, text,
              (int64_t)json_is_true(json_object_get(kept, "IsMultiRegionTrail")),
              (int64_t)json_is_true(json_object_get(kept, "IncludeGlobalServiceEvents")));
    free(text);
}

static void answer(struct local_call *call, const char *name, const char *arn, const json_t *kept)
{
    json_put_text(call->out, "Name", name);
    put_settings(call, kept);
    json_put_text(call->out, "TrailARN", arn);
}

/* A trail of all Regions records the global services, too. (K) */
static enum local_result check_together(struct local_call *call, const json_t *kept)
{
    if (json_is_true(json_object_get(kept, "IsMultiRegionTrail")) &&
        !json_is_true(json_object_get(kept, "IncludeGlobalServiceEvents")))
        return local_fail(call, "InvalidParameterCombinationException",
                          "Multi-Region trail must include global service events.");
    return LOCAL_OK;
}

enum local_result cloudtrail_create_trail(struct local_call *call)
{
    const char *name = local_text(call, "Name");
    if (cloudtrail_check_name(call, name) != LOCAL_OK || check(call) != LOCAL_OK)
        return LOCAL_FAILED;
    if (is_taken(call, name)) /* (K) */
        return local_fail(call, "TrailAlreadyExistsException",
                          "Trail %s already exists for customer: %s", name, call->account);
    if (count_here(call, true) >= CLOUDTRAIL_TRAILS_MAX) /* (K) */
        return local_fail(call, "MaximumNumberOfTrailsExceededException",
                          "User: %s already has %d trails in %s.", call->account,
                          CLOUDTRAIL_TRAILS_MAX, call->region);
    json_t *kept = json_object(), *tags = json_object();
    take_settings(call, kept);
    enum local_result result = check_together(call, kept);
    if (result == LOCAL_OK)
        result = cloudtrail_merge_tags(call, tags);
    if (result == LOCAL_OK) {
        char *text = json_dumps(tags, JSON_COMPACT);
        store_run(call->store,
                  "INSERT INTO trail_trail (account, region, name, settings, multi_region,"
                  " global_events, logging, advanced, reads, writes, kms, tags)"
                  " VALUES ($1, $2, $3, '{}', 0, 0, 0, 0, 1, 1, 1, $4)",
                  "tttt", call->account, call->region, name, text);
        free(text);
        store_settings(call, call->region, name, kept);
        answer(call, name,
               local_arn(call, "cloudtrail", arena_printf(call->arena, "trail/%s", name)), kept);
    }
    json_decref(kept);
    json_decref(tags);
    return result;
}

enum local_result cloudtrail_update_trail(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    enum local_result result = check(call);
    take_settings(call, trail.settings);
    if (result == LOCAL_OK)
        result = check_together(call, trail.settings);
    if (result == LOCAL_OK) {
        store_settings(call, trail.region, trail.name, trail.settings);
        answer(call, trail.name, trail.arn, trail.settings);
    }
    cloudtrail_trail_done(&trail);
    return result;
}

enum local_result cloudtrail_delete_trail(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "DELETE FROM trail_trail WHERE account = $1 AND region = $2 AND name = $3", "ttt",
              call->account, trail.region, trail.name);
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

enum local_result cloudtrail_start_logging(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "UPDATE trail_trail SET logging = 1, started_ms = $4"
              " WHERE account = $1 AND region = $2 AND name = $3 AND logging = 0",
              "ttti", call->account, trail.region, trail.name, now_ms(call));
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

enum local_result cloudtrail_stop_logging(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), true, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    store_run(call->store,
              "UPDATE trail_trail SET logging = 0, stopped_ms = $4"
              " WHERE account = $1 AND region = $2 AND name = $3 AND logging = 1",
              "ttti", call->account, trail.region, trail.name, now_ms(call));
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

/* --- telling of them -------------------------------------------------------------------------- */

static void describe(struct local_call *call, const struct cloudtrail_trail *trail)
{
    json_open(call->out);
    json_put_text(call->out, "Name", trail->name);
    put_settings(call, trail->settings);
    json_put_text(call->out, "HomeRegion", trail->region);
    json_put_text(call->out, "TrailARN", trail->arn);
    json_put_bool(call->out, "HasCustomEventSelectors", trail->selectors != NULL);
    json_put_bool(call->out, "HasInsightSelectors", false);
    json_close(call->out);
}

enum local_result cloudtrail_get_trail(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), false, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    json_key(call->out, "Trail");
    describe(call, &trail);
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

static void put_text_time(struct local_call *call, const char *key, int64_t time_ms)
{
    char text[CLOCK_TEXT_SIZE] = "";
    if (time_ms)
        clock_format_iso(time_ms, text);
    json_put_text(call->out, key, text);
}

enum local_result cloudtrail_get_trail_status(struct local_call *call)
{
    struct cloudtrail_trail trail;
    if (cloudtrail_find(call, local_text(call, "Name"), false, &trail) != LOCAL_OK)
        return LOCAL_FAILED;
    json_put_bool(call->out, "IsLogging", trail.logging);
    if (trail.started_ms)
        local_put_time(call, "StartLoggingTime", trail.started_ms);
    if (trail.stopped_ms)
        local_put_time(call, "StopLoggingTime", trail.stopped_ms);
    put_text_time(call, "LatestDeliveryAttemptTime", 0); /* nothing is delivered to a bucket */
    put_text_time(call, "LatestNotificationAttemptTime", 0);
    put_text_time(call, "LatestNotificationAttemptSucceeded", 0);
    put_text_time(call, "LatestDeliveryAttemptSucceeded", 0);
    put_text_time(call, "TimeLoggingStarted", trail.started_ms);
    put_text_time(call, "TimeLoggingStopped", trail.stopped_ms);
    cloudtrail_trail_done(&trail);
    return LOCAL_OK;
}

/* Those of this Region, and with `shadows` those of all Regions that have their home elsewhere. */
static void each_trail(struct local_call *call, bool shadows, bool everywhere,
                       void (*each)(struct local_call *, const struct cloudtrail_trail *))
{
    struct store_rows rows;
    store_query(call->store, &rows,
                CLOUDTRAIL_COLUMNS " WHERE account = $1 AND (region = $2 OR $4 = 1 OR"
                                   " (multi_region = 1 AND $3 = 1)) ORDER BY name, region",
                "ttii", call->account, call->region, (int64_t)shadows, (int64_t)everywhere);
    while (store_next(&rows)) {
        struct cloudtrail_trail trail;
        cloudtrail_trail_read(call, &rows, &trail);
        each(call, &trail);
        cloudtrail_trail_done(&trail);
    }
    store_end(&rows);
}

/* Names that there are not are left out; a wrong one is refused. */
enum local_result cloudtrail_describe_trails(struct local_call *call)
{
    const json_t *names = local_value(call, "trailNameList"), *name;
    size_t index;
    json_key(call->out, "trailList");
    json_open_list(call->out);
    if (!json_array_size(names))
        each_trail(call, local_bool(call, "includeShadowTrails", true), false, describe);
    json_array_foreach(names, index, name)
    {
        struct cloudtrail_trail trail;
        if (cloudtrail_find(call, json_string_value(name), false, &trail) == LOCAL_OK) {
            describe(call, &trail);
            cloudtrail_trail_done(&trail);
        } else if (strcmp(call->failure.code, "TrailNotFoundException") != 0) {
            return LOCAL_FAILED;
        }
    }
    json_close_list(call->out);
    return LOCAL_OK;
}

static void list_one(struct local_call *call, const struct cloudtrail_trail *trail)
{
    json_open(call->out);
    json_put_text(call->out, "TrailARN", trail->arn);
    json_put_text(call->out, "Name", trail->name);
    json_put_text(call->out, "HomeRegion", trail->region);
    json_close(call->out);
}

/* Of all Regions; at most five each, in one page. */
enum local_result cloudtrail_list_trails(struct local_call *call)
{
    json_key(call->out, "Trails");
    json_open_list(call->out);
    each_trail(call, true, true, list_one);
    json_close_list(call->out);
    return LOCAL_OK;
}
