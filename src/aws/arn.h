/*
 * arn: arn:partition:service:region:account:resource. Pure; any thread.
 */
#ifndef UNDERSTUDY_AWS_ARN_H
#define UNDERSTUDY_AWS_ARN_H

#include "base/text.h"

#include <stdbool.h>

struct arena;

/* Views into the text parsed; region and account may be empty; resource may hold ':' and '/'. */
struct arn {
    struct text partition, service, region, account, resource;
};

int arn_parse(const char *text, size_t len, struct arn *out); /* 0, or -1 when it is no ARN */
bool arn_is(const char *text);                                /* starts like one: "arn:" */
char *arn_format(struct arena *arena, const char *partition, const char *service,
                 const char *region, const char *account, const char *resource);
bool account_valid(const char *text); /* twelve digits */

#endif
