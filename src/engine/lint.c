#include "engine/lint.h"

#include "base/buf.h"

#include <stdbool.h>
#include <string.h>

/* Ids of EC2 and its network: a prefix, then 8 or 17 hexadecimal digits. One Region has them. */
static const struct {
    const char *prefix, *noun;
} ids[] = {
    {"ami-", "an image"},        {"subnet-", "a subnet"},     {"vpc-", "a VPC"},
    {"sg-", "a security group"}, {"snap-", "a snapshot"},     {"vpce-", "a VPC endpoint"},
    {"rtb-", "a route table"},   {"eipalloc-", "an address"}, {"fs-", "a file system"},
    {"i-", "an instance"},       {"vol-", "a volume"},
};

static bool word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

struct view {
    const char *start, *end;
};

static bool begins_word(struct view value, const char *at)
{
    return at == value.start || !word_byte(at[-1]);
}

static const char *find(struct view value, const char *from, const char *what)
{
    size_t len = strlen(what);
    return (size_t)(value.end - from) < len ? NULL
                                            : memmem(from, (size_t)(value.end - from), what, len);
}

/* Is the rest of the host name AWS's? "db.ap-south-1.rds.amazonaws.com". */
static bool in_host(struct view value, const char *end)
{
    const char *last = end;
    while (last < value.end && (word_byte(*last) || *last == '.' || *last == '-'))
        last++;
    return end < value.end && *end == '.' && find((struct view){end, last}, end, "amazonaws.com");
}

/* "arn:PARTITION:SERVICE:" right before `at`? */
static bool in_arn(struct view value, const char *at)
{
    size_t colons = 0;
    while (at > value.start && colons < 4) {
        char byte = at[-1];
        if (byte == ':')
            colons++;
        else if (!word_byte(byte) && byte != '-')
            return false;
        at--;
        if (colons == 3 && at - value.start >= 3 && memcmp(at - 3, "arn", 3) == 0)
            return true;
    }
    return false;
}

struct findings {
    bool region, arn, host;
};

static void look_for_region(struct view value, const char *region, struct findings *out)
{
    size_t len = strlen(region);
    for (const char *at = value.start; (at = find(value, at, region)); at += len) {
        const char *end = at + len;
        /* ap-south-1a is a zone of it, ap-south-10 would be another Region. */
        if (!begins_word(value, at) || (end < value.end && *end >= '0' && *end <= '9'))
            continue;
        out->region = true;
        out->arn = out->arn || in_arn(value, at);
        out->host = out->host || in_host(value, end);
    }
}

static bool names_account(struct view value, const char *account)
{
    size_t len = strlen(account);
    for (const char *at = value.start; (at = find(value, at, account)); at += len)
        if (begins_word(value, at) && (at + len == value.end || !word_byte(at[len])))
            return true;
    return false;
}

static bool names_id(struct view value, const char *prefix)
{
    for (const char *at = value.start; (at = find(value, at, prefix)); at++) {
        const char *digits = at + strlen(prefix), *end = digits;
        while (end < value.end && *end && strchr("0123456789abcdef", *end))
            end++;
        bool whole = end == value.end || !word_byte(*end);
        if (begins_word(value, at) && (at == value.start || at[-1] != '-') && whole &&
            (end - digits == 8 || end - digits == 17))
            return true;
    }
    return false;
}

static void add(struct buf *out, const char *what)
{
    buf_printf(out, "%s%s", out->len ? ", " : "names ", what);
}

const char *lint_value(struct arena *arena, const struct lint_place *place, const char *value,
                       size_t len)
{
    struct view view = {value, value + len};
    struct findings found = {0};
    struct buf out;
    buf_init(&out, 1024);
    bool moved = strcmp(place->region, place->copy_region) != 0;
    if (moved)
        look_for_region(view, place->region, &found);
    if (found.region) {
        add(&out, place->region);
        if (found.arn || found.host)
            buf_printf(&out, " (%s%s%s)", found.arn ? "an ARN" : "",
                       found.arn && found.host ? ", " : "", found.host ? "a host" : "");
    }
    if (*place->account && strcmp(place->account, place->copy_account) != 0 &&
        names_account(view, place->account))
        add(&out, "the source's account");
    for (size_t i = 0; moved && i < sizeof ids / sizeof *ids; i++)
        if (names_id(view, ids[i].prefix))
            add(&out, ids[i].noun);
    const char *result = NULL;
    if (out.len) {
        buf_append_text(&out, "; no rule rewrites it");
        result = arena_strdup(arena, buf_text(&out));
    }
    buf_done(&out);
    return result;
}
