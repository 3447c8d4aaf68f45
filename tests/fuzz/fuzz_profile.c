/* The reader of ~/.aws/config and ~/.aws/credentials: what it takes can be found again under the
 * names it gives, keys are lower case and unique, and no error repeats the text. */
#include "base/arena.h"
#include "client/profile.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void check_settings(const struct profile_section *section)
{
    for (const struct profile_setting *at = section->settings; at; at = at->next) {
        assert(*at->key && !strpbrk(at->key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
        assert(!at->nested || !*at->value);
        const char *value = profile_value(section, at->key);
        assert(at->nested ? !value : value && strcmp(value, at->value) == 0);
        for (const struct profile_setting *nested = at->nested; nested; nested = nested->next)
            assert(*nested->key && profile_nested(section, at->key, nested->key));
    }
}

static void check_kind(const uint8_t *data, size_t size, enum profile_file_kind kind)
{
    struct arena arena;
    struct profile_file file;
    struct error err = {0};
    arena_init(&arena);
    if (profile_file_parse(&arena, "f", (const char *)data, size, kind, &file, &err) != 0) {
        assert(err.code == ERR_INVALID || err.code == ERR_LIMIT);
        assert(err.message[0] == 'f');
    } else {
        for (const struct profile_section *at = file.sections; at; at = at->next) {
            assert(*at->name && profile_find(&file, at->kind, at->name));
            check_settings(at);
        }
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 64 * 1024)
        return 0;
    check_kind(data, size, PROFILE_CONFIG);
    check_kind(data, size, PROFILE_CREDENTIALS);
    return 0;
}
