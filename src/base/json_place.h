/*
 * json_place: where in a JSON text a value stands, so that it can be changed and all else keeps its
 * bytes.
 *
 * Paths are a small part of JSONPath: $ then .name, ["name"] or [index]. Pure; any thread. The text
 * is a secret's as likely as not: nothing of it is in an error, and scratch copies are wiped.
 */
#ifndef UNDERSTUDY_BASE_JSON_PLACE_H
#define UNDERSTUDY_BASE_JSON_PLACE_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>

bool json_path_valid(const char *path);

/* The text at `path`, which must be valid, in the JSON text `json`: its token (with the quotes) in
 * *token, its meaning in *out (wiped by buf_done). False when `json` is not JSON or has no text
 * there. */
bool json_place_text(struct text json, const char *path, struct text *token, struct buf *out);

#endif
