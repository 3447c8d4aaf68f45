#include "net/http_proxy.h"

#include "base/arena.h"
#include "base/digest.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ADDRESS_ROOM = 64 };

/* --- the environment -------------------------------------------------------------------------- */

static char *first_of(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value)
            return memory_strdup(value);
    }
    return NULL;
}

void http_proxies_read(struct http_proxies *proxies, const char *own)
{
    static const char *const http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        NULL};
    static const char *const except[] = {"no_proxy", "NO_PROXY", NULL};
    *proxies = (struct http_proxies){
        .http = first_of(http),
        .https = first_of(https),
        .no_proxy = first_of(except),
        .own = memory_strdup(own),
    };
}

/* It may hold a password. */
static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void http_proxies_done(struct http_proxies *proxies)
{
    wipe(proxies->http);
    wipe(proxies->https);
    free(proxies->no_proxy);
    free(proxies->own);
    *proxies = (struct http_proxies){0};
}

/* --- exceptions ------------------------------------------------------------------------------- */

struct address {
    int family; /* 0: it is a name */
    unsigned char bytes[16];
};

static void read_address(const char *text, struct address *out)
{
    *out = (struct address){0};
    if (inet_pton(AF_INET, text, out->bytes) == 1)
        out->family = AF_INET;
    else if (inet_pton(AF_INET6, text, out->bytes) == 1)
        out->family = AF_INET6;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned rest = bits % 8;
    return memcmp(a, b, bits / 8) == 0 && (!rest || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

/* "192.168.0.0/16", "::1", "169.254.169.254" */
static bool covers_address(struct text entry, const struct address *host)
{
    char text[ADDRESS_ROOM];
    struct address network;
    struct text rest = entry, address = text_cut(&rest, '/');
    unsigned most = host->family == AF_INET ? 32 : 128;
    int64_t bits = most;
    if (address.len >= sizeof text ||
        (rest.data && (text_to_int64(rest.data, rest.len, &bits) != 0 || bits < 0 || bits > most)))
        return false;
    memcpy(text, address.data, address.len);
    text[address.len] = '\0';
    read_address(text, &network);
    return network.family == host->family && same_bits(network.bytes, host->bytes, (unsigned)bits);
}

/* "example.com" and ".example.com" stand for the name and for all below it. */
static bool covers_name(struct text entry, struct text host)
{
    if (entry.len && entry.data[0] == '.')
        entry = (struct text){entry.data + 1, entry.len - 1};
    if (entry.len && entry.data[entry.len - 1] == '.')
        entry.len--;
    if (!entry.len || entry.len > host.len)
        return false;
    const char *tail = host.data + host.len - entry.len;
    return strncasecmp(tail, entry.data, entry.len) == 0 && (tail == host.data || tail[-1] == '.');
}

static bool excepts(const char *list, struct text host, const struct address *address)
{
    static const char between[] = ", \t";
    if (!list)
        return false;
    if (strcmp(list, "*") == 0)
        return true;
    for (list += strspn(list, between); *list; list += strspn(list, between)) {
        struct text entry = {list, strcspn(list, between)};
        if (address->family ? covers_address(entry, address) : covers_name(entry, host))
            return true;
        list += entry.len;
    }
    return false;
}

const char *http_proxy_of(const struct http_proxies *proxies, const struct url *url)
{
    const char *proxy = strcmp(url->scheme, "https") == 0 ? proxies->https : proxies->http;
    struct text host = text_of(url->host);
    char text[ADDRESS_ROOM] = "";
    struct address address;
    if (!proxy)
        return NULL;
    if (host.len > 2 && host.data[0] == '[')
        host = (struct text){host.data + 1, host.len - 2};
    if (host.len && host.data[host.len - 1] == '.')
        host.len--;
    if (host.len < sizeof text)
        memcpy(text, host.data, host.len);
    read_address(text, &address);
    bool excepted =
        excepts(proxies->no_proxy, host, &address) || excepts(proxies->own, host, &address);
    return excepted ? NULL : proxy;
}

/* --- what a proxy is ---------------------------------------------------------------------------*/

static const char *basic(struct arena *arena, CURLU *parsed)
{
    char *user = NULL, *password = NULL;
    const char *result = NULL;
    curl_url_get(parsed, CURLUPART_USER, &user, CURLU_URLDECODE);
    curl_url_get(parsed, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
    if (user || password) {
        const char *both = arena_printf(arena, "%s:%s", user ? user : "", password ? password : "");
        result = arena_printf(arena, "Basic %s", base64_encode(arena, both, strlen(both)));
    }
    if (password)
        explicit_bzero(password, strlen(password));
    curl_free(password);
    curl_free(user);
    return result;
}

bool http_proxy_takes_requests(struct arena *arena, const char *proxy, const char **authorization)
{
    const char *scheme = strstr(proxy, "://");
    bool takes =
        !scheme || text_starts_nocase(proxy, "http://") || text_starts_nocase(proxy, "https://");
    *authorization = NULL;
    if (!takes)
        return false;
    const char *whole = scheme ? proxy : arena_printf(arena, "http://%s", proxy);
    CURLU *parsed = curl_url();
    if (!parsed)
        memory_exhausted(0);
    if (curl_url_set(parsed, CURLUPART_URL, whole, 0) == CURLUE_OK)
        *authorization = basic(arena, parsed);
    curl_url_cleanup(parsed);
    return true;
}
