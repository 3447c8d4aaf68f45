/* Source: AWS CloudFormation user guide, "Custom resource response objects"; the URL is S3's,
 * signed for a PUT without Content-Type. */
#include "base/json.h"
#include "base/text.h"
#include "client/retry.h"
#include "event/custom_parts.h"
#include "net/url.h"

#include <string.h>

enum { FIRST_PAUSE_MS = 200, LONGEST_PAUSE_MS = 2000, ONE_PUT_MS = 5000, REASON_LEAST = 64 };

/* --- the body --------------------------------------------------------------------------------- */
enum detail { ALL, WITHOUT_LIST, WITHOUT_ARNS, DETAILS };

static void put_data(const struct custom_result *result, enum detail detail, struct json_writer *w)
{
    char name[64];
    struct buf regions, arns;
    buf_init(&regions, CUSTOM_ANSWER_MOST);
    buf_init(&arns, CUSTOM_ROWS_MOST * sizeof result->rows[0].arn);
    json_key(w, "Data");
    json_open(w);
    json_put_text(w, "KeyId", result->key_id);
    json_put_text(w, "PrimaryArn", result->primary_arn);
    json_put_text(w, "PrimaryRegion", result->primary_region);
    for (size_t i = 0; i < result->row_count; i++) {
        const struct custom_row *row = &result->rows[i];
        if (!*row->arn)
            continue;
        buf_printf(&regions, "%s%s", regions.len ? "," : "", row->name);
        buf_printf(&arns, "%s%s", arns.len ? "," : "", row->arn);
        snprintf(name, sizeof name, "Arn.%s", row->name);
        if (detail < WITHOUT_ARNS)
            json_put_text(w, name, row->arn);
    }
    json_put_text(w, "Regions", buf_text(&regions));
    if (detail < WITHOUT_LIST)
        json_put_text(w, "Arns", buf_text(&arns));
    json_close(w);
    buf_done(&regions);
    buf_done(&arns);
}

/* Failures first: they are what somebody must read before the text is cut. */
static void put_rows(const struct custom_result *result, bool failed, struct buf *out)
{
    for (size_t i = 0; i < result->row_count; i++) {
        const struct custom_row *row = &result->rows[i];
        if (row->failed == failed && *row->text)
            buf_printf(out, "%s%s: %s", out->len ? "; " : "", row->name, row->text);
    }
}

static void write_reason(const struct custom_result *result, struct buf *out)
{
    buf_append_text(out, result->reason);
    put_rows(result, true, out);
    put_rows(result, false, out);
    if (!out->len)
        buf_append_text(out, result->failed ? "it failed, and nothing is known of why" : "done");
}

static void write_body(const struct custom_request *request, const struct custom_result *result,
                       const char *reason, enum detail detail, struct buf *out)
{
    struct json_writer w;
    buf_reset(out);
    json_writer_init(&w, out);
    json_open(&w);
    json_put_text(&w, "Status", result->failed ? "FAILED" : "SUCCESS");
    json_put_text(&w, "Reason", reason);
    json_put_text(&w, "PhysicalResourceId", result->physical_id);
    json_put_text(&w, "StackId", request->stack_id);
    json_put_text(&w, "RequestId", request->request_id);
    json_put_text(&w, "LogicalResourceId", request->logical_id);
    if (!result->failed && *result->key_id)
        put_data(result, detail, &w);
    json_close(&w);
}

/* At a character's beginning. */
static void cut(char *text, size_t len)
{
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(text + len, "...", 4);
}

void custom_answer_write(const struct custom_request *request, const struct custom_result *result,
                         struct buf *out)
{
    struct buf reason;
    char text[CUSTOM_ANSWER_MOST + 8] = "";
    buf_init(&reason, CUSTOM_ROWS_MOST * 2 * CUSTOM_LINE_MOST);
    write_reason(result, &reason);
    snprintf(text, CUSTOM_ANSWER_MOST, "%s", buf_text(&reason));
    buf_done(&reason);
    /* First the words go (down to a line), then the longer of what stands there twice. */
    for (int detail = ALL; detail < DETAILS; detail++)
        for (;;) {
            size_t len = strlen(text);
            write_body(request, result, text, (enum detail)detail, out);
            if (out->len <= CUSTOM_ANSWER_MOST)
                return;
            if (len <= REASON_LEAST)
                break;
            size_t over = out->len - CUSTOM_ANSWER_MOST + 4;
            cut(text, len > over + REASON_LEAST ? len - over : REASON_LEAST - 4);
        }
}

/* --- sending ---------------------------------------------------------------------------------- */
static bool may_pass(const struct http_response *response)
{
    return response->status >= 500 || response->status == 429 || response->status == 408;
}

/* 0: taken; 1: it may be taken later; -1: it will not. The transport's words may hold the URL. */
static int put_once(struct arena *arena, struct transport *transport, const struct url *url,
                    const char *whole, const struct buf *body, int timeout_ms, struct error *err)
{
    const struct http_request request = {.method = "PUT",
                                         .url = whole,
                                         .body = body->data,
                                         .body_len = body->len,
                                         .connect_timeout_ms = timeout_ms,
                                         .timeout_ms = timeout_ms};
    struct http_response response = {0};
    struct error problem = {0};
    if (transport->send(transport, arena, &request, &response, &problem) != 0) {
        error_set(err, ERR_UNAVAILABLE, "the answer for CloudFormation did not reach %s (%s)",
                  url->host, error_code_name(problem.code));
        return problem.code == ERR_UNAVAILABLE || problem.code == ERR_TIMEOUT ? 1 : -1;
    }
    if (response.status >= 200 && response.status < 300)
        return 0;
    error_set(err, ERR_UNAVAILABLE, "the answer for CloudFormation was refused by %s: status %d",
              url->host, response.status);
    return may_pass(&response) ? 1 : -1;
}

static int check_url(struct arena *arena, const char *text, struct url *url, struct error *err)
{
    if (url_parse(arena, text, url, NULL) != 0)
        return error_set(err, ERR_INVALID, "ResponseURL is no URL");
    if (strcmp(url->scheme, "https") != 0 && !url_is_loopback(url))
        return error_set(err, ERR_INVALID, "ResponseURL is not https");
    return 0;
}

int custom_answer_send(struct arena *arena, struct transport *transport, struct clock *clock,
                       const char *url, const struct buf *body, int64_t give_up_ms,
                       struct error *err)
{
    struct url parsed;
    int64_t pause_ms = FIRST_PAUSE_MS;
    if (check_url(arena, url, &parsed, err) != 0)
        return -1;
    for (;;) {
        int64_t left_ms = give_up_ms - clock->monotonic_ms(clock);
        int timeout_ms = left_ms < 100 ? 100 : left_ms < ONE_PUT_MS ? (int)left_ms : ONE_PUT_MS;
        int result = put_once(arena, transport, &parsed, url, body, timeout_ms, err);
        if (result <= 0)
            return result;
        if (clock->monotonic_ms(clock) + pause_ms >= give_up_ms)
            return -1;
        retry_pause(clock, pause_ms);
        pause_ms = pause_ms * 2 < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
    }
}

/* X-Amz-Date and X-Amz-Expires (SigV4), or Expires in epoch seconds (the older signature). */
bool custom_answer_expired(struct arena *arena, const char *text, int64_t now_ms)
{
    struct url url;
    int64_t from_ms = -1, for_s = -1, until_s = -1;
    if (url_parse(arena, text, &url, NULL) != 0 || !url.query)
        return false;
    struct text rest = text_of(url.query);
    while (rest.data) {
        struct text value = text_cut(&rest, '&'), name = text_cut(&value, '=');
        if (text_is(name, "X-Amz-Date"))
            clock_parse_basic(value.data, value.len, &from_ms);
        else if (text_is(name, "X-Amz-Expires"))
            text_to_int64(value.data, value.len, &for_s);
        else if (text_is(name, "Expires"))
            text_to_int64(value.data, value.len, &until_s);
    }
    enum { LONGEST_S = 7 * 24 * 3600 };
    if (from_ms >= 0 && for_s > 0 && for_s <= LONGEST_S)
        return now_ms > from_ms + for_s * 1000;
    return until_s > 0 && until_s < now_ms / 1000;
}
