/*
 * profile: the INI dialect of ~/.aws/config and ~/.aws/credentials.
 *
 * Everything read is in the arena given and immutable: any thread may look things up. Credential
 * files hold secrets, so nothing here puts a value into an error text; errors name file and line.
 *
 * Source: shared facts sts-iam-sigv4.md sections 5 and 6; where the SDKs disagree this follows
 * botocore, the reader behind the aws command line: a comment takes a whole line ("#" behind a
 * value belongs to the value), keys compare without case, and a key or section given twice is an
 * error instead of a guess (docs/decisions/0005-aws-config-reader.md).
 */
#ifndef UNDERSTUDY_CLIENT_PROFILE_H
#define UNDERSTUDY_CLIENT_PROFILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { PROFILE_FILE_LIMIT = 1024 * 1024 /* bytes */ };

/* In a credentials file every section is a profile; in a config file "[default]" and
 * "[profile name]" are. */
enum profile_file_kind { PROFILE_CONFIG, PROFILE_CREDENTIALS };
enum profile_section_kind { PROFILE_SECTION, PROFILE_SERVICES, PROFILE_SSO_SESSION, PROFILE_OTHER };

struct profile_setting {
    struct profile_setting *next;
    const char *key;                /* lower case; nested ones as written */
    const char *value;              /* "" when there are nested settings */
    struct profile_setting *nested; /* the indented lines below "key =" */
};

struct profile_section {
    struct profile_section *next;
    enum profile_section_kind kind;
    bool prefixed; /* "[profile default]", which wins over "[default]" */
    const char *name;
    struct profile_setting *settings;
};

struct profile_file {
    const char *path; /* for errors; in the arena */
    struct profile_section *sections;
};

int profile_file_parse(struct arena *arena, const char *path, const char *data, size_t len,
                       enum profile_file_kind kind, struct profile_file *out, struct error *err);
/* A missing file is an empty one. `path` may start with "~/" when `home` is not NULL. */
int profile_file_read(struct arena *arena, const char *path, const char *home,
                      enum profile_file_kind kind, struct profile_file *out, struct error *err);

/* NULL when absent. */
const struct profile_section *profile_find(const struct profile_file *file,
                                           enum profile_section_kind kind, const char *name);
const char *profile_value(const struct profile_section *section, const char *key);
const char *profile_nested(const struct profile_section *section, const char *group,
                           const char *key);

#endif
