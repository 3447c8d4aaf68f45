#include "local/authenticate.h"

#include "aws/arn.h"
#include "base/buf.h"
#include "base/clock.h"
#include "local/access_keys.h"
#include "local/authorize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- shared principals ------------------------------------------------------------------------ */

struct caller {
    struct principal who;
    struct arena arena; /* what `who` points to */
    _Atomic unsigned owners;
};

const struct principal *caller_principal(const struct caller *caller)
{
    return &caller->who;
}

static struct caller *caller_new(void)
{
    struct caller *caller = memory_alloc(sizeof *caller);
    arena_init(&caller->arena);
    atomic_store(&caller->owners, 1);
    return caller;
}

struct caller *caller_ref(struct caller *caller)
{
    atomic_fetch_add_explicit(&caller->owners, 1, memory_order_relaxed);
    return caller;
}

void caller_unref(struct caller *caller)
{
    if (!caller || atomic_fetch_sub(&caller->owners, 1) != 1)
        return;
    grants_done(caller->who.grants);
    arena_done(&caller->arena);
    free(caller);
}

/* --- what a loop remembers -------------------------------------------------------------------- */

enum { REMEMBERED = 64, NAME_SIZE = 192, NOTE_USE_MS = 60 * 1000 };

struct signer {
    char name[NAME_SIZE]; /* "access key/date/Region/service"; "" is a free place */
    size_t name_len;
    uint64_t version; /* of the store when it was read */
    uint64_t used;
    int64_t noted_ms;     /* when its use was last written down */
    struct hmac_key *key; /* NULL: its signature is not checked (--any-credentials) */
    struct caller *caller;
    unsigned char token_digest[SHA256_SIZE];
};

struct authenticator {
    struct local *local;
    struct buf canonical, string_to_sign; /* scratch */
    uint64_t now;
    struct signer signers[REMEMBERED];
};

struct authenticator *authenticator_new(struct local *local)
{
    struct authenticator *authenticator = memory_alloc(sizeof *authenticator);
    authenticator->local = local;
    buf_init(&authenticator->canonical, 256 * 1024);
    buf_init(&authenticator->string_to_sign, 4096);
    return authenticator;
}

static void signer_done(struct signer *signer)
{
    hmac_key_free(signer->key);
    caller_unref(signer->caller);
    *signer = (struct signer){0};
}

void authenticator_free(struct authenticator *authenticator)
{
    if (!authenticator)
        return;
    for (size_t i = 0; i < REMEMBERED; i++)
        signer_done(&authenticator->signers[i]);
    buf_done(&authenticator->canonical);
    buf_done(&authenticator->string_to_sign);
    free(authenticator);
}

/* The length of the name, or 0 when it is too long to be remembered, as no sensible one is. */
static size_t name_of(const struct sigv4_scope *scope, char name[NAME_SIZE])
{
    const struct text parts[] = {scope->access_key, scope->date, scope->region, scope->service};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].len >= NAME_SIZE - len)
            return 0;
        if (parts[i].len)
            memcpy(name + len, parts[i].data, parts[i].len);
        len += parts[i].len;
        name[len++] = '/';
    }
    return len;
}

/* The one of that name and version, or NULL with the place for a new one in *place. */
static struct signer *recall(struct authenticator *authenticator, const char *name, size_t len,
                             uint64_t version, struct signer **place)
{
    struct signer *oldest = &authenticator->signers[0];
    authenticator->now++;
    for (size_t i = 0; i < REMEMBERED; i++) {
        struct signer *signer = &authenticator->signers[i];
        if (signer->name_len == len && memcmp(signer->name, name, len) == 0) {
            *place = signer;
            signer->used = authenticator->now;
            return signer->version == version ? signer : NULL;
        }
        if (signer->used < oldest->used)
            oldest = signer;
    }
    *place = oldest;
    return NULL;
}

/* --- taking apart ----------------------------------------------------------------------------- */

_Static_assert(sizeof(struct http_field) == sizeof(struct sigv4_field), "same members");

void authenticate_parse(struct arena *arena, const struct http_incoming *in,
                        struct signed_request *out)
{
    struct sigv4_field *fields = arena_calloc(arena, in->field_count, sizeof *fields);
    for (size_t i = 0; i < in->field_count; i++)
        fields[i] = (struct sigv4_field){in->fields[i].name, in->fields[i].value};
    char *hash = arena_alloc(arena, SHA256_HEX_SIZE);
    digest_sha256_hex(in->body.data ? in->body.data : "", in->body.len, hash);
    out->request = (struct sigv4_request){
        .method = in->method,
        .path = in->path,
        .query = in->query.data ? in->query : (struct text){"", 0},
        .fields = fields,
        .field_count = in->field_count,
        /* Always what was received: X-Amz-Content-Sha256 may say what it likes (and
         * UNSIGNED-PAYLOAD is for S3). */
        .payload_hash = hash,
    };
    struct buf message;
    buf_init(&message, 64 * 1024);
    out->problem = sigv4_parse(arena, &out->request, &out->presented, &message);
    out->message = arena_strndup(arena, buf_text(&message), message.len);
    buf_done(&message);
}

/* --- the checks, in order --------------------------------------------------------------------- */

struct check {
    struct authenticator *authenticator;
    struct store_session *store;
    uint64_t version;
    struct arena *arena;
    const struct sigv4_request *request;
    const struct sigv4_presented *presented;
    const struct local_service *service;
    struct authenticated *out;
};

static enum authenticate_problem refuse(struct check *check, enum authenticate_problem problem,
                                        const char *message)
{
    check->out->message = message;
    return problem;
}

/* AWS looks at the clock before it judges the rest of the signature. */
static enum authenticate_problem check_clock(struct check *check)
{
    struct local *local = check->authenticator->local;
    struct clock *clock = atomic_load(&local->real_signing_time) ? local->real_clock : local->clock;
    struct buf message;
    buf_init(&message, 1024);
    enum authenticate_problem problem = AUTHENTICATE_OK;
    if (check->presented->timestamp[0] &&
        !sigv4_clock_fits(check->presented, clock->now_ms(clock),
                          check->service->clock_skew_ms / 1000, &message))
        problem = refuse(check, AUTHENTICATE_INVALID,
                         arena_strndup(check->arena, buf_text(&message), message.len));
    buf_done(&message);
    return problem;
}

static enum authenticate_problem check_scope(struct check *check)
{
    struct buf message;
    buf_init(&message, 64 * 1024);
    enum authenticate_problem problem = AUTHENTICATE_OK;
    if (!sigv4_scope_fits(check->presented, check->service->name, &message))
        problem = refuse(check, AUTHENTICATE_INVALID,
                         arena_strndup(check->arena, buf_text(&message), message.len));
    buf_done(&message);
    return problem;
}

static enum authenticate_problem unknown(struct check *check)
{
    return refuse(check, AUTHENTICATE_UNKNOWN,
                  "The security token included in the request is invalid.");
}

/* With --any-credentials: an access key of twelve digits names its account, any other caller is in
 * account 000000000000; each is that account's root. */
static void be_anybody(struct caller *caller, struct text access_key)
{
    struct principal *who = &caller->who;
    char account[13] = "000000000000";
    if (access_key.len == 12) {
        char digits[13] = "";
        memcpy(digits, access_key.data, 12);
        if (account_valid(digits))
            memcpy(account, digits, sizeof account);
    }
    *who = (struct principal){.kind = PRINCIPAL_ROOT, .administrator = true};
    memcpy(who->account, account, sizeof account);
    if (access_key.len < sizeof who->access_key && access_key.len)
        memcpy(who->access_key, access_key.data, access_key.len);
    who->arn = arena_printf(&caller->arena, "arn:aws:iam::%s:root", account);
    who->user_id = arena_strdup(&caller->arena, account);
}

static void copy_principal(struct caller *caller, const struct principal *from,
                           struct store_session *store)
{
    struct arena *arena = &caller->arena;
    struct principal *who = &caller->who;
    *who = *from;
    char **const texts[] = {&who->arn,        &who->user_id,         &who->identity_id,
                            &who->role_arn,   &who->session_policy,  &who->session_tags,
                            &who->transitive, &who->source_identity, &who->keys};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i])
            *texts[i] = arena_strdup(arena, *texts[i]);
    who->grants = grants_load(store, arena, who);
}

/* Reads the access key and derives its signing key into `place`; NULL when it is not known. */
static struct signer *learn(struct check *check, const char *name, size_t name_len,
                            struct signer *place)
{
    const struct sigv4_scope *scope = &check->presented->scope;
    struct local *local = check->authenticator->local;
    struct access_key key;
    char *id = arena_strndup(check->arena, scope->access_key.data, scope->access_key.len);
    bool known = access_key_find(local, check->store, check->arena, id, &key) == 0;
    if (!known && !local->any_credentials)
        return NULL;
    int64_t noted_ms = place->name_len == name_len && memcmp(place->name, name, name_len) == 0
                           ? place->noted_ms
                           : 0;
    signer_done(place);
    place->noted_ms = noted_ms;
    place->caller = caller_new();
    if (known) {
        copy_principal(place->caller, &key.who, check->store);
        memcpy(place->token_digest, key.token_digest, SHA256_SIZE);
        place->key =
            sigv4_key_new(key.secret, key.secret_len, scope->date, scope->region, scope->service);
        explicit_bzero((void *)(uintptr_t)key.secret, key.secret_len);
    } else {
        be_anybody(place->caller, scope->access_key);
    }
    memcpy(place->name, name, name_len);
    place->name_len = name_len;
    place->version = check->version;
    place->used = check->authenticator->now;
    return place;
}

static bool token_fits(const struct check *check, const struct signer *signer)
{
    struct text token = check->presented->token;
    unsigned char digest[SHA256_SIZE];
    if (!signer->caller->who.temporary)
        return !token.data; /* a lasting key has none */
    if (!token.data)
        return false;
    digest_sha256(token.data, token.len, digest);
    return digest_equal(digest, signer->token_digest, sizeof digest);
}

static enum authenticate_problem check_signature(struct check *check, const struct signer *signer)
{
    static const char mismatch[] =
        "The request signature we calculated does not match the signature you provided. Check your "
        "AWS Secret Access Key and signing method. Consult the service documentation for details.";
    struct buf *canonical = &check->authenticator->canonical;
    struct buf *string_to_sign = &check->authenticator->string_to_sign;
    buf_reset(canonical);
    buf_reset(string_to_sign);
    if (sigv4_verify(check->request, check->presented, signer->key, canonical, string_to_sign))
        return AUTHENTICATE_OK;
    return refuse(check, AUTHENTICATE_INVALID,
                  arena_printf(check->arena,
                               "%s\n\nThe Canonical String for this request should have been\n"
                               "'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
                               mismatch, buf_text(canonical), buf_text(string_to_sign)));
}

static enum authenticate_problem check_key(struct check *check)
{
    char name[NAME_SIZE];
    struct signer *place;
    size_t len = name_of(&check->presented->scope, name);
    if (!len)
        return unknown(check);
    struct signer *signer = recall(check->authenticator, name, len, check->version, &place);
    if (!signer)
        signer = learn(check, name, len, place);
    if (!signer || (signer->key && !token_fits(check, signer)))
        return unknown(check);
    const struct principal *who = &signer->caller->who;
    struct clock *clock = check->authenticator->local->clock;
    if (who->expires_ms && who->expires_ms <= clock->now_ms(clock))
        return refuse(check, AUTHENTICATE_EXPIRED,
                      "The security token included in the request is expired");
    enum authenticate_problem problem =
        signer->key ? check_signature(check, signer) : AUTHENTICATE_OK;
    if (problem != AUTHENTICATE_OK)
        return problem;
    check->out->caller = caller_ref(signer->caller);
    int64_t now_ms = clock->now_ms(clock);
    check->out->note_use =
        signer->key && !who->temporary && llabs(now_ms - signer->noted_ms) >= NOTE_USE_MS;
    if (check->out->note_use)
        signer->noted_ms = now_ms;
    return AUTHENTICATE_OK;
}

static enum authenticate_problem unsigned_request(struct check *check,
                                                  const struct local_operation *operation)
{
    if (!check->authenticator->local->any_credentials && !(operation->flags & LOCAL_NO_AUTH))
        return refuse(check, AUTHENTICATE_MISSING, "Request is missing Authentication Token");
    struct caller *caller = caller_new();
    if (operation->flags & LOCAL_NO_AUTH)
        caller->who.kind = PRINCIPAL_ANONYMOUS;
    else
        be_anybody(caller, (struct text){"", 0});
    check->out->caller = caller;
    check->out->region = "us-east-1"; /* where AWS's global endpoints sign */
    return AUTHENTICATE_OK;
}

enum authenticate_problem
authenticate_request(struct authenticator *authenticator, struct store_session *store,
                     uint64_t version, struct arena *arena, struct signed_request *signed_request,
                     const struct local_service *service, const struct local_operation *operation,
                     struct authenticated *out)
{
    struct check check = {
        authenticator, store, version, arena, &signed_request->request, &signed_request->presented,
        service,       out};
    *out = (struct authenticated){0};
    if (signed_request->problem == SIGV4_MISSING)
        return unsigned_request(&check, operation);
    if (signed_request->problem == SIGV4_BOTH)
        return refuse(&check, AUTHENTICATE_INVALID, signed_request->message);
    enum authenticate_problem problem = check_clock(&check);
    if (problem != AUTHENTICATE_OK)
        return problem;
    if (signed_request->problem == SIGV4_INCOMPLETE)
        return refuse(&check, AUTHENTICATE_INCOMPLETE, signed_request->message);
    /* Also when the scope was found wanting already: the sentence about the service belongs to
     * the same text. */
    if (check.presented->terminator.data)
        problem = check_scope(&check);
    if (problem != AUTHENTICATE_OK)
        return problem;
    if (signed_request->problem != SIGV4_OK)
        return refuse(&check, AUTHENTICATE_INVALID, signed_request->message);
    const struct text region = check.presented->scope.region;
    out->region = arena_strndup(arena, region.data, region.len);
    return check_key(&check);
}
