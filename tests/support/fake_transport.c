#include "support/fake_transport.h"

#include "base/text.h"

#include <string.h>

struct fake_answer {
    struct fake_answer *next;
    const char *words; /* NULL: in order */
    enum error_code failure;
    int status;
    const char *headers, *body;
};

static void append(struct fake_transport *fake, struct fake_answer **list,
                   const struct fake_answer *answer)
{
    pthread_mutex_lock(&fake->mutex);
    while (*list)
        list = &(*list)->next;
    *list = arena_memdup(&fake->arena, answer, sizeof *answer);
    (*list)->words = answer->words ? arena_strdup(&fake->arena, answer->words) : NULL;
    (*list)->headers = arena_strdup(&fake->arena, answer->headers ? answer->headers : "");
    (*list)->body = arena_strdup(&fake->arena, answer->body ? answer->body : "");
    pthread_mutex_unlock(&fake->mutex);
}

static const char *kept(struct fake_transport *fake, const void *data, size_t len)
{
    return data ? arena_strndup(&fake->arena, data, len) : "";
}

static void record(struct fake_transport *fake, const struct http_request *request)
{
    struct fake_request **list = &fake->requests;
    while (*list)
        list = &(*list)->next;
    struct fake_request *kept_request = *list = arena_alloc(&fake->arena, sizeof **list);
    kept_request->method = arena_strdup(&fake->arena, request->method);
    kept_request->url = arena_strdup(&fake->arena, request->url);
    kept_request->body = kept(fake, request->body, request->body_len);
    kept_request->timeout_ms = request->timeout_ms;
    kept_request->header_count = request->header_count;
    kept_request->headers =
        arena_calloc(&fake->arena, request->header_count + 1, sizeof(struct http_header));
    for (size_t i = 0; i < request->header_count; i++)
        kept_request->headers[i] =
            (struct http_header){arena_strdup(&fake->arena, request->headers[i].name),
                                 arena_strdup(&fake->arena, request->headers[i].value)};
    fake->count++;
}

static const struct fake_answer *choose(struct fake_transport *fake,
                                        const struct http_request *request)
{
    const struct fake_answer *first = fake->answers;
    if (first) {
        fake->answers = first->next;
        return first;
    }
    const char *body = kept(fake, request->body, request->body_len);
    const char *whole =
        arena_printf(&fake->arena, "%s %s\n%s", request->method, request->url, body);
    for (const struct fake_answer *at = fake->routes; at; at = at->next)
        if (strstr(whole, at->words))
            return at;
    return NULL;
}

static void copy_headers(struct arena *arena, const char *lines, struct http_response *response)
{
    struct text rest = text_of(lines);
    size_t most = 1;
    for (const char *at = lines; *at; at++)
        most += *at == '\n';
    response->headers = arena_calloc(arena, most, sizeof *response->headers);
    while (rest.data) {
        struct text value = text_cut(&rest, '\n'), name = text_cut(&value, ':');
        if (!value.data)
            continue;
        value = text_trim(value);
        response->headers[response->header_count++] =
            (struct http_header){arena_strndup(arena, name.data, name.len),
                                 arena_strndup(arena, value.data, value.len)};
    }
}

static int fake_send(struct transport *transport, struct arena *arena,
                     const struct http_request *request, struct http_response *response,
                     struct error *err)
{
    struct fake_transport *fake = (struct fake_transport *)transport;
    pthread_mutex_lock(&fake->mutex);
    record(fake, request);
    const struct fake_answer *answer = choose(fake, request);
    pthread_mutex_unlock(&fake->mutex);
    if (fake->on_send)
        fake->on_send(fake->arg, request);
    if (!answer)
        return error_set(err, ERR_IO, "the test has no answer to %s %s", request->method,
                         request->url);
    if (answer->failure)
        return error_set(err, answer->failure, "the test fails %s %s", request->method,
                         request->url);
    *response = (struct http_response){.status = answer->status};
    copy_headers(arena, answer->headers, response);
    response->body = arena_strdup(arena, answer->body);
    response->body_len = strlen(answer->body);
    return 0;
}

void fake_transport_init(struct fake_transport *fake)
{
    *fake = (struct fake_transport){.transport = {fake_send}};
    arena_init(&fake->arena);
    pthread_mutex_init(&fake->mutex, NULL);
}

void fake_transport_done(struct fake_transport *fake)
{
    pthread_mutex_destroy(&fake->mutex);
    arena_done(&fake->arena);
}

void fake_transport_answer(struct fake_transport *fake, int status, const char *headers,
                           const char *body)
{
    append(fake, &fake->answers,
           &(struct fake_answer){.status = status, .headers = headers, .body = body});
}

void fake_transport_fail(struct fake_transport *fake, enum error_code code)
{
    append(fake, &fake->answers, &(struct fake_answer){.failure = code});
}

void fake_transport_route(struct fake_transport *fake, const char *words, int status,
                          const char *headers, const char *body)
{
    append(
        fake, &fake->routes,
        &(struct fake_answer){.words = words, .status = status, .headers = headers, .body = body});
}

void fake_transport_route_fail(struct fake_transport *fake, const char *words, enum error_code code)
{
    append(fake, &fake->routes, &(struct fake_answer){.words = words, .failure = code});
}

const struct fake_request *fake_transport_request(struct fake_transport *fake, unsigned index)
{
    const struct fake_request *at = fake->requests;
    while (at && index--)
        at = at->next;
    return at;
}

const char *fake_request_header(const struct fake_request *request, const char *name)
{
    return request ? http_header_find(request->headers, request->header_count, name) : NULL;
}
