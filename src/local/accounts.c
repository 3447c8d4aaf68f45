#include "local/accounts.h"

#include "aws/arn.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "local/authenticate.h"
#include "local/services/iam.h"

#include <string.h>

const char accounts_schema[] =
    "CREATE TABLE IF NOT EXISTS server (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

const char *const accounts_kept_tables[] = {"server", "given_key", NULL};

static const char *const first_accounts[] = {"111111111111", "222222222222"};
enum { FIRST_ACCOUNTS = 2 };

static bool is_key_id(const char *text)
{
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    return len > 0 && len <= 128 && text[len] == '\0';
}

int account_key_parse(struct arena *arena, const char *text, struct account_key *out,
                      struct error *err)
{
    const char *first = strchr(text, ':'), *last = strrchr(text, ':');
    if (!first || first == last)
        return error_set(err, ERR_INVALID, "credentials are AKID:SECRET:ACCOUNT");
    out->access_key = arena_strndup(arena, text, (size_t)(first - text));
    out->secret = arena_strndup(arena, first + 1, (size_t)(last - first - 1));
    out->account = arena_strdup(arena, last + 1);
    if (!is_key_id(out->access_key))
        return error_set(err, ERR_INVALID,
                         "credentials are AKID:SECRET:ACCOUNT; an AKID is 1 to 128 of A-Z a-z 0-9 "
                         "_");
    if (!*out->secret || !account_valid(out->account))
        return error_set(err, ERR_INVALID,
                         "credentials of %s: AKID:SECRET:ACCOUNT, the account twelve digits",
                         out->access_key);
    return 0;
}

static bool has_keys(struct store_session *store)
{
    struct store_rows rows;
    store_query(store, &rows, "SELECT 1 FROM given_key LIMIT 1", "");
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}

static void write_profile(struct buf *out, const char *profile, const char *access_key,
                          const char *secret)
{
    buf_printf(out, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n", profile,
               access_key, secret);
}

static int make_first_accounts(struct local *local, struct store_session *store,
                               struct arena *arena, const char *folder, struct error *err)
{
    struct buf file;
    buf_init(&file, 4096);
    int result = 0;
    for (size_t i = 0; result == 0 && i < FIRST_ACCOUNTS; i++) {
        char *access_key = arena_alloc(arena, ACCESS_KEY_SIZE);
        char *secret = arena_alloc(arena, SECRET_KEY_SIZE);
        authenticate_make_key(local->random, "AKIA", access_key, secret);
        if (i == 0)
            write_profile(&file, "default", access_key, secret);
        write_profile(&file, first_accounts[i], access_key, secret);
        result = authenticate_add_key(local, store, arena, access_key, secret, first_accounts[i]);
    }
    if (result != 0)
        error_set(err, ERR_IO, "cannot store credentials: %s", store_failure(store));
    /* Before the commit: credentials that nobody has would lock everybody out; a file that is
     * ahead of the store is written anew at the next start. */
    else
        result = file_write_atomic(arena_printf(arena, "%s/credentials", folder), buf_text(&file),
                                   file.len, 0600, err);
    buf_done(&file);
    return result;
}

int accounts_bootstrap(struct local *local, struct store_session *store, const char *folder,
                       const struct account_key *keys, size_t count, struct error *err)
{
    struct arena scratch;
    arena_init(&scratch);
    int result = 0;
    for (size_t i = 0; result == 0 && i < count; i++)
        result = authenticate_add_key(local, store, &scratch, keys[i].access_key, keys[i].secret,
                                      keys[i].account);
    if (result != 0)
        error_set(err, ERR_IO, "cannot store credentials: %s", store_failure(store));
    else if (!has_keys(store))
        result = make_first_accounts(local, store, &scratch, folder, err);
    arena_done(&scratch);
    return result;
}

int accounts_setup(struct local *local, struct store_session *store)
{
    struct arena scratch;
    struct store_rows rows;
    int64_t now_ms = local->clock->now_ms(local->clock);
    int result = 0;
    arena_init(&scratch);
    /* Whoever has no key of ours is in account 000000000000. */
    store_query(store, &rows,
                "SELECT DISTINCT account FROM given_key UNION SELECT '000000000000' WHERE $1", "i",
                (int64_t)local->any_credentials);
    while (result == 0 && store_next(&rows)) {
        struct text account = store_text(&rows, 0);
        result = iam_account_setup(store, &scratch,
                                   arena_strndup(&scratch, account.data, account.len), now_ms);
    }
    store_end(&rows);
    arena_done(&scratch);
    return store_failed(store) ? -1 : result;
}
