#include "local/trails.h"

#include <string.h>

/* kms: does it log KMS's management events, which a selector can leave out? */
const char trails_schema[] =
    "CREATE TABLE IF NOT EXISTS trail_trail (account TEXT NOT NULL, region TEXT NOT NULL,"
    " name TEXT NOT NULL, settings TEXT NOT NULL, multi_region BIGINT NOT NULL,"
    " global_events BIGINT NOT NULL, logging BIGINT NOT NULL, started_ms BIGINT,"
    " stopped_ms BIGINT, selectors TEXT, advanced BIGINT NOT NULL, reads BIGINT NOT NULL,"
    " writes BIGINT NOT NULL, kms BIGINT NOT NULL, tags TEXT NOT NULL,"
    " PRIMARY KEY (account, region, name));";

bool trails_log(struct store_session *store, const struct trails_question *question)
{
    struct store_rows rows;
    store_query(store, &rows,
                "SELECT 1 FROM trail_trail WHERE account = $1 AND (region = $2 OR multi_region = 1)"
                " AND logging = 1 AND (CASE WHEN $3 = 1 THEN reads ELSE writes END) = 1"
                " AND (global_events = 1 OR $4 = 0) AND (kms = 1 OR $5 = 0) LIMIT 1",
                "ttiii", question->account, question->region, (int64_t)question->read_only,
                (int64_t)question->global,
                (int64_t)(strcmp(question->source, "kms.amazonaws.com") == 0));
    bool found = store_next(&rows);
    store_end(&rows);
    return found;
}
