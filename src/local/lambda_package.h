/*
 * lambda_package: the zip file of a function: checked, unzipped, kept while it is used.
 *
 * Nothing is written outside the package's own folder: names that are absolute or hold ".." are
 * refused, links are made last and must stay inside, and there is a limit to what it may become.
 * Lambda runs functions as a user that does not own the files, so only what a file's mode gives to
 * others counts; folders cannot be written.
 *
 * lambda_package_check is pure. A `packages` belongs to the thread that takes and gives back;
 * lambda_packages_have may be asked by any. Rules: shared facts lambda-and-cloudformation.md, A1.
 */
#ifndef UNDERSTUDY_LOCAL_LAMBDA_PACKAGE_H
#define UNDERSTUDY_LOCAL_LAMBDA_PACKAGE_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* "Unzipped size must be smaller than 262144000 bytes" */
enum { LAMBDA_PACKAGE_LARGEST = 262144000, LAMBDA_PACKAGE_ENTRIES = 100000 };

/* ERR_INVALID: no zip file, or one with names that would leave its folder. ERR_LIMIT: too large
 * unzipped. */
int lambda_package_check(struct text zip, struct error *err);
/* Into `folder`, which is made. What was written before a failure stays there. */
int lambda_package_unzip(struct text zip, const char *folder, struct error *err);

/* Removes a folder and all in it, following no link. */
void lambda_folder_remove(const char *path);

struct lambda_package {
    char *path;       /* of its folder */
    bool has_program; /* bootstrap is there, */
    bool may_run;     /* and others may run it */
};
struct lambda_packages;
/* Empties `folder` first: what a killed server left. */
struct lambda_packages *lambda_packages_new(const char *folder, struct error *err);
void lambda_packages_free(struct lambda_packages *packages); /* removes all; NULL is fine */
bool lambda_packages_have(struct lambda_packages *packages, const char *code_sha256);
/* Unzips it unless it is there. `zip` may be empty when it is. Given back with _drop. */
const struct lambda_package *lambda_packages_take(struct lambda_packages *packages,
                                                  const char *code_sha256, struct text zip,
                                                  struct error *err);
void lambda_packages_drop(struct lambda_packages *packages, const struct lambda_package *package,
                          int64_t now_ms);
/* Removes those that nobody has used since `before_ms`. */
void lambda_packages_sweep(struct lambda_packages *packages, int64_t before_ms);

#endif
