#include "net/url.h"

#include "base/arena.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

/* A part's text in `arena`; NULL when the URL has none. */
static char *part(struct arena *arena, CURLU *parsed, CURLUPart which)
{
    char *text = NULL;
    if (curl_url_get(parsed, which, &text, 0) != CURLUE_OK)
        return NULL;
    char *copy = arena_strdup(arena, text);
    curl_free(text);
    return copy;
}

static void to_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/* libcurl is generous; these are the forms it would guess about. The text itself is not repeated:
 * it may hold a password, which is one of the reasons to refuse it. */
static const char *refused_form(const char *text)
{
    size_t scheme = text_starts_nocase(text, "http://")    ? 7
                    : text_starts_nocase(text, "https://") ? 8
                                                           : 0;
    if (!scheme)
        return "it must begin with http:// or https://";
    if (!text[scheme] || strchr("/?#:", text[scheme]))
        return "it has no host";
    if (strchr(text, '#'))
        return "it has a fragment (#)";
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return "it has a character that must be percent-encoded";
    return NULL;
}

static int take_port(struct arena *arena, CURLU *parsed, int *port)
{
    const char *text = part(arena, parsed, CURLUPART_PORT);
    int64_t number;
    *port = 0;
    if (!text)
        return 0;
    if (text_to_int64(text, strlen(text), &number) != 0 || number < 1 || number > 65535)
        return -1;
    *port = (int)number;
    return 0;
}

static int take_parts(struct arena *arena, CURLU *parsed, const char *text, struct url *out,
                      struct error *err)
{
    char *scheme = part(arena, parsed, CURLUPART_SCHEME);
    char *host = part(arena, parsed, CURLUPART_HOST);
    if (!scheme || !host || !*host)
        return error_set(err, ERR_INVALID, "the URL is not valid: it has no host");
    if (part(arena, parsed, CURLUPART_ZONEID))
        return error_set(err, ERR_INVALID,
                         "the URL is not valid: zones of addresses are not known");
    if (take_port(arena, parsed, &out->port) != 0)
        return error_set(err, ERR_INVALID, "the URL is not valid: ports are 1 to 65535");
    to_lower(scheme);
    to_lower(host);
    out->scheme = scheme;
    out->host = host;
    out->path = part(arena, parsed, CURLUPART_PATH);
    if (!out->path || !*out->path)
        out->path = "/";
    out->query = part(arena, parsed, CURLUPART_QUERY);
    if (!out->query && strchr(text, '?')) /* libcurl does not tell an empty query from none */
        out->query = "";
    return 0;
}

int url_parse(struct arena *arena, const char *text, struct url *out, struct error *err)
{
    *out = (struct url){0};
    const char *form = refused_form(text);
    if (form)
        return error_set(err, ERR_INVALID, "the URL is not valid: %s", form);
    CURLU *parsed = curl_url();
    if (!parsed)
        memory_exhausted(0);
    CURLUcode code =
        curl_url_set(parsed, CURLUPART_URL, text, CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
    int failed = code == CURLUE_OK ? take_parts(arena, parsed, text, out, err)
                                   : error_set(err, ERR_INVALID, "the URL is not valid: %s",
                                               curl_url_strerror(code));
    curl_url_cleanup(parsed);
    return failed;
}

const char *url_authority(struct arena *arena, const struct url *url)
{
    int usual = strcmp(url->scheme, "https") == 0 ? 443 : 80;
    if (url->port == 0 || url->port == usual)
        return url->host;
    return arena_printf(arena, "%s:%d", url->host, url->port);
}

bool url_is_loopback(const struct url *url)
{
    struct in_addr address;
    if (strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, url->host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

static bool unreserved(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void url_encode(struct buf *out, const char *text, size_t len, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF"; /* upper case: SigV4 asks for it */
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (unreserved(byte) || (byte == '/' && keep_slash)) {
            buf_append_char(out, (char)byte);
        } else {
            char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            buf_append(out, escape, sizeof escape);
        }
    }
}

static int digit(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

int url_decode(struct arena *arena, const char *text, size_t len, bool plus, char **out,
               size_t *out_len)
{
    char *decoded = arena_alloc(arena, len + 1);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = text[i];
        if (byte == '%') {
            if (len - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return -1;
            byte = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (byte == '\0')
            return -1;
        decoded[used++] = byte;
    }
    *out = decoded;
    if (out_len)
        *out_len = used;
    return 0;
}
