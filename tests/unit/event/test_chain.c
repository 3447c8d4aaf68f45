/* The rows of the calls of `understudy doctor`, and its findings. What it finds is for
 * integration/doctor: there is no chain without a local AWS. */
#include "event/chain_parts.h"
#include "support/test.h"

#include "base/file.h"

#include <string.h>

static char *page(struct arena *arena, const char *path)
{
    char *data = NULL;
    size_t len;
    assert_int_equal(file_read(arena, path, 1024 * 1024, false, &data, &len, NULL), 0);
    return data;
}

static json_t *model_of(struct arena *arena, const struct aws_service *service)
{
    const char *shared = getenv("UNDERSTUDY_SHARED");
    char *data;
    size_t len;
    const char *path =
        arena_printf(arena, "%s/aws/models/%s/service-2.json",
                     shared ? shared : SOURCE_ROOT "/../shared", service->signing_name);
    if (file_read(arena, path, 16 * 1024 * 1024, false, &data, &len, NULL) != 0)
        return NULL;
    return json_read(data, len, NULL);
}

/* "/2015-03-31/functions/{FunctionName}/policy" */
static void the_path_is(const json_t *model, const struct aws_operation *row)
{
    const json_t *operation = json_object_get(json_object_get(model, "operations"), row->name);
    const json_t *http = json_object_get(operation, "http");
    assert_non_null(operation);
    assert_string_equal(json_text(http, "method"), row->method);
    const char *uri = json_text(http, "requestUri");
    assert_memory_equal(uri, row->uri, strlen(row->uri)); /* some end in a slash more */
    assert_true(strlen(uri) <= strlen(row->uri) + 1);
}

static void rows_are_what_the_models_say_and_only_read(void **state)
{
    (void)state;
    struct arena arena;
    unsigned checked = 0;
    arena_init(&arena);
    for (size_t i = 0; chain_operations[i]; i++) {
        const struct aws_operation *row = chain_operations[i];
        assert_int_equal(row->flags, AWS_READS);
        json_t *model = model_of(&arena, row->service);
        if (!model)
            continue;
        const json_t *metadata = json_object_get(model, "metadata");
        const char *target = json_text(metadata, "targetPrefix");
        if (target)
            assert_string_equal(target, row->service->target_prefix);
        assert_string_equal(json_text(metadata, "apiVersion"), row->service->api_version);
        assert_string_equal(json_text(metadata, "endpointPrefix"), row->service->host_label);
        the_path_is(model, row);
        json_decref(model);
        checked++;
    }
    arena_done(&arena);
    if (!checked)
        skip();
}

static void every_permission_is_documented(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *text = page(&arena, SOURCE_ROOT "/docs/doctor.md");
    for (size_t i = 0; chain_operations[i]; i++) {
        const struct aws_operation *row = chain_operations[i];
        const char *name = arena_printf(&arena, "%s:%s", row->service->signing_name, row->name);
        if (!strstr(text, name))
            fail_msg("docs/doctor.md does not name %s", name);
    }
    arena_done(&arena);
}

static void findings_are_counted_and_what_is_refused_is_not_ok(void **state)
{
    (void)state;
    struct arena arena;
    struct error err = {.code = ERR_DENIED, .message = "no"};
    arena_init(&arena);
    struct findings findings = {.arena = &arena};
    for (int i = 0; i < 40; i++)
        finding_add(&findings, FINDING_OK, "trail", "eu-west-1", NULL, "%d", i);
    finding_refused(&findings, "rule", "eu-west-1", "the rules", &err);
    err.code = ERR_UNAVAILABLE;
    finding_refused(&findings, "rule", "eu-west-1", "the rules", &err);
    assert_int_equal(findings.count, 42);
    assert_int_equal(findings.levels[FINDING_OK], 40);
    assert_string_equal(findings.items[39].text, "39");
    assert_int_equal(findings.items[40].level, FINDING_UNSEEN);
    assert_string_equal(findings.items[40].text, "the rules: no");
    assert_string_equal(finding_word(findings.items[40].level), "not looked at");
    assert_int_equal(findings.items[41].level, FINDING_FAILED);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_the_models_say_and_only_read),
        cmocka_unit_test(every_permission_is_documented),
        cmocka_unit_test(findings_are_counted_and_what_is_refused_is_not_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
