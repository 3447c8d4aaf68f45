/*
 * validate: an operation's input against its table: first the types (SerializationException), then
 * the constraints (ValidationException), with AWS's texts.
 *
 * Sources of the texts: shared facts parameter-store.md section 4, kms.md section 10,
 * sts-iam-sigv4.md section 2 rows 18 and 19; the conversion texts as AWS's JSON front end was
 * observed to give them (DynamoDB, which shares it). Pure but for the regex cache; any thread.
 */
#ifndef UNDERSTUDY_LOCAL_VALIDATE_H
#define UNDERSTUDY_LOCAL_VALIDATE_H

#include "local/service.h"

/* Checks types. In query services, where all leaves are text, numbers and truth values are turned
 * into JSON's own in place, and empty text into an empty list where a list is due. 0, or -1 with
 * *message (static or in `arena`; NULL: none). */
int validate_types(struct arena *arena, const struct local_member *members, json_t *input,
                   bool from_query, const char **message);

/* What a text stands for, by the table, where all leaves are text (forms; paths, queries and
 * headers of REST): a new reference, or NULL when it stays as it is. */
json_t *validate_from_text(const struct local_member *member, const json_t *value);

/* Checks constraints of an input whose types are right: NULL, or the text of the exception in
 * `arena`. */
const char *validate_constraints(struct arena *arena, const struct local_member *members,
                                 const json_t *input);

#endif
