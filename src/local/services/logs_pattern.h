/*
 * logs_pattern: the filter patterns of CloudWatch Logs: terms (all of them, ?any, -none), "quoted
 * phrases", %regular expressions%, and conditions on JSON: { $.level = "ERROR" && $.n > 3 }.
 *
 * Pure; what is compiled is in the arena, immutable. Not supported, and refused: patterns of
 * columns, [ip, user, ...]. A term is matched as a whole word, with case (K): AWS's pages only show
 * whole words. Rules: CloudWatch Logs User Guide, "Filter pattern syntax".
 */
#ifndef UNDERSTUDY_LOCAL_SERVICES_LOGS_PATTERN_H
#define UNDERSTUDY_LOCAL_SERVICES_LOGS_PATTERN_H

#include "base/text.h"

#include <stdbool.h>

struct arena;
struct logs_pattern;

/* NULL: not a pattern. */
const struct logs_pattern *logs_pattern_parse(struct arena *arena, const char *text);
/* One that AWS knows and this does not: [ip, user, ...]. */
bool logs_pattern_has_columns(const char *text);
bool logs_pattern_matches(const struct logs_pattern *pattern, struct text message);

#endif
