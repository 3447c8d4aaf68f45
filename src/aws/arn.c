#include "aws/arn.h"

#include "base/arena.h"

#include <string.h>

int arn_parse(const char *text, size_t len, struct arn *out)
{
    /* AWS's own length limit for an ARN in its models is 2048. */
    if (!text || len > 2048 || memchr(text, '\0', len))
        return -1;
    struct text rest = {text, len};
    if (!text_is(text_cut(&rest, ':'), "arn"))
        return -1;
    struct arn arn;
    arn.partition = text_cut(&rest, ':');
    arn.service = text_cut(&rest, ':');
    arn.region = text_cut(&rest, ':');
    arn.account = text_cut(&rest, ':');
    arn.resource = rest;
    if (!rest.data || !rest.len || !arn.partition.len || !arn.service.len)
        return -1;
    *out = arn;
    return 0;
}

bool arn_is(const char *text)
{
    return text && text_starts(text, "arn:");
}

char *arn_format(struct arena *arena, const char *partition, const char *service,
                 const char *region, const char *account, const char *resource)
{
    return arena_printf(arena, "arn:%s:%s:%s:%s:%s", partition, service, region, account, resource);
}

bool account_valid(const char *text)
{
    size_t len = 0;
    for (; text && text[len]; len++)
        if (len == 12 || text[len] < '0' || text[len] > '9')
            return false;
    return len == 12;
}
