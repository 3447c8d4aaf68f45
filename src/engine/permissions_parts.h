/*
 * permissions_parts: what permissions.c (of configurations) and permissions_command.c (of commands
 * for people) put policies together with. Memory: the arena's.
 */
#ifndef UNDERSTUDY_ENGINE_PERMISSIONS_PARTS_H
#define UNDERSTUDY_ENGINE_PERMISSIONS_PARTS_H

#include "engine/permissions.h"
#include "resource/resource.h"

void permission_add_text(struct arena *arena, struct texts *list, const char *text); /* once */
void permission_add_texts(struct arena *arena, struct texts *list, const struct texts *more);
struct texts permission_one_text(struct arena *arena, const char *text);
void permission_add_condition(struct permission_statement *statement, const char *test,
                              const char *key, struct texts values);
/* One without actions or resources is left out; with one that says as much it becomes one. */
void permission_add_statement(struct arena *arena, struct permission_policy *policy,
                              const struct permission_statement *statement);
struct permission_policy *permission_policy_for(struct permission_set *set, const char *role,
                                                const char *role_arn);

/* What a command for people calls; ends with a row of zeros. */
/* MULTI_CHOSEN: where the configuration selects keys, what that looks at. MULTI_BOTH: one call, in
 * one Region, about the key there and in the other. */
enum permission_command_key {
    PERMISSION_ALL,
    PERMISSION_MULTI,
    PERMISSION_MULTI_CHOSEN,
    PERMISSION_MULTI_BOTH,
    PERMISSION_SOURCE_KEY,
    PERMISSION_KEY
};
struct permission_command_row {
    enum permission_command command;
    const struct aws_operation *operation;
    const char *action; /* NULL: the operation's */
    unsigned sides;
    enum permission_command_key key;
    bool inside; /* only where KMS can do it inside */
};
extern const struct permission_command_row permission_command_rows[];

/* What options->command needs on one side of a replication: 0 is the source, else destination
 * i - 1. */
void permissions_of_command(struct arena *arena, const struct config *config, size_t side,
                            const char *partition, const char *account,
                            const struct permission_options *options,
                            struct permission_policy *policy);
/* Has this one nothing to do with the command? */
bool permissions_left_out(const struct config_set *set, const struct config *config,
                          const struct permission_options *options);

#endif
