#include "local/access_keys.h"

#include "local/authenticate.h"
#include "local/services/iam.h"

#include <stdio.h>
#include <string.h>

/* given_key: what the server was started with; at each start and reset they become access keys of
 * the administrator. session_key_used: a table nobody caches from (store_stirred). */
const char authenticate_schema[] =
    "CREATE TABLE IF NOT EXISTS given_key ("
    " id TEXT PRIMARY KEY, account TEXT NOT NULL, secret BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS access_key ("
    " id TEXT PRIMARY KEY, account TEXT NOT NULL, user_id TEXT NOT NULL, secret BLOB NOT NULL,"
    " active INTEGER NOT NULL, created_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS access_key_user ON access_key (user_id);"
    "CREATE TABLE IF NOT EXISTS session_key_used ("
    " id TEXT PRIMARY KEY, used_ms INTEGER NOT NULL, region TEXT NOT NULL,"
    " service TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS session_key ("
    " id TEXT PRIMARY KEY, account TEXT NOT NULL, secret BLOB NOT NULL, token BLOB NOT NULL,"
    " kind INTEGER NOT NULL, arn TEXT NOT NULL, user_id TEXT NOT NULL, identity_id TEXT,"
    " role_arn TEXT, session_policy TEXT, session_tags TEXT, transitive TEXT,"
    " source_identity TEXT, keys TEXT, administrator INTEGER NOT NULL, chained INTEGER NOT NULL,"
    " issued_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS session_key_expires ON session_key (expires_ms);";

/* Long enough that a client is told "expired" and not "unknown". */
static const int64_t keep_expired_ms = 24 * 60 * 60 * 1000LL;

static const char letters32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char letters64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *const access_key_administrator_name = "administrator";

static const char *seal_purpose(struct arena *arena, const char *id)
{
    return arena_printf(arena, "access key %s", id);
}

static int unseal_secret(struct local *local, struct arena *arena, struct text sealed,
                         struct access_key *out)
{
    unsigned char *secret;
    if (keyring_unseal(local->keyring, arena, seal_purpose(arena, out->who.access_key), sealed.data,
                       sealed.len, &secret, &out->secret_len) != 0)
        return -1;
    out->secret = (const char *)secret;
    return 0;
}

/* A user's. One that is inactive is not known (AWS says the same of both). */
static int find_lasting(struct local *local, struct store_session *store, struct arena *arena,
                        struct access_key *out)
{
    struct store_rows rows;
    struct principal *who = &out->who;
    int result = -1;
    store_query(store, &rows,
                "SELECT account, user_id, secret FROM access_key WHERE id = $1 AND active = 1", "t",
                who->access_key);
    if (store_next(&rows)) {
        struct text account = store_text(&rows, 0), user = store_text(&rows, 1);
        snprintf(who->account, sizeof who->account, "%.*s", (int)account.len, account.data);
        who->kind = PRINCIPAL_USER;
        who->user_id = who->identity_id = arena_strndup(arena, user.data, user.len);
        result = unseal_secret(local, arena, store_blob(&rows, 2), out);
    }
    store_end(&rows);
    if (result == 0)
        who->arn = iam_user_arn(store, arena, who->user_id);
    return result == 0 && who->arn ? 0 : -1;
}

static char *text_or_null(struct arena *arena, const struct store_rows *rows, int column)
{
    struct text text = store_text(rows, column);
    return text.data ? arena_strndup(arena, text.data, text.len) : NULL;
}

static int read_temporary(struct local *local, struct arena *arena, const struct store_rows *rows,
                          struct access_key *out)
{
    struct principal *who = &out->who;
    struct text account = store_text(rows, 0), token = store_blob(rows, 2);
    if (account.len >= sizeof who->account || token.len != SHA256_SIZE)
        return -1;
    memcpy(who->account, account.data, account.len);
    memcpy(out->token_digest, token.data, SHA256_SIZE);
    who->kind = (enum principal_kind)store_int(rows, 3);
    who->arn = text_or_null(arena, rows, 4);
    who->user_id = text_or_null(arena, rows, 5);
    who->identity_id = text_or_null(arena, rows, 6);
    who->role_arn = text_or_null(arena, rows, 7);
    who->session_policy = text_or_null(arena, rows, 8);
    who->session_tags = text_or_null(arena, rows, 9);
    who->transitive = text_or_null(arena, rows, 10);
    who->source_identity = text_or_null(arena, rows, 11);
    who->keys = text_or_null(arena, rows, 12);
    who->administrator = store_int(rows, 13);
    who->chained = store_int(rows, 14);
    who->issued_ms = store_int(rows, 15);
    who->expires_ms = store_int(rows, 16);
    who->temporary = true;
    return unseal_secret(local, arena, store_blob(rows, 1), out);
}

static int find_temporary(struct local *local, struct store_session *store, struct arena *arena,
                          struct access_key *out)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT account, secret, token, kind, arn, user_id, identity_id, role_arn,"
                " session_policy, session_tags, transitive, source_identity, keys, administrator,"
                " chained, issued_ms, expires_ms FROM session_key WHERE id = $1",
                "t", out->who.access_key);
    int result = store_next(&rows) ? read_temporary(local, arena, &rows, out) : -1;
    store_end(&rows);
    return result;
}

int access_key_find(struct local *local, struct store_session *store, struct arena *arena,
                    const char *id, struct access_key *out)
{
    *out = (struct access_key){0};
    if (strlen(id) >= sizeof out->who.access_key)
        return -1;
    memcpy(out->who.access_key, id, strlen(id) + 1);
    if (find_lasting(local, store, arena, out) == 0)
        return 0;
    return find_temporary(local, store, arena, out);
}

int authenticate_add_key(struct local *local, struct store_session *store, struct arena *arena,
                         const char *access_key, const char *secret, const char *account)
{
    struct access_key old;
    if (access_key_find(local, store, arena, access_key, &old) == 0 && !old.who.temporary &&
        strcmp(old.who.account, account) == 0 && old.secret_len == strlen(secret) &&
        memcmp(old.secret, secret, old.secret_len) == 0)
        return 0;
    unsigned char *sealed;
    size_t sealed_len;
    keyring_seal(local->keyring, arena, seal_purpose(arena, access_key), secret, strlen(secret),
                 &sealed, &sealed_len);
    /* iam_account_setup makes it a key of the administrator. */
    store_run(store, "DELETE FROM access_key WHERE id = $1", "t", access_key);
    return store_run(store,
                     "INSERT INTO given_key (id, account, secret) VALUES ($1, $2, $3)"
                     " ON CONFLICT (id) DO UPDATE SET account = excluded.account,"
                     " secret = excluded.secret",
                     "ttb", access_key, account, sealed, sealed_len) < 0
               ? -1
               : 0;
}

void access_key_store(struct local *local, struct store_session *store, struct arena *arena,
                      const char *id, const char *secret, const char *account, const char *user_id,
                      int64_t now_ms)
{
    unsigned char *sealed;
    size_t sealed_len;
    keyring_seal(local->keyring, arena, seal_purpose(arena, id), secret, strlen(secret), &sealed,
                 &sealed_len);
    store_run(store,
              "INSERT INTO access_key (id, account, user_id, secret, active, created_ms)"
              " VALUES ($1, $2, $3, $4, 1, $5)",
              "tttbi", id, account, user_id, sealed, sealed_len, now_ms);
}

void authenticate_make_key(struct random *random, const char prefix[static 4],
                           char access_key[static ACCESS_KEY_SIZE],
                           char secret[static SECRET_KEY_SIZE])
{
    memcpy(access_key, prefix, 4);
    random_text(random, letters32, access_key + 4, ACCESS_KEY_SIZE - 5);
    random_text(random, letters64, secret, SECRET_KEY_SIZE - 1);
}

enum local_result authenticate_issue(struct local_call *call, const struct principal *who,
                                     int64_t expires_ms, struct issued_credentials *out)
{
    enum { TOKEN_BYTES = 240 };
    struct local *local = call->local;
    struct arena *arena = call->arena;
    int64_t now_ms = local->clock->now_ms(local->clock);
    char *access_key = arena_alloc(arena, ACCESS_KEY_SIZE);
    char *secret = arena_alloc(arena, SECRET_KEY_SIZE);
    unsigned char *token = arena_alloc(arena, TOKEN_BYTES), digest[SHA256_SIZE], *sealed;
    size_t sealed_len;

    authenticate_make_key(local->random, "ASIA", access_key, secret);
    random_bytes(local->random, token, TOKEN_BYTES);
    *out = (struct issued_credentials){access_key, secret, base64_encode(arena, token, TOKEN_BYTES),
                                       expires_ms};
    digest_sha256(out->token, strlen(out->token), digest);
    keyring_seal(local->keyring, arena, seal_purpose(arena, access_key), secret,
                 SECRET_KEY_SIZE - 1, &sealed, &sealed_len);
    store_run(call->store, "DELETE FROM session_key WHERE expires_ms < $1", "i",
              now_ms - keep_expired_ms);
    store_run(call->store,
              "INSERT INTO session_key (id, account, secret, token, kind, arn, user_id,"
              " identity_id, role_arn, session_policy, session_tags, transitive, source_identity,"
              " keys, administrator, chained, issued_ms, expires_ms)"
              " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
              " $17, $18)",
              "ttbbi"
              "ttttttttt"
              "iiii",
              access_key, who->account, sealed, sealed_len, digest, sizeof digest,
              (int64_t)who->kind, who->arn, who->user_id, who->identity_id, who->role_arn,
              who->session_policy, who->session_tags, who->transitive, who->source_identity,
              who->keys, (int64_t)who->administrator, (int64_t)who->chained, now_ms, expires_ms);
    return LOCAL_OK; /* a failing statement has marked the session: the pipeline sees it */
}
