/* How old the canary's copies are, asked of the places themselves: no daemon is needed. */
#include "engine/scope.h"
#include "event/canary.h"
#include "resource/services.h"

/* Its value is the time of its write. What else stands there is not shown: it may be anything. */
static void take_value(struct canary_place *place, const json_t *answer)
{
    const json_t *one = json_array_get(json_object_get(answer, "Parameters"), 0);
    const json_t *value = json_object_get(one, "Value");
    if (!one) {
        place->missing = true;
        place->reason = "there is none";
    } else if (!json_is_string(value) ||
               clock_parse_iso(json_string_value(value), json_string_length(value),
                               &place->written_ms) != 0) {
        place->written_ms = 0;
        place->reason = "it holds no time: understudy has not written it";
    }
}

static void read_place(struct arena *arena, const struct config_side *side,
                       struct sessions *sessions, const struct session_options *seams,
                       struct canary_place *place)
{
    struct error why = {0};
    struct session *session = sessions_get(sessions, side, seams, &why);
    struct aws_client *client =
        session ? session_client(session, &service_ssm, side->region, true, &why) : NULL;
    /* A copy may be a SecureString (`type` of the configuration). */
    json_t *in =
        client ? json_pack("{s:[s],s:b}", "Names", place->name, "WithDecryption", 1) : NULL;
    json_t *answer = NULL;
    if (in && aws_call(client, arena, &operation_ssm_get_parameters, in, &answer, &why) == 0)
        take_value(place, answer);
    else
        place->reason = arena_strdup(arena, why.message);
    json_decref(in);
    json_decref(answer);
}

static struct canary_place *add(struct canary_view *view, const struct config_side *side,
                                const char *name)
{
    struct canary_place *place = &view->items[view->count++];
    *place = (struct canary_place){.region = side->region,
                                   .account = side->account,
                                   .name = name,
                                   .behind_ms = -1};
    return place;
}

static void look_at(struct arena *arena, const struct config *config, const char *name,
                    struct sessions *sessions, const struct session_options *seams,
                    struct canary_view *view)
{
    struct scope scope;
    struct canary_place *source = add(view, &config->source, name);
    source->source = true;
    read_place(arena, &config->source, sessions, seams, source);
    scope_init(&scope, arena, config);
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct config_side *side = &config->destinations[i];
        struct canary_place *copy = add(view, side, scope_target(&scope, arena, name));
        read_place(arena, side, sessions, seams, copy);
        /* One that is newer was written after the source was read. */
        if (source->written_ms && copy->written_ms)
            copy->behind_ms =
                source->written_ms > copy->written_ms ? source->written_ms - copy->written_ms : 0;
    }
}

int canary_look(struct arena *arena, const struct config_set *set, const char *name,
                struct sessions *sessions, const struct session_options *seams,
                struct canary_view *out, struct error *err)
{
    struct clock *clock = seams->clock ? seams->clock : clock_system();
    size_t most = 0;
    for (size_t i = 0; i < set->count; i++)
        most += 1 + set->items[i].destination_count;
    *out = (struct canary_view){.items = arena_calloc(arena, most, sizeof *out->items)};
    for (size_t i = 0; i < set->count; i++)
        if (canary_carried(arena, set, &set->items[i], name))
            look_at(arena, &set->items[i], name, sessions, seams, out);
    out->now_ms = clock->now_ms(clock);
    if (!out->count)
        return error_set(err, ERR_INVALID, "no replication carries %s from %s", name,
                         set->items[0].source.region);
    return 0;
}
