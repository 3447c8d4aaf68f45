/* What the two sources that ask STS have in common. */
#include "aws/arn.h"
#include "aws/region.h"
#include "base/arena.h"
#include "base/json.h"
#include "client/credentials_source.h"
#include "client/sts.h"

#include <string.h>

int credentials_from_sts(struct credentials *out, const char *source, const json_t *answer,
                         struct error *err)
{
    if (credentials_from_json(out, source, json_object_get(answer, "Credentials"), "SessionToken",
                              err) != 0)
        return -1;
    const char *arn = json_text(json_object_get(answer, "AssumedRoleUser"), "Arn");
    struct arn parts;
    if (arn && arn_parse(arn, strlen(arn), &parts) == 0 && parts.account.len == 12)
        memcpy(out->account, parts.account.data, 12);
    if (!out->token.data || !out->expires_ms)
        return error_set(err, ERR_INVALID, "the answer of STS lacks the token or the expiry");
    return 0;
}

struct aws_client *credentials_sts_client(struct client_shared *shared, const char *role_arn,
                                          struct credentials_provider *credentials,
                                          struct error *err)
{
    const char *region = shared->region;
    struct arena scratch;
    arena_init(&scratch);
    struct arn arn;
    if (!region && arn_parse(role_arn, strlen(role_arn), &arn) == 0) {
        const char *name = arena_strndup(&scratch, arn.partition.data, arn.partition.len);
        const struct partition *partition = partition_named(name);
        region = partition ? partition->iam_region : NULL;
    }
    struct aws_client *client =
        aws_client_new(shared, &sts_service, region, credentials, false, err);
    arena_done(&scratch);
    return client;
}

const char *credentials_session_name(struct arena *arena, struct client_shared *shared,
                                     const char *name)
{
    if (name)
        return name;
    long long now_s = (long long)(shared->clock->now_ms(shared->clock) / 1000);
    return arena_printf(arena, "understudy-%lld", now_s);
}
