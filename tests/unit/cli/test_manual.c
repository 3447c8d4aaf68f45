/* Every flag and every key of the configuration stands in its manual page. */
#include "cli/commands.h"
#include "cli/options.h"
#include "support/test.h"

#include "base/file.h"

static struct arena arena;
static char *page;

static void open_page(const char *name)
{
    struct error err = {0};
    const char *path = arena_printf(&arena, "%s/docs/manual/%s", SOURCE_ROOT, name);
    if (file_read(&arena, path, 1 << 20, false, &page, NULL, &err) != 0)
        fail_msg("%s", err.message);
}

static void documented(const char *words)
{
    for (const char *at = page; (at = strstr(at, words)); at++) {
        char after = at[strlen(words)];
        if (after == '\n' || after == ' ')
            return;
    }
    fail_msg("the page says nothing of '%s'", words);
}

static void flag(const char *name, void *arg)
{
    (void)arg;
    documented(arena_printf(&arena, "Fl Fl %s", name));
}

static void key(const char *path, void *arg)
{
    (void)arg;
    const char *dot = strrchr(path, '.');
    documented(arena_printf(&arena, "Ic %s", dot ? dot + 1 : path));
}

static void every_flag_is_documented(void **state)
{
    (void)state;
    open_page("understudy.1");
    options_names(flag, NULL);
}

static void every_command_is_documented(void **state)
{
    (void)state;
    open_page("understudy.1");
    for (size_t i = 0; commands[i]; i++)
        documented(arena_printf(&arena, ".It Cm %s", commands[i]->name));
}

static void every_key_is_documented(void **state)
{
    (void)state;
    open_page("understudy.yaml.5");
    config_keys(key, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flag_is_documented),
        cmocka_unit_test(every_command_is_documented),
        cmocka_unit_test(every_key_is_documented),
    };
    arena_init(&arena);
    int failed = cmocka_run_group_tests_name("cli/manual", tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
