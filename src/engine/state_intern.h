/*
 * state_intern: what state.c (pairs and runs) and state_file.c (folder, key, database) share.
 */
#ifndef UNDERSTUDY_ENGINE_STATE_INTERN_H
#define UNDERSTUDY_ENGINE_STATE_INTERN_H

#include "engine/state.h"

#include <pthread.h>
#include <sqlite3.h>

enum state_statement {
    LINK_ADD,
    LINK_FIND,
    FIND,
    TOUCH,
    UNFINISHED,
    INTEND,
    KEEP,
    INTENT_END,
    INTENT_LEFT,
    INTENT_END_KILLED,
    FORGET,
    OVER_INTEND,
    OVER_FIND,
    OVER_END,
    DIGEST_KEEP,
    DIGEST_FIND,
    REMOVED_ADD,
    REMOVED_SUM,
    RUN_BEGIN,
    RUN_END,
    RUNS,
    STATE_STATEMENTS,
};

struct state {
    struct arena arena;        /* of the texts */
    const char *folder, *path; /* folder NULL: in memory */
    char run_id[RUN_ID_SIZE];
    struct clock *clock;
    unsigned char key[STATE_KEY_SIZE];
    sqlite3 *db;
    sqlite3_stmt *statements[STATE_STATEMENTS];
    pthread_mutex_t mutex; /* recursive: state_begin holds it until state_end */
    bool off;              /* the file is no longer used */
    bool damaged;          /* and is to be set aside */
    char warning[512];
};

/* One text for each statement. */
extern const char *const state_sql[STATE_STATEMENTS];

/* The first failure ends the use of the file: a cache must not cost more than it saves. */
void state_give_up(struct state *state);

#endif
