/* cloudtrail_parts: what the files of the service cloudtrail have in common. */
#ifndef UNDERSTUDY_LOCAL_SERVICES_CLOUDTRAIL_PARTS_H
#define UNDERSTUDY_LOCAL_SERVICES_CLOUDTRAIL_PARTS_H

#include "local/service.h"

enum {
    CLOUDTRAIL_TRAILS_MAX = 5, /* in a Region */
    CLOUDTRAIL_SELECTORS_MAX = 5,
    CLOUDTRAIL_TAGS_MAX = 50,
};

/* A trail as it is stored. Texts in the call's arena. */
struct cloudtrail_trail {
    const char *name, *region; /* its home */
    const char *arn;
    json_t *settings; /* members of CreateTrail's answer that were set; of the caller */
    bool multi_region, global_events, logging, advanced;
    int64_t started_ms, stopped_ms; /* 0: never */
    const char *selectors;          /* JSON; NULL: the default one */
    json_t *tags;                   /* an object; of the caller */
};
#define CLOUDTRAIL_COLUMNS                                                                         \
    "SELECT region, name, settings, multi_region, global_events, logging, started_ms, stopped_ms," \
    " selectors, advanced, tags FROM trail_trail"
void cloudtrail_trail_read(struct local_call *call, const struct store_rows *rows,
                           struct cloudtrail_trail *out);

/* The trail that `text` names, by name in this Region or by ARN. LOCAL_OK, or
 * TrailNotFoundException and what is wrong with the name. `home`: this must be its home Region. */
enum local_result cloudtrail_find(struct local_call *call, const char *text, bool home,
                                  struct cloudtrail_trail *out);
void cloudtrail_trail_done(struct cloudtrail_trail *trail);
enum local_result cloudtrail_check_name(struct local_call *call, const char *name);
/* For rows' `resources`: the trail named by "Name", "TrailName" or "ResourceId". */
const char *const *cloudtrail_resources(struct local_call *call);

/* cloudtrail_trail.c */
enum local_result cloudtrail_create_trail(struct local_call *call);
enum local_result cloudtrail_update_trail(struct local_call *call);
enum local_result cloudtrail_delete_trail(struct local_call *call);
enum local_result cloudtrail_start_logging(struct local_call *call);
enum local_result cloudtrail_stop_logging(struct local_call *call);
enum local_result cloudtrail_get_trail(struct local_call *call);
enum local_result cloudtrail_get_trail_status(struct local_call *call);
enum local_result cloudtrail_describe_trails(struct local_call *call);
enum local_result cloudtrail_list_trails(struct local_call *call);
/* cloudtrail_selectors.c */
enum local_result cloudtrail_put_selectors(struct local_call *call);
enum local_result cloudtrail_get_selectors(struct local_call *call);
/* cloudtrail_tags.c */
enum local_result cloudtrail_add_tags(struct local_call *call);
enum local_result cloudtrail_remove_tags(struct local_call *call);
enum local_result cloudtrail_list_tags(struct local_call *call);
/* TagsList laid over `tags` (an object); TagsLimitExceededException. */
enum local_result cloudtrail_merge_tags(struct local_call *call, json_t *tags);
void cloudtrail_store_tags(struct local_call *call, const struct cloudtrail_trail *trail);

#endif
