/* The rows of the operation tables against AWS's own service models, where these are at hand. */
#include "resource/resource.h"
#include "resource/services.h"
#include "support/test.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"

static json_t *model_of(struct arena *arena, const char *folder)
{
    const char *shared = getenv("UNDERSTUDY_SHARED");
    char *data;
    size_t len;
    const char *path = arena_printf(arena, "%s/aws/models/%s/service-2.json",
                                    shared ? shared : SOURCE_ROOT "/../shared", folder);
    if (file_read(arena, path, 16 * 1024 * 1024, false, &data, &len, NULL) != 0)
        return NULL;
    return json_read(data, len, NULL);
}

static const char *folder_of(const struct aws_service *service)
{
    return service == &service_tagging ? "resourcegroupstaggingapi" : service->name;
}

static void rows_are_what_the_models_say(void **state)
{
    (void)state;
    struct arena arena;
    unsigned checked = 0;
    arena_init(&arena);
    for (size_t i = 0; resource_operations[i]; i++) {
        const struct aws_operation *row = resource_operations[i];
        json_t *model = model_of(&arena, folder_of(row->service));
        if (!model)
            continue;
        const json_t *metadata = json_object_get(model, "metadata");
        assert_string_equal(json_text(metadata, "targetPrefix"), row->service->target_prefix);
        assert_string_equal(json_text(metadata, "apiVersion"), row->service->api_version);
        assert_string_equal(json_text(metadata, "endpointPrefix"), row->service->host_label);
        assert_string_equal(json_text(metadata, "jsonVersion"), "1.1");
        assert_int_equal(row->service->protocol, AWS_JSON_1_1);
        assert_non_null(json_object_get(json_object_get(model, "operations"), row->name));
        json_decref(model);
        checked++;
    }
    arena_done(&arena);
    if (!checked)
        skip();
}

static void only_what_reads_is_declared_a_read(void **state)
{
    (void)state;
    for (size_t i = 0; resource_operations[i]; i++) {
        const char *name = resource_operations[i]->name;
        bool reads = strncmp(name, "Get", 3) == 0 || strncmp(name, "Describe", 8) == 0 ||
                     strncmp(name, "List", 4) == 0;
        assert_int_equal(reads, (resource_operations[i]->flags & AWS_READS) != 0);
    }
}

static bool permitted(const struct aws_operation *operation)
{
    for (size_t i = 0; resource_kinds[i]; i++)
        for (const struct resource_permission *row = resource_kinds[i]->permissions;
             row && row->sides; row++)
            if (row->operation == operation)
                return true;
    return false;
}

/* Commands for people who move keys: nothing of a configuration asks for them, and engine's
 * permissions_command.c has their rows (cli/policy sees that none is missed). */
static bool of_a_command(const struct aws_operation *operation)
{
    return operation == &operation_kms_update_primary_region ||
           operation == &operation_kms_decrypt || operation == &operation_kms_encrypt ||
           operation == &operation_kms_generate_data_key || operation == &operation_kms_re_encrypt;
}

/* What is called stands in the policies that are printed. */
static void each_operation_has_its_permission(void **state)
{
    (void)state;
    for (size_t i = 0; resource_operations[i]; i++)
        if (!of_a_command(resource_operations[i]) && !permitted(resource_operations[i]))
            fail_msg("%s stands in no kind's permissions", resource_operations[i]->name);
    for (size_t i = 0; resource_kinds[i]; i++)
        assert_non_null(resource_kinds[i]->permissions);
}

static void what_writes_is_never_asked_of_the_source(void **state)
{
    (void)state;
    for (size_t i = 0; resource_kinds[i]; i++)
        for (const struct resource_permission *row = resource_kinds[i]->permissions; row->sides;
             row++) {
            assert_true((row->operation != NULL) != (row->action != NULL));
            if (row->operation && !(row->operation->flags & AWS_READS))
                assert_int_equal(row->sides & ON_SOURCE, 0);
        }
}

static void a_lost_answer_to_a_put_is_not_repeated_blindly(void **state)
{
    (void)state;
    assert_int_equal(operation_ssm_put_parameter.flags & AWS_IDEMPOTENT, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_the_models_say),
        cmocka_unit_test(only_what_reads_is_declared_a_read),
        cmocka_unit_test(each_operation_has_its_permission),
        cmocka_unit_test(what_writes_is_never_asked_of_the_source),
        cmocka_unit_test(a_lost_answer_to_a_put_is_not_repeated_blindly),
    };
    return cmocka_run_group_tests_name("resource/services", tests, NULL, NULL);
}
