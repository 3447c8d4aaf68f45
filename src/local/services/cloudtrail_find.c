/* Naming a trail, and reading it from the store. */
#include "local/services/cloudtrail_parts.h"

#include "aws/arn.h"

#include <ctype.h>
#include <string.h>

static const char lead[] = "trail/";
enum { SHORTEST_NAME = 3, LONGEST_NAME = 128 };

/* Texts as moto's maintainers saw them on AWS. */
enum local_result cloudtrail_check_name(struct local_call *call, const char *name)
{
    static const char code[] = "InvalidTrailNameException";
    size_t len = strlen(name);
    if (len < SHORTEST_NAME)
        return local_fail(call, code,
                          "Trail name too short. Minimum allowed length: 3 characters. Specified"
                          " name length: %zu characters.",
                          len);
    if (len > LONGEST_NAME)
        return local_fail(call, code,
                          "Trail name too long. Maximum allowed length: 128 characters. Specified"
                          " name length: %zu characters.",
                          len);
    if (!isalnum((unsigned char)name[0]))
        return local_fail(call, code, "Trail name must starts with a letter or number.");
    if (!isalnum((unsigned char)name[len - 1]))
        return local_fail(call, code, "Trail name must ends with a letter or number.");
    if (local_regex("[.\\-_0-9a-zA-Z]+", name, len, false) != 1)
        return local_fail(call, code,
                          "Trail name or ARN can only contain uppercase letters, lowercase letters,"
                          " numbers, periods (.), hyphens (-), and underscores (_).");
    return LOCAL_OK;
}

static bool is_trail(const struct arn *arn)
{
    return text_is(arn->service, "cloudtrail") && arn->resource.len > sizeof lead - 1 &&
           memcmp(arn->resource.data, lead, sizeof lead - 1) == 0;
}

/* The parts of a name or ARN; the account is the caller's when none is told. */
static int parts_of(struct local_call *call, const char *text, const char **account,
                    const char **region, const char **name)
{
    struct arn arn;
    *account = call->account;
    *region = call->region;
    *name = text;
    if (!arn_is(text))
        return 0;
    if (arn_parse(text, strlen(text), &arn) != 0 || !is_trail(&arn))
        return -1;
    *account = arena_strndup(call->arena, arn.account.data, arn.account.len);
    *region = arena_strndup(call->arena, arn.region.data, arn.region.len);
    *name = arena_strndup(call->arena, arn.resource.data + sizeof lead - 1,
                          arn.resource.len - sizeof lead + 1);
    return 0;
}

void cloudtrail_trail_read(struct local_call *call, const struct store_rows *rows,
                           struct cloudtrail_trail *out)
{
    struct text region = store_text(rows, 0), name = store_text(rows, 1),
                settings = store_text(rows, 2), selectors = store_text(rows, 8),
                tags = store_text(rows, 10);
    struct arena *arena = call->arena;
    *out = (struct cloudtrail_trail){
        .name = arena_strndup(arena, name.data, name.len),
        .region = arena_strndup(arena, region.data, region.len),
        .settings = json_read(settings.data, settings.len, NULL),
        .multi_region = store_int(rows, 3),
        .global_events = store_int(rows, 4),
        .logging = store_int(rows, 5),
        .started_ms = store_int(rows, 6),
        .stopped_ms = store_int(rows, 7),
        .selectors = selectors.data ? arena_strndup(arena, selectors.data, selectors.len) : NULL,
        .advanced = store_int(rows, 9),
        .tags = json_read(tags.data, tags.len, NULL),
    };
    out->arn = arn_format(arena, call->partition, "cloudtrail", out->region, call->account,
                          arena_printf(arena, "%s%s", lead, out->name));
}

void cloudtrail_trail_done(struct cloudtrail_trail *trail)
{
    json_decref(trail->settings);
    json_decref(trail->tags);
    trail->settings = trail->tags = NULL;
}

enum local_result cloudtrail_find(struct local_call *call, const char *text, bool home,
                                  struct cloudtrail_trail *out)
{
    const char *account, *region, *name;
    struct store_rows rows;
    *out = (struct cloudtrail_trail){.name = NULL};
    if (parts_of(call, text, &account, &region, &name) != 0) /* (K) */
        return local_fail(call, "CloudTrailARNInvalidException",
                          "Trail ARN %s is not valid. The correct format is"
                          " arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail.",
                          text);
    if (cloudtrail_check_name(call, name) != LOCAL_OK)
        return LOCAL_FAILED;
    bool ours = strcmp(account, call->account) == 0;
    store_query(call->store, &rows,
                CLOUDTRAIL_COLUMNS " WHERE account = $1 AND region = $2 AND name = $3", "ttt",
                call->account, region, name);
    bool found = ours && store_next(&rows);
    if (found)
        cloudtrail_trail_read(call, &rows, out);
    store_end(&rows);
    /* Of another Region, it is here only when it is of all Regions. */
    if (found && !out->multi_region && strcmp(region, call->region) != 0)
        found = false;
    if (!found) {
        cloudtrail_trail_done(out);
        return local_fail(call, "TrailNotFoundException", "Unknown trail: %s for the user: %s",
                          text, call->account);
    }
    if (home && strcmp(region, call->region) != 0) { /* (K) */
        cloudtrail_trail_done(out);
        return local_fail(call, "InvalidHomeRegionException",
                          "The trail %s can only be changed in its home region %s.", text, region);
    }
    return LOCAL_OK;
}

const char *const *cloudtrail_resources(struct local_call *call)
{
    static const char *const members[] = {"Name", "TrailName", "ResourceId", NULL};
    const char **list = arena_calloc(call->arena, 2, sizeof *list), *text = NULL;
    for (const char *const *member = members; *member && !text; member++)
        text = local_text(call, *member);
    list[0] = text && arn_is(text)
                  ? text
                  : local_arn(call, "cloudtrail",
                              arena_printf(call->arena, "%s%s", lead, text ? text : "*"));
    return list;
}
