/* A request of CloudFormation, whatever is in it: when it has a URL that may be written to, it gets
 * exactly one answer of at most 4,096 bytes there; an AWS that refuses everything changes nothing.
 */
#include "base/json.h"
#include "event/custom_parts.h"
#include "event/custom_properties.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

struct world {
    struct transport transport;
    pthread_mutex_t mutex;
    unsigned puts;
};

static void check_answer(const struct http_request *request)
{
    struct error err = {0};
    assert(request->body_len > 0 && request->body_len <= CUSTOM_ANSWER_MOST);
    assert(request->header_count == 0);
    json_t *answer = json_read(request->body, request->body_len, &err);
    assert(answer && json_text(answer, "Status") && *json_text(answer, "Reason"));
    const char *id = json_text(answer, "PhysicalResourceId");
    assert(id && *id && strlen(id) <= CUSTOM_ID_MOST);
    json_decref(answer);
}

static int answer(struct transport *transport, struct arena *arena,
                  const struct http_request *request, struct http_response *response,
                  struct error *err)
{
    struct world *world = (struct world *)transport;
    static const char refused[] = "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}";
    (void)err;
    *response = (struct http_response){.status = 200, .body = arena_strdup(arena, "")};
    if (strcmp(request->method, "PUT") == 0) {
        check_answer(request);
        pthread_mutex_lock(&world->mutex);
        world->puts++;
        pthread_mutex_unlock(&world->mutex);
        return 0;
    }
    response->status = 400;
    response->body = arena_strdup(arena, refused);
    response->body_len = strlen(refused);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AKIAFUZZ",
                                              "AWS_SECRET_ACCESS_KEY=x",
                                              "AWS_REGION=ap-south-1",
                                              "AWS_EC2_METADATA_DISABLED=true",
                                              "AWS_MAX_ATTEMPTS=1",
                                              "HOME=/nonexistent",
                                              NULL};
    struct world world = {.transport = {answer}, .mutex = PTHREAD_MUTEX_INITIALIZER};
    const struct custom_resource_options options = {.transport = &world.transport,
                                                    .environment = environment};
    struct error err = {0};
    struct arena arena;
    json_t *event = json_read((const char *)data, size, NULL);
    json_t *request = event ? custom_resource_find(event) : NULL;
    arena_init(&arena);
    if (request) {
        struct custom_properties properties;
        const json_t *given = json_object_get(request, "ResourceProperties");
        if (json_is_object(given) && custom_properties_read(&arena, given, &properties, &err) == 0)
            assert(properties.region_count > 0 && properties.key);
        error_clear(&err);
        int result = custom_resource_handle(&arena, request, &options, &err);
        assert(world.puts == (result == 0 || world.puts ? 1 : 0));
        assert(result == 0 || *err.message);
    }
    json_decref(request);
    json_decref(event);
    arena_done(&arena);
    return 0;
}
