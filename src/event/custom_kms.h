/*
 * custom_kms: one Region of a replicated key on behalf of a stack; shared by custom_kms*.c.
 *
 * A replica that a stack made bears a tag that names stack and resource, from its first moment;
 * only with it is anything ever removed. A second tag lists the requests carried out on it, so that
 * one that comes again after later ones is known and left alone.
 */
#ifndef UNDERSTUDY_EVENT_CUSTOM_KMS_H
#define UNDERSTUDY_EVENT_CUSTOM_KMS_H

#include "event/custom_parts.h"
#include "event/custom_properties.h"

enum { CUSTOM_MARK_SIZE = 257, CUSTOM_ENTRY_SIZE = 9 };

enum custom_owner {
    CUSTOM_OURS,
    CUSTOM_OUR_STACKS, /* another resource of the stack: it was renamed */
    CUSTOM_ABANDONED,  /* another stack's, which scheduled its deletion: free to be had */
    CUSTOM_ANOTHER_STACKS,
    CUSTOM_NOBODYS
};

struct custom_place {
    struct custom_work *work;
    struct arena arena;
    const struct custom_region *region;
    size_t row;        /* of the result */
    struct tag mark;   /* what we make here bears it; by the look */
    const char *entry; /* of this request in the list */
    /* Of a look: */
    struct kms_key key;
    bool there, primary;
    enum custom_owner owner;
    const char *owner_text; /* the mark that is there */
    const char *requests;   /* the list, "" when there is none */
    bool stale;             /* this request was carried out before, and others since */
    struct error error;
    /* Of the work: */
    const struct kms_source *source;
    const char *key_id;
    enum custom_removal removal;
    bool only_created; /* remove only what a Create made that came to nothing */
    struct kms_outcome outcome;
};

/* The mark of a request's resource: a tag's value has 256 characters, names may be longer. */
/* Names the stack's resource, and the Region and key that it was put on: copied to another replica
 * with the rest of its tags it says nothing. */
void custom_mark(const struct custom_request *request, const char *region, const char *key_id,
                 char out[CUSTOM_MARK_SIZE]);
void custom_entry(const struct custom_request *request, char out[CUSTOM_ENTRY_SIZE]);
/* The list with `entry` at its end; the oldest go when it would be too long. */
const char *custom_requests_add(struct arena *arena, const char *list, const char *entry);

/* Reads only; place->error says what went wrong. */
void custom_place_look(struct custom_place *place, const char *key);
/* After a look. They tell their row. */
void custom_place_ensure(struct custom_place *place);
void custom_place_remove(struct custom_place *place);
void custom_place_say(struct custom_place *place, bool failed, const char *text);

#endif
