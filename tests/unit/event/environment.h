/*
 * environment: variables that a test sets, in the place of the process's own.
 */
#ifndef UNDERSTUDY_TESTS_ENVIRONMENT_H
#define UNDERSTUDY_TESTS_ENVIRONMENT_H

/* Up to 16 "NAME=value", borrowed; replaces those set before. */
void environment_set(const char *const *lines);
const char *environment_get(const char *name); /* a legacy_get_fn */

#endif
