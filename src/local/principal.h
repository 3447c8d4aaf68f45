/*
 * principal: who calls. Immutable once made; shared by threads through reference counts kept in
 * local/authenticate.c.
 */
#ifndef UNDERSTUDY_LOCAL_PRINCIPAL_H
#define UNDERSTUDY_LOCAL_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

struct grants;

enum principal_kind {
    PRINCIPAL_ROOT,      /* arn:aws:iam::A:root */
    PRINCIPAL_USER,      /* arn:aws:iam::A:user/path/name */
    PRINCIPAL_ROLE,      /* a role session: arn:aws:sts::A:assumed-role/name/session */
    PRINCIPAL_FEDERATED, /* arn:aws:sts::A:federated-user/name */
    PRINCIPAL_ANONYMOUS, /* unsigned, only where the operation's row lets it in */
};

struct principal {
    enum principal_kind kind;
    char access_key[129];
    char account[13];
    char *arn;             /* as GetCallerIdentity prints it, partition "aws" to be replaced */
    char *user_id;         /* "AIDA...", "AROA...:session", the account for root */
    char *identity_id;     /* whose policies count: "AIDA...", "AROA..."; NULL: nobody's */
    char *role_arn;        /* PRINCIPAL_ROLE: the role itself */
    char *session_policy;  /* JSON array of policy documents, or NULL: no session policy */
    char *session_tags;    /* JSON object, or NULL: aws:PrincipalTag/<key> */
    char *transitive;      /* JSON array of the session tags' keys that a chained role inherits */
    char *source_identity; /* aws:SourceIdentity; stays through role chaining; NULL: none */
    bool temporary;        /* an ASIA key with a session token */
    char *keys;            /* JSON object: condition keys its web identity brought, or NULL */
    /* Its identity policies allow everything and deny nothing, and no boundary narrows them: nobody
     * needs to ask (session policies apart). */
    bool administrator;
    bool chained;       /* a role's session made by a role's session */
    int64_t expires_ms; /* 0: never */
    int64_t issued_ms;
    struct grants *grants; /* its policies, parsed: local/authorize.h; NULL: none */
};

#endif
