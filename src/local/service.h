/*
 * service: what one AWS service of the local AWS is: a const table of operations.
 *
 * One file (or a few, for a big service) per service under services/, one line in services.c.
 * Everything that every handler must do stands in the operation's row and is done by the pipeline:
 * the input's types and constraints (SerializationException, ValidationException with AWS's texts),
 * authorisation (action and resource), redaction, transaction. A handler does one step: it reads
 * its validated input, works on the store and writes its answer.
 *
 * A handler runs on a loop's thread with a read-only session, or, when the row says LOCAL_WRITES
 * or the handler returned LOCAL_AS_WRITE, on the writer's thread inside a savepoint: when it fails,
 * what it wrote is undone. Its memory is the call's arena. It never sleeps and does no other I/O.
 */
#ifndef UNDERSTUDY_LOCAL_SERVICE_H
#define UNDERSTUDY_LOCAL_SERVICE_H

#include "aws/operation.h"
#include "aws/policy.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/text.h"
#include "local/local.h"
#include "local/principal.h"
#include "local/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum local_type {
    LOCAL_STRING,
    LOCAL_INTEGER,
    LOCAL_BOOLEAN,
    LOCAL_BLOB,      /* base64 text; min and max count decoded bytes */
    LOCAL_TIMESTAMP, /* number (epoch seconds) or, in query services, ISO text */
    LOCAL_LIST,
    LOCAL_MAP, /* string to `element` */
    LOCAL_STRUCTURE,
};

enum {
    LOCAL_REQUIRED = 1,
    LOCAL_SENSITIVE = 2, /* the value stays out of error texts, logs and the trail */
};

/* A member of an operation's input. Members not in the table are ignored, as AWS does. */
struct local_member {
    const char *name; /* NULL ends a table */
    enum local_type type;
    unsigned flags;
    int64_t min, max;          /* length, size or value; checked when max > 0 or min > 0 */
    const char *pattern;       /* matches the whole text; PCRE2 for the model's Java regex */
    const char *const *values; /* enumeration, NULL-terminated */
    const struct local_member *members; /* LOCAL_STRUCTURE */
    const struct local_member *element; /* LOCAL_LIST, LOCAL_MAP: one row, its name unused */
};

struct local_service;
struct local_operation;

/* What a failed call answers. */
struct local_failure {
    int status;              /* 0: the protocol's default for a client fault */
    const char *code;        /* "ParameterNotFound" */
    const char *message;     /* NULL: the member is left out */
    const char *message_key; /* JSON: "message" (default when NULL) or "Message" */
};

/* A call that waits for something (LOCAL_WAITS): it is run again from the beginning when the bell
 * (local/doorbell.h) has rung, at a time of the server's clock, and once more when all is over. */
struct local_wait {
    int64_t bell;
    uint32_t heard;      /* of it, before the handler looked: local_wait_for */
    int64_t longest_ms;  /* real time, from the first run */
    int64_t again_at_ms; /* 0: the bell will tell */
    bool over;           /* the pipeline's: do not wait any longer */
    /* What the handler holds from one run to the next; let go of when the call is over, answered or
     * not. NULL: nothing. */
    void *kept;
    void (*let_go)(void *kept);
};

struct local_call;
/* Before looking for what it may have to wait for. */
void local_wait_for(struct local_call *call, int64_t bell);

struct local_call {
    struct arena *arena; /* request's */
    struct local *local; /* the server: clock, random, keyring */
    struct store_session *store;
    const struct principal *caller;
    const char *partition, *region; /* of the endpoint called: from the credential scope */
    const char *account;            /* the caller's: where unqualified names live */
    const struct local_service *service;
    const struct local_operation *operation;
    const char *request_id;
    const char *source_ip;
    struct text host;             /* as the caller names this server; good for a URL */
    struct text user_agent;       /* of calls that are with the writer */
    const char *const *resources; /* what the row's `resources` gave; NULL: nothing was asked */
    const json_t *input;          /* an object; validated */
    struct json_writer *out; /* the answer's object is open: write members. For query services the
                                pipeline turns it into XML */
    bool writing;            /* on the writer, inside a savepoint */
    struct text payload;     /* REST: the request's body where that is a member, byte by byte; from
                                the handler: the answer's */
    const char *reason;      /* of a failure of a REST service: its member Reason; NULL: none */
    /* local->version as it was before this call's snapshot of the store was taken: what is read
     * now may be cached under this number and used by calls that carry the same. */
    uint64_t version;
    struct local_wait wait;
    struct local_failure failure;
};

enum local_result {
    LOCAL_OK = 0,
    LOCAL_FAILED = -1,  /* call->failure says what to answer */
    LOCAL_AS_WRITE = 1, /* nothing was written yet: run me again on the writer */
    LOCAL_WAITS = 2,    /* what was written is kept, call->wait says what for */
};

enum {
    LOCAL_WRITES = 1,
    LOCAL_NO_AUTH = 2,       /* unsigned callers are let in (AssumeRoleWithWebIdentity) */
    LOCAL_NO_PERMISSION = 4, /* signed, but nobody needs a permission (GetCallerIdentity) */
    /* Query protocols: it has an answer even when nothing is in it, so the Result's element too. */
    LOCAL_EMPTY_RESULT = 8
};

struct local_operation {
    const char *name;
    const char *action; /* "ssm:GetParameter"; a test insists that it is there */
    unsigned flags;
    const struct local_member *input;
    /* The ARNs the policy is asked about, NULL-terminated, in the call's arena. NULL: "*". It may
     * refuse instead (a key that does not exist): NULL with call->failure filled in. */
    const char *const *(*resources)(struct local_call *);
    enum local_result (*handle)(struct local_call *);
};

/* A service that speaks the query protocol beside its JSON ("awsQueryCompatible"): handlers and
 * tables know the JSON form only. */
struct local_code_name {
    const char *code, *query; /* NULL ends a table; a code that is not in it is the same in both */
    int status;
};
struct local_twin {
    void (*read)(json_t *input); /* a form's members get the names and shapes of JSON, in place */
    void (*write)(struct buf *out, const char *operation, const json_t *answer); /* as XML */
    const struct local_code_name *codes;
    const char *type_prefix; /* of __type */
    const char *path_member; /* forms sent to /ACCOUNT/NAME name it so; NULL: none are */
};
const char *local_query_code(const struct local_twin *twin, const char *code);

/* How an operation of a REST service stands on the wire. Bindings are "Member=query:name" (lists:
 * once for each element), "Member=header:Name", "Member=payload" (the body, as it is) and, of an
 * answer, "Member=status"; NULL-terminated; what is not bound is in the body's JSON object. */
struct local_rest {
    const char *operation; /* NULL ends a table */
    const char *method,
        *uri;   /* "/2015-03-31/functions/{FunctionName}"; {Name+} takes slashes too */
    int status; /* of success; 0: 200. 204 has no body */
    const char *const *input, *const *output;
    size_t largest_body_bytes; /* 0: the service's */
};
/* A failure that the model of a REST service knows. */
struct local_fault {
    const char *code; /* NULL ends a table */
    int status;
    const char *message_key; /* "message" or "Message" */
    const char *reason;      /* its member Reason, unless the call says another; NULL: none */
};

/* How an operation stands in the trail where its row and the member tables do not tell. */
enum {
    TRAIL_DATA = 1,      /* a data event: not recorded */
    TRAIL_READ = 2,      /* readOnly, although it writes to our store (a session, a message) */
    TRAIL_NO_ANSWER = 4, /* responseElements is null */
    TRAIL_ANSWER = 8,    /* responseElements is there, although it is a read */
};
struct local_trail {
    const char *operation; /* NULL ends a table */
    unsigned flags;
    const char *untold;   /* failure's code that is not recorded; NULL: none */
    const char *region;   /* input member: a second record goes to the Region it names; or NULL */
    const char *there_as; /* eventName of the second record; NULL: the same */
    const char *event;    /* eventName; NULL: the operation's name */
};
/* Input members that name a resource, for CloudTrail's look-up by resource. */
struct local_trail_resource {
    const char *member; /* NULL ends a table */
    const char *type;   /* "AWS::IAM::User" */
};

struct local_service {
    const char *name;          /* signing name, as in the credential scope: "ssm" */
    const char *target_prefix; /* JSON protocols */
    const char *api_version;   /* query protocol */
    const char *xml_namespace;
    enum aws_protocol protocol;
    const struct local_rest *rest;    /* AWS_REST_JSON: a row for each operation */
    const struct local_fault *faults; /* AWS_REST_JSON */
    const struct local_twin *twin;    /* NULL: one protocol */
    bool global;                /* one for all Regions: its records are in the partition's first */
    int clock_skew_ms;          /* how far a signature's time may be off; 5 or 15 minutes */
    size_t largest_body_bytes;  /* 0: 256 KiB */
    const char *internal_error; /* "InternalServerError", "KMSInternalException" */
    const char *internal_message_key; /* of its message; NULL: "message" */
    /* Of input that breaks a constraint; NULL: ValidationException (query: ValidationError). */
    const char *invalid_code;
    /* Calls come too fast. Without a code: ThrottlingException (Throttling), "Rate exceeded". */
    struct local_failure throttled;
    const char *schema; /* CREATE TABLE IF NOT EXISTS ...; NULL: none */
    /* Asked by the pipeline for the row's action and each of its resources. NULL: the caller's own
     * policies decide (local_authorize). Services whose resources have a policy too (KMS keys, the
     * trust policy of a role) put both sides together here. */
    enum local_result (*authorize)(struct local_call *, const char *action, const char *resource);
    const struct local_trail *trail;                    /* exceptions; NULL: none */
    const struct local_trail_resource *trail_resources; /* NULL: none */
    /* Type of the ARNs that rows' `resources` give, when records list them; NULL: they do not. */
    const char *trail_arn_type;
    const char *trail_alias_type; /* of those that are aliases; NULL: the same */
    /* What is due by now, on the writer's thread in a transaction (agenda.h): does some of it and
     * says when it wants to be asked next, AGENDA_NEVER until agenda_expect. NULL: nothing is. */
    int64_t (*act)(struct local *local, struct store_session *store, int64_t now_ms);
    const struct local_operation *operations; /* ended by a row without a name */
};

extern const struct local_service *const local_services[]; /* NULL-terminated; services.c */

/* Fill call->failure (text in the call's arena) and give LOCAL_FAILED:
 *     enum local_result local_fail(struct local_call *call, const char *code, const char *format,
 *                                  ...);
 * local_fail's answer has a member "message", local_fail_capital's "Message", local_fail_bare's
 * none. Macros, so that compilers and analyzers see the result (base/error.h does the same). */
#define local_fail(...)         (local_fill(__VA_ARGS__), local_failed())
#define local_fail_capital(...) (local_fill_capital(__VA_ARGS__), local_failed())
#define local_fail_bare(...)    (local_fill_bare(__VA_ARGS__), local_failed())

__attribute__((format(printf, 3, 4))) void local_fill(struct local_call *call, const char *code,
                                                      const char *format, ...);
__attribute__((format(printf, 3, 4))) void
local_fill_capital(struct local_call *call, const char *code, const char *format, ...);
void local_fill_bare(struct local_call *call, const char *code);

static inline enum local_result local_failed(void)
{
    return LOCAL_FAILED;
}

/* local_fail with an HTTP status: local_fail_status(call, 404, "NoSuchEntity", "...", ...). */
#define local_fail_status(call, status, ...)                                                       \
    (local_fill(call, __VA_ARGS__), local_failed_with(call, status))

static inline enum local_result local_failed_with(struct local_call *call, int status)
{
    call->failure.status = status;
    return LOCAL_FAILED;
}

/* Input members after validation: NULL or the fallback when absent. */
const char *local_text(const struct local_call *call, const char *name);
size_t local_text_len(const struct local_call *call, const char *name);
int64_t local_int(const struct local_call *call, const char *name, int64_t fallback);
bool local_bool(const struct local_call *call, const char *name, bool fallback);
const json_t *local_value(const struct local_call *call, const char *name);

/* A time in the answer: epoch number in JSON services, ISO 8601 text in query services. */
void local_put_time(struct local_call *call, const char *key, int64_t time_ms);

/* ARN in the caller's account and this Region. */
char *local_arn(struct local_call *call, const char *service, const char *resource);

/* An ARN kept in partition "aws" as the endpoint called shows it; other texts and NULL as they
 * are. */
const char *local_shown(struct local_call *call, const char *arn);

/* Ask whether the caller may do `action` on `resource` beyond what the row asked (a KMS key behind
 * SSM, a second resource); `via` is the service that asks ("ssm") or NULL. LOCAL_OK or LOCAL_FAILED
 * with AccessDeniedException and AWS's text filled in. */
enum local_result local_authorize(struct local_call *call, const char *action, const char *resource,
                                  const char *via);

/* The same question for services whose resources have policies of their own: what each kind of the
 * caller's policies answers, for the service to put together with the resource's (shared facts,
 * sts-iam-sigv4.md section 8). A kind that does not apply (no boundary, no session policy, an
 * administrator's identity) answers POLICY_ALLOW. The answers do not say that the resource is in
 * the caller's account: the service compares. */
struct condition_keys; /* local/condition_keys.h */
struct local_question {
    const char *action, *resource;
    const char *via; /* service that asks on the caller's behalf ("ssm"), or NULL */
    const struct policy_value *context; /* keys beyond the global ones: "kms:ViaService" ... */
    size_t context_count;
    /* More of them, put together only when a policy asks for a key; NULL: no more. */
    void (*supply)(const struct local_question *, struct condition_keys *);
};
/* As local_authorize, with condition keys of the question's own. */
enum local_result local_authorize_question(struct local_call *call,
                                           const struct local_question *question);
struct local_answers {
    enum policy_answer identity, boundary, session;
};
void local_ask(struct local_call *call, const struct local_question *question,
               struct local_answers *out);
/* The question as policy_evaluate wants it: principal, global keys and the question's own keys, in
 * the call's arena; the same that local_ask evaluates. */
void local_policy_question(struct local_call *call, const struct local_question *question,
                           struct policy_question *out);

/* Tokens for paging: opaque to callers, bound to operation, account and Region, and authenticated,
 * so that an invented one is refused. decode returns -1 for those. */
char *local_token_encode(struct local_call *call, const char *position);
int local_token_decode(struct local_call *call, const char *token, char **position);

/* Compiled once for the process and thread-safe; whole match unless `anywhere`. -1: bad pattern or
 * too costly, 0: no match, 1: match. `pattern` need not be static. */
int local_regex(const char *pattern, const char *text, size_t len, bool anywhere);

#endif
