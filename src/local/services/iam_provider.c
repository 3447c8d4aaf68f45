#include "local/services/iam_parts.h"

#include <ctype.h>
#include <string.h>

/* A provider's document: {"clients": [...], "thumbprints": [...]}. */

enum { MOST_CLIENTS = 100, MOST_THUMBPRINTS = 5 };

static const char scheme[] = "https://";

static enum local_result invalid(struct local_call *call, const char *message)
{
    return local_fail_status(call, 400, "InvalidInput", "%s", message);
}

/* The URL without its scheme, which names the provider; NULL: none that AWS takes. */
static const char *name_of(const char *url)
{
    if (!text_starts(url, scheme))
        return NULL;
    const char *name = url + sizeof scheme - 1;
    bool plain = strpbrk(name, "?# @%:") == NULL; /* no query, no port */
    return plain && *name && *name != '/' && strstr(name, "//") == NULL ? name : NULL;
}

const char *const *iam_provider_resources(struct local_call *call)
{
    const char *url = local_text(call, "Url"), *name = name_of(url);
    const char **arns = arena_calloc(call->arena, 2, sizeof *arns);
    arns[0] = local_shown(call, arena_printf(call->arena, "arn:aws:iam::%s:oidc-provider/%s",
                                             call->account, name ? name : url));
    return arns;
}

static bool is_thumbprint(const char *text)
{
    return strlen(text) == 40 && strspn(text, "0123456789abcdefABCDEF") == 40;
}

static enum local_result check_lists(struct local_call *call, const json_t *clients,
                                     const json_t *thumbprints)
{
    if (json_array_size(clients) > MOST_CLIENTS)
        return iam_exceeds(call, "ClientIdsPerOpenIdConnectProvider", MOST_CLIENTS);
    if (json_array_size(thumbprints) > MOST_THUMBPRINTS)
        return invalid(call, "Thumbprint list must contain fewer than 5 entries.");
    for (size_t i = 0; i < json_array_size(thumbprints); i++)
        if (!is_thumbprint(json_string_value(json_array_get(thumbprints, i))))
            return invalid(call, "Thumbprint must be 40 hexadecimal characters.");
    return LOCAL_OK;
}

static char *document_of(struct local_call *call, const json_t *clients, const json_t *thumbprints)
{
    struct buf text;
    struct json_writer writer;
    buf_init(&text, 256 * 1024);
    json_writer_init(&writer, &text);
    json_open(&writer);
    json_key(&writer, "clients");
    if (clients)
        json_write_value(&writer, clients);
    else
        json_write_raw(&writer, "[]", 2);
    json_key(&writer, "thumbprints");
    if (thumbprints)
        json_write_value(&writer, thumbprints);
    else
        json_write_raw(&writer, "[]", 2);
    json_close(&writer);
    char *copy = arena_strdup(call->arena, buf_text(&text));
    buf_done(&text);
    return copy;
}

static void store_document(struct local_call *call, const struct iam_entity *provider,
                           const json_t *document)
{
    store_run(call->store, "UPDATE iam_entities SET document = $1 WHERE id = $2", "tt",
              document_of(call, json_object_get(document, "clients"),
                          json_object_get(document, "thumbprints")),
              provider->id);
}

enum local_result iam_create_provider(struct local_call *call)
{
    const char *name = name_of(local_text(call, "Url"));
    const json_t *clients = local_value(call, "ClientIDList");
    const json_t *thumbprints = local_value(call, "ThumbprintList");
    struct iam_entity made;
    if (!name)
        return local_fail_status(call, 400, "ValidationError",
                                 "Invalid Open ID Connect Provider "
                                 "URL");
    enum local_result result = check_lists(call, clients, thumbprints);
    if (result == LOCAL_OK)
        result = iam_new_entity(call, &iam_oidc_provider, name, &made);
    if (result != LOCAL_OK)
        return result;
    made.document = document_of(call, clients, thumbprints);
    iam_entity_insert(call->store, call->arena, &made, false);
    json_put_text(call->out, "OpenIDConnectProviderArn",
                  local_shown(call, iam_entity_arn(call->arena, &made)));
    iam_put_tags(call, made.tags);
    return LOCAL_OK;
}

static enum local_result asked(struct local_call *call, struct iam_entity *provider,
                               json_t **document)
{
    enum local_result result = iam_asked(call, provider);
    if (result == LOCAL_OK)
        *document = json_read(provider->document, strlen(provider->document), NULL);
    return result;
}

enum local_result iam_get_provider(struct local_call *call)
{
    struct iam_entity provider;
    json_t *document;
    enum local_result result = asked(call, &provider, &document);
    if (result != LOCAL_OK)
        return result;
    json_put_text(call->out, "Url", provider.name);
    json_key(call->out, "ClientIDList");
    json_write_value(call->out, json_object_get(document, "clients"));
    json_key(call->out, "ThumbprintList");
    json_write_value(call->out, json_object_get(document, "thumbprints"));
    local_put_time(call, "CreateDate", provider.created_ms);
    iam_put_tags(call, provider.tags);
    json_decref(document);
    return LOCAL_OK;
}

enum local_result iam_list_providers(struct local_call *call)
{
    struct store_rows rows;
    json_key(call->out, "OpenIDConnectProviderList");
    json_open_list(call->out);
    store_query(call->store, &rows,
                "SELECT " IAM_ENTITY_COLUMNS " FROM iam_entities "
                "WHERE account = $1 AND kind = $2 ORDER BY name_key",
                "tt", call->account, iam_oidc_provider.name);
    while (store_next(&rows)) {
        struct iam_entity provider;
        iam_entity_read(call->arena, &rows, &provider);
        json_open(call->out);
        json_put_text(call->out, "Arn", local_shown(call, iam_entity_arn(call->arena, &provider)));
        json_close(call->out);
    }
    store_end(&rows);
    json_close_list(call->out);
    return LOCAL_OK;
}

static size_t position_of(const json_t *list, const char *text)
{
    size_t i = 0;
    while (i < json_array_size(list) &&
           strcmp(json_string_value(json_array_get(list, i)), text) != 0)
        i++;
    return i;
}

/* Both are fine again. */
static enum local_result change_client(struct local_call *call, bool add)
{
    struct iam_entity provider;
    json_t *document;
    const char *client = local_text(call, "ClientID");
    enum local_result result = asked(call, &provider, &document);
    if (result != LOCAL_OK)
        return result;
    json_t *clients = json_object_get(document, "clients");
    size_t at = position_of(clients, client);
    bool there = at < json_array_size(clients);
    if (add && !there)
        json_array_append_new(clients, json_string(client));
    else if (!add && there)
        json_array_remove(clients, at);
    result = check_lists(call, clients, NULL);
    if (result == LOCAL_OK)
        store_document(call, &provider, document);
    json_decref(document);
    return result;
}

enum local_result iam_add_client_id(struct local_call *call)
{
    return change_client(call, true);
}

enum local_result iam_remove_client_id(struct local_call *call)
{
    return change_client(call, false);
}

enum local_result iam_update_thumbprint(struct local_call *call)
{
    struct iam_entity provider;
    json_t *document;
    json_t *thumbprints = (json_t *)local_value(call, "ThumbprintList");
    enum local_result result = check_lists(call, NULL, thumbprints);
    if (result == LOCAL_OK)
        result = asked(call, &provider, &document);
    if (result != LOCAL_OK)
        return result;
    json_object_set(document, "thumbprints", thumbprints);
    store_document(call, &provider, document);
    json_decref(document);
    return LOCAL_OK;
}

bool iam_provider_find(struct store_session *store, struct arena *arena, const char *account,
                       const char *url, struct iam_provider *out)
{
    struct iam_entity provider;
    *out = (struct iam_provider){0};
    if (!iam_entity_find(store, arena, account, &iam_oidc_provider, url, &provider))
        return false;
    out->arn = iam_entity_arn(arena, &provider);
    out->document = json_read(provider.document, strlen(provider.document), NULL);
    out->clients = json_object_get(out->document, "clients");
    return true;
}
