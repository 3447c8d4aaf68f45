#include "aws/region.h"
#include "aws/sigv4_intern.h"
#include "base/arena.h"
#include "base/clock.h"
#include "net/url.h"

#include <string.h>

/* Order and texts: shared facts sts-iam-sigv4.md section 2, measured on AWS's JSON front end. */

/* What the two modes have in common, before it is judged. data NULL: missing. */
struct parts {
    struct text algorithm, credential, signature, signed_names, date;
};

static void append_view(struct buf *out, struct text view)
{
    buf_append(out, view.data, view.len);
}

/* A part of a query with its escapes decoded. */
static bool decode(struct arena *arena, struct text part, struct text *out)
{
    char *data;
    if (url_decode(arena, part.data, part.len, true, &data, &out->len) != 0)
        return false;
    out->data = data;
    return true;
}

/* Value of the first parameter of that name, decoded; data NULL when there is none. A parameter
 * that cannot be decoded is none: sigv4_verify refuses the whole query because of it. */
static struct text query_find(struct arena *arena, struct text query, const char *wanted)
{
    size_t wanted_len = strlen(wanted);
    for (struct text rest = query; rest.data && rest.len;) {
        struct text value = text_cut(&rest, '&'), raw = text_cut(&value, '='), name = raw;
        if (memchr(raw.data, '%', raw.len) && !decode(arena, raw, &name))
            continue;
        if (name.len != wanted_len || memcmp(name.data, wanted, wanted_len) != 0)
            continue;
        struct text decoded;
        if (!value.data)
            return (struct text){"", 0};
        if (decode(arena, value, &decoded))
            return decoded;
    }
    return (struct text){0};
}

static bool split_header(struct text header, struct parts *out, struct buf *message)
{
    struct text rest = header;
    out->algorithm = text_cut(&rest, ' ');
    while (rest.data) {
        struct text value = text_trim(text_cut(&rest, ','));
        if (value.len == 0)
            continue;
        struct text name = text_cut(&value, '=');
        if (!value.data) {
            buf_append_char(message, '\'');
            append_view(message, name);
            buf_append_text(message, "' not a valid key=value pair (missing equal-sign) in "
                                     "Authorization header: '");
            append_view(message, header);
            buf_append_text(message, "'.");
            return false;
        }
        struct text *part = text_is(name, "Credential")      ? &out->credential
                            : text_is(name, "Signature")     ? &out->signature
                            : text_is(name, "SignedHeaders") ? &out->signed_names
                                                             : NULL;
        if (part && !part->data)
            *part = value;
    }
    return true;
}

static enum sigv4_problem read_header(const struct sigv4_request *request, struct text header,
                                      struct parts *out, struct buf *message)
{
    if (!split_header(header, out, message))
        return SIGV4_INCOMPLETE;
    if (out->credential.len == 0)
        buf_append_text(message, "Authorization header requires 'Credential' parameter. ");
    if (out->signature.len == 0)
        buf_append_text(message, "Authorization header requires 'Signature' parameter. ");
    if (!out->signed_names.data)
        buf_append_text(message, "Authorization header requires 'SignedHeaders' parameter. ");
    const struct sigv4_field *date = sigv4_field_find(request, text_of("x-amz-date"));
    if (!date)
        date = sigv4_field_find(request, text_of("date"));
    if (date)
        out->date = text_trim(date->value);
    else
        buf_append_text(message, "Authorization header requires existence of either a "
                                 "'X-Amz-Date' or a 'Date' header. ");
    if (message->len == 0)
        return SIGV4_OK;
    buf_append_text(message, "Authorization=");
    append_view(message, header);
    return SIGV4_INCOMPLETE;
}

static enum sigv4_problem read_query(struct arena *arena, struct text query, struct parts *out,
                                     struct buf *message)
{
    const struct {
        const char *name;
        struct text *part;
    } wanted[] = {
        {"X-Amz-Algorithm", &out->algorithm}, {"X-Amz-Credential", &out->credential},
        {"X-Amz-Signature", &out->signature}, {"X-Amz-SignedHeaders", &out->signed_names},
        {"X-Amz-Date", &out->date},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        *wanted[i].part = query_find(arena, query, wanted[i].name);
        if (wanted[i].part->len == 0) {
            buf_append_text(message, "AWS query-string parameters must include '");
            buf_append_text(message, wanted[i].name);
            buf_append_text(message, "'. ");
        }
    }
    if (message->len == 0)
        return SIGV4_OK;
    buf_append_text(message, "Re-examine the query-string parameters.");
    return SIGV4_INCOMPLETE;
}

/* Seconds, a week at most: AWS documents the limit, the texts are ours. */
static enum sigv4_problem read_expires(struct text text, int64_t *seconds, struct buf *message)
{
    int64_t given;
    if (!text.data)
        return SIGV4_OK;
    if (text_to_int64(text.data, text.len, &given) != 0)
        buf_append_text(message, "X-Amz-Expires should be a number");
    else if (given < 1)
        buf_append_text(message, "X-Amz-Expires must be positive");
    else if (given > 604800)
        buf_append_text(message, "X-Amz-Expires must be less than a week (in seconds); that is, "
                                 "the given X-Amz-Expires must be less than 604800 seconds");
    else
        *seconds = given; /* the clock is asked also of what was refused: only possible numbers */
    return message->len == 0 ? SIGV4_OK : SIGV4_INCOMPLETE;
}

static enum sigv4_problem read_date(struct text date, bool in_query, struct sigv4_presented *out,
                                    struct buf *message)
{
    if (date.data && clock_parse_basic(date.data, date.len, &out->time_ms) == 0) {
        memcpy(out->timestamp, date.data, 16);
        return SIGV4_OK;
    }
    if (in_query || clock_parse_http(date.data, date.len, &out->time_ms) != 0) {
        buf_append_text(message, "Date must be in ISO-8601 'basic format'. Got '");
        append_view(message, date);
        buf_append_text(message, "'. See http://en.wikipedia.org/wiki/ISO_8601");
        return SIGV4_INCOMPLETE;
    }
    char basic[CLOCK_TEXT_SIZE];
    clock_format_basic(out->time_ms, basic);
    memcpy(out->timestamp, basic, 16);
    return SIGV4_OK;
}

static bool host_is_signed(struct text signed_names)
{
    struct text rest = signed_names, name;
    while (sigv4_next_name(&rest, &name))
        if (sigv4_name_is(name, text_of("host")))
            return true;
    return false;
}

/* keyid/date/region/service/term; slashes at the end do not count, as on AWS. */
static bool read_scope(struct text credential, struct sigv4_presented *out)
{
    while (credential.len && credential.data[credential.len - 1] == '/')
        credential.len--;
    struct text *const parts[] = {&out->scope.access_key, &out->scope.date, &out->scope.region,
                                  &out->scope.service, &out->terminator};
    struct text rest = credential;
    size_t count = 0;
    while (rest.data) {
        struct text part = text_cut(&rest, '/');
        if (count < 5)
            *parts[count] = part;
        count++;
    }
    return count == 5;
}

static enum sigv4_problem judge(const struct parts *parts, struct sigv4_presented *out,
                                struct buf *message)
{
    if (!host_is_signed(parts->signed_names)) {
        buf_append_text(message, "'Host' must be a 'SignedHeader' in the AWS Authorization.");
        return SIGV4_INVALID;
    }
    if (!text_is(parts->algorithm, SIGV4_ALGORITHM)) {
        buf_append_text(message, "Unsupported AWS 'algorithm': '");
        append_view(message, parts->algorithm);
        buf_append_text(message, "' (only " SIGV4_ALGORITHM " for now). ");
        return SIGV4_INCOMPLETE;
    }
    if (!read_scope(parts->credential, out)) {
        buf_append_text(message, "Credential must have exactly 5 slash-delimited elements, e.g. "
                                 "keyid/date/region/service/term, got '");
        append_view(message, parts->credential);
        buf_append_char(message, '\'');
        return SIGV4_INCOMPLETE;
    }
    return sigv4_scope_fits(out, NULL, message) ? SIGV4_OK : SIGV4_INVALID;
}

/* Does the header promise a signature of this family at all? */
static bool is_aws4(struct text header)
{
    return header.len >= 5 && memcmp(header.data, "AWS4-", 5) == 0;
}

enum sigv4_problem sigv4_parse(struct arena *arena, const struct sigv4_request *request,
                               struct sigv4_presented *out, struct buf *message)
{
    *out = (struct sigv4_presented){0};
    buf_reset(message);
    const struct sigv4_field *header = sigv4_field_find(request, text_of("authorization"));
    out->in_query = query_find(arena, request->query, "X-Amz-Algorithm").data != NULL;
    if (header && out->in_query) {
        buf_append_text(message, "Found both 'X-Amz-Algorithm' as a query-string param and "
                                 "'Authorization' as HTTP header.");
        return SIGV4_BOTH;
    }
    struct text authorization = header ? text_trim(header->value) : (struct text){0};
    if (!out->in_query && !is_aws4(authorization)) {
        buf_append_text(message, "Request is missing Authentication Token");
        return SIGV4_MISSING;
    }
    struct parts parts = {0};
    enum sigv4_problem problem = out->in_query
                                     ? read_query(arena, request->query, &parts, message)
                                     : read_header(request, authorization, &parts, message);
    if (problem == SIGV4_OK)
        problem = read_date(parts.date, out->in_query, out, message);
    if (problem == SIGV4_OK && out->in_query)
        problem = read_expires(query_find(arena, request->query, "X-Amz-Expires"), &out->expires_s,
                               message);
    if (problem != SIGV4_OK)
        return problem;
    out->signed_names = parts.signed_names;
    out->signature = parts.signature;
    const struct sigv4_field *token = sigv4_field_find(request, text_of("x-amz-security-token"));
    if (out->in_query)
        out->token = query_find(arena, request->query, "X-Amz-Security-Token");
    else if (token)
        out->token = text_trim(token->value);
    return judge(&parts, out, message);
}

bool sigv4_clock_fits(const struct sigv4_presented *presented, int64_t now_ms, int64_t skew_s,
                      struct buf *message)
{
    char now[CLOCK_TEXT_SIZE], edge[CLOCK_TEXT_SIZE];
    /* A presigned request counts from its date; the window helps only a clock that is ahead. */
    int64_t past_s = presented->expires_s > 0 ? presented->expires_s : skew_s;
    now_ms -= now_ms % 1000;
    if (presented->time_ms < now_ms - past_s * 1000) {
        clock_format_basic(now_ms, now);
        clock_format_basic(now_ms - past_s * 1000, edge);
        buf_reset(message);
        buf_printf(message, "Signature expired: %s is now earlier than %s (%s - %lld min.)",
                   presented->timestamp, edge, now, (long long)past_s / 60);
        return false;
    }
    if (presented->time_ms > now_ms + skew_s * 1000) {
        clock_format_basic(now_ms, now);
        clock_format_basic(now_ms + skew_s * 1000, edge);
        buf_reset(message);
        buf_printf(message, "Signature not yet current: %s is still later than %s (%s + %lld min.)",
                   presented->timestamp, edge, now, (long long)skew_s / 60);
        return false;
    }
    return true;
}

static bool region_fits(struct text region)
{
    char text[40];
    if (region.len >= sizeof text || memchr(region.data, '\0', region.len))
        return false;
    memcpy(text, region.data, region.len);
    text[region.len] = '\0';
    return region_valid(text);
}

static void sentence(struct buf *message, const char *before, struct text view, const char *after)
{
    if (message->len)
        buf_append_char(message, ' ');
    buf_append_text(message, before);
    append_view(message, view);
    buf_append_text(message, after);
}

bool sigv4_scope_fits(const struct sigv4_presented *presented, const char *service,
                      struct buf *message)
{
    const struct sigv4_scope *scope = &presented->scope;
    buf_reset(message);
    if (!region_fits(scope->region))
        sentence(message, "Credential should be scoped to a valid region, not '", scope->region,
                 "'.");
    if (service && !text_is(scope->service, service))
        sentence(message, "Credential should be scoped to correct service: '", text_of(service),
                 "'.");
    if (!text_is(presented->terminator, SIGV4_TERMINATOR))
        sentence(message,
                 "Credential should be scoped with a valid terminator: '" SIGV4_TERMINATOR
                 "', not '",
                 presented->terminator, "'.");
    if (scope->date.len != 8 || memcmp(scope->date.data, presented->timestamp, 8) != 0) {
        sentence(message,
                 "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                 "from HTTP: '",
                 scope->date, "'");
        buf_printf(message, " != '%.8s', from '%s'.", presented->timestamp, presented->timestamp);
    }
    return message->len == 0;
}
