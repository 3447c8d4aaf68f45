/* The daemon's own calls stand in the policies that are printed for it. */
#include "base/text.h"
#include "engine/permissions_parts.h"
#include "event/sqs_queue.h"
#include "resource/services.h"
#include "support/test.h"

#include <string.h>

static const char yaml[] = "source: { region: eu-west-1 }\ndestinations: [{ region: us-east-1 }]\n";

static const struct permission_statement *queue_of(struct arena *arena, const char *function)
{
    struct config_set set;
    struct permission_set out;
    struct error err = {0};
    const struct permission_options options = {.unknown_account = "*",
                                               .queue = "changes",
                                               .function = function};
    if (config_parse(arena, "test", yaml, strlen(yaml), &set, &err) != 0 ||
        config_check_set(arena, &set, &err) != 0 ||
        permissions_build(arena, &set, &options, PERMISSIONS_BY_IDENTITY, &out, &err) != 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < out.policies[0].count; i++)
        if (strcmp(out.policies[0].statements[i].sid, "Queue") == 0)
            return &out.policies[0].statements[i];
    fail_msg("nothing about the queue");
    return NULL;
}

static bool permitted(const struct permission_statement *statement, struct text operation)
{
    for (size_t i = 0; i < statement->actions.count; i++)
        if (text_is(operation, statement->actions.items[i] + strlen("sqs:")))
            return true;
    return false;
}

static void the_daemon_may_do_what_it_calls(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const struct permission_statement *daemon = queue_of(&arena, NULL);
    assert_string_equal(daemon->resources.items[0], "arn:aws:sqs:eu-west-1:*:changes");
    for (size_t i = 0; sqs_queue_operations[i]; i++) {
        struct text name = text_of(sqs_queue_operations[i]->name);
        static const char batch[] = "Batch"; /* takes the action of the operation for one */
        size_t len = strlen(batch);
        if (name.len > len && memcmp(name.data + name.len - len, batch, len) == 0)
            name.len -= len;
        if (!permitted(daemon, name))
            fail_msg("%s is not permitted", sqs_queue_operations[i]->name);
    }
    assert_false(permitted(queue_of(&arena, "f"), text_of("ChangeMessageVisibility")));
    arena_done(&arena);
}

static bool of_kinds(const struct aws_operation *operation)
{
    for (size_t i = 0; resource_kinds[i]; i++)
        for (const struct resource_permission *row = resource_kinds[i]->permissions;
             row && row->sides; row++)
            if (row->operation == operation)
                return true;
    return false;
}

static bool of_commands(const struct aws_operation *operation)
{
    for (const struct permission_command_row *row = permission_command_rows; row->sides; row++)
        if (row->operation == operation)
            return true;
    return false;
}

static void each_operation_is_in_what_is_printed(void **state)
{
    (void)state;
    for (size_t i = 0; resource_operations[i]; i++)
        if (!of_kinds(resource_operations[i]) && !of_commands(resource_operations[i]))
            fail_msg("%s stands in no policy", resource_operations[i]->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_daemon_may_do_what_it_calls),
        cmocka_unit_test(each_operation_is_in_what_is_printed),
    };
    return cmocka_run_group_tests_name("cli/policy", tests, NULL, NULL);
}
