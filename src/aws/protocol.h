/*
 * protocol: JSON values to and from what goes over the wire, for each AWS protocol, both sides.
 * Callers never see XML, forms or headers. Pure; any thread.
 */
#ifndef UNDERSTUDY_AWS_PROTOCOL_H
#define UNDERSTUDY_AWS_PROTOCOL_H

#include "aws/operation.h"
#include "base/buf.h"
#include "base/error.h"
#include "net/http_message.h"

#include <jansson.h>

struct arena;

/* --- the client's side ------------------------------------------------------------------------ */
struct protocol_request {
    const char *method;
    const char *path;  /* encoded, as on the wire */
    const char *query; /* encoded; NULL: none */
    struct http_header headers[8];
    size_t header_count;
    char *body; /* in the arena; NULL: none */
    size_t body_len;
};
/* `input` is a JSON object (NULL means {}). Integers, booleans, strings, objects and lists. */
int protocol_build(struct arena *arena, const struct aws_operation *operation, const json_t *input,
                   struct protocol_request *out, struct error *err);
/* 0 and *output (new reference, an object) for a 2xx answer; else -1 with the code, status,
 * message and request id filled. XML: repeated elements become lists only as <member> children or
 * where `operation` says nothing else; text stays text (numbers and booleans as strings). A body
 * that does not parse still gives an error, with the HTTP status as its code. */
int protocol_read(const struct aws_operation *operation, const struct http_response *response,
                  json_t **output, struct error *err);

/* --- the server's side ------------------------------------------------------------------------ */
/* application/x-www-form-urlencoded (a body or a query) to nested JSON: A.member.N or A.N become
 * lists, A.entry.N.key/.value objects; all leaves strings. "Action" and "Version" stay members.
 * NULL with ERR_INVALID for broken escapes, NULs, more than `largest_members` leaves or depth. */
json_t *query_parse(const char *form, size_t len, size_t largest_members, struct error *err);
/* JSON to XML elements: objects nest, lists give <member>s, but a list called "entry" gives
 * <entry>s (a map: {"entry": [{"key": ..., "value": ...}]}). Escaped. Appended to `out`. */
void query_write_xml(struct buf *out, const json_t *value);
/* `text` with & < > " escaped. */
void xml_escape(struct buf *out, const char *text, size_t len);
/* XML to JSON: the root's children as an object (ERR_INVALID when it does not parse). Elements that
 * hold only <member> (or only <entry>) children become lists (objects); depth is limited. */
json_t *xml_parse(const char *data, size_t len, struct error *err);

#endif
