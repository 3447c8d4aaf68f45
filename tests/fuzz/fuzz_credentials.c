/* What a credential process, a container's host or the instance metadata answers; and a command
 * line cut into words. */
#include "base/arena.h"
#include "base/json.h"
#include "client/command.h"
#include "client/credentials_source.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void check_answer(const char *data, size_t size)
{
    struct credentials got = {0};
    struct error err = {0};
    if (credentials_parse_json(&got, "source", data, size, "Token", &err) == 0) {
        assert(*got.access_key && got.secret.len && got.expires_ms >= 0);
        assert(!strpbrk(got.access_key, "\r\n /,") && !strpbrk(got.secret.data, "\r\n"));
        assert(!got.token.data || !strpbrk(got.token.data, "\r\n"));
        assert(!*got.account || strlen(got.account) == 12);
    } else {
        assert(err.code == ERR_INVALID && err.message[0]);
    }
    credentials_done(&got);
}

static void check_command(const char *data, size_t size)
{
    struct arena arena;
    struct error err = {0};
    char **words;
    arena_init(&arena);
    const char *text = arena_strndup(&arena, data, size);
    size_t len = 0;
    if (command_split(&arena, text, &words, &err) == 0) {
        assert(words[0] && *words[0]);
        for (char **word = words; *word; word++)
            len += strlen(*word) + 1;
        assert(len <= strlen(text) + 1);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_answer((const char *)data, size);
    check_command((const char *)data, size);
    return 0;
}
