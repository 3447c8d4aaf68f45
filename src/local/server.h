/*
 * server: the local AWS put together: store, keyring, writer, loops, listener.
 */
#ifndef UNDERSTUDY_LOCAL_SERVER_H
#define UNDERSTUDY_LOCAL_SERVER_H

#include "local/accounts.h"
#include "local/service.h"

struct server;

struct server_options {
    const char *folder;
    const char *host;
    int port;       /* 0: any free one */
    unsigned loops; /* 0: by the number of CPUs */
    bool any_credentials, testing;
    bool quotas;                   /* AWS's default rates */
    bool trail_reads;              /* calls that only read are recorded too */
    int64_t trail_keep;            /* records; 0: TRAIL_KEEP_DEFAULT */
    int64_t latency_ms;            /* added to every call */
    struct text web_identity_keys; /* JSON: {"https://issuer": JWK set}; data NULL: none */
    struct text faults;            /* rules to start with, JSON (local/faults.h); data NULL: none */
    const struct account_key *keys;
    size_t key_count;
    const struct local_service *const *services; /* NULL: local_services */
    struct clock *clock;                         /* NULL: the system's */
    struct random *random;                       /* NULL: the system's */
};

/* Opens the data folder and listens; serves once started. What the options point to must outlive
 * server_open only. */
int server_open(const struct server_options *options, struct server **out, struct error *err);
int server_port(const struct server *server);
int server_start(struct server *server, struct error *err);
/* Lets requests under way end, writes out what was acknowledged, frees everything. NULL is fine. */
void server_close(struct server *server);

#endif
