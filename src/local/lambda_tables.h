/*
 * lambda_tables: where functions stand in the store. Private to local/lambda_function.c and the
 * service's operations (services/lambda_*.c).
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_TABLES_H
#define UNDERSTUDY_LOCAL_LAMBDA_TABLES_H

#include <stdint.h>

struct arena;

extern const char lambda_schema[]; /* services/lambda.c */

/* Under what the variables of a function's environment are sealed. */
const char *lambda_environment_purpose(struct arena *arena, int64_t function);

#endif
