#include "net/http_line.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LOOK_MS = 1000 }; /* how often a stop is asked, also when nothing moves */

int http_due_left(const struct http_due *due)
{
    struct clock *clock = clock_system();
    int64_t left_ms = due->at_ms - clock->monotonic_ms(clock);
    int64_t stop_ms = stop_left_ms(due->stop);
    if (stop_ms < left_ms)
        left_ms = stop_ms;
    return left_ms <= 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
}

/* --- libcurl's side ----------------------------------------------------------------------------
 */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* What a proxy says besides its answer to CONNECT is nobody's business. */
static size_t pass_over(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static CURL *new_easy(struct http_lines *lines)
{
    const struct http_line_options *options = lines->options;
    CURL *easy = curl_easy_init();
    if (!easy)
        memory_exhausted(0);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, lines->error);
    curl_easy_setopt(easy, CURLOPT_SHARE, options->share);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* http_proxy has decided */
    /* Nothing is trusted but what `trust` brings. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, options->trust);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, options->trust_arg);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    return easy;
}

void http_lines_init(struct http_lines *lines, const struct http_line_options *options)
{
    *lines = (struct http_lines){.options = options, .multi = curl_multi_init()};
    if (!lines->multi)
        memory_exhausted(0);
    for (size_t i = 0; i < HTTP_LINES; i++)
        lines->lines[i].socket = CURL_SOCKET_BAD;
}

/* libcurl closes the connection of a handle that leaves. */
void http_line_close(struct http_lines *lines, struct http_line *line)
{
    if (line->easy)
        curl_multi_remove_handle(lines->multi, line->easy);
    arena_done(&line->arena);
    *line = (struct http_line){.easy = line->easy, .socket = CURL_SOCKET_BAD};
}

void http_lines_done(struct http_lines *lines)
{
    for (size_t i = 0; i < HTTP_LINES; i++) {
        http_line_close(lines, &lines->lines[i]);
        curl_easy_cleanup(lines->lines[i].easy);
    }
    curl_multi_cleanup(lines->multi);
}

/* --- connecting --------------------------------------------------------------------------------
 */

static CURLcode result_of(CURLM *multi)
{
    int left;
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    return message ? message->data.result : CURLE_OUT_OF_MEMORY;
}

static CURLcode connect_line(struct http_lines *lines, struct http_line *line,
                             const struct http_due *due)
{
    int running = 1, left_ms = http_due_left(due);
    lines->error[0] = '\0';
    curl_easy_setopt(line->easy, CURLOPT_URL, line->origin);
    curl_easy_setopt(line->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)due->connect_ms);
    curl_easy_setopt(line->easy, CURLOPT_TIMEOUT_MS, left_ms ? (long)left_ms : 1L);
    if (curl_multi_add_handle(lines->multi, line->easy) != CURLM_OK)
        memory_exhausted(0);
    for (;;) {
        if (curl_multi_perform(lines->multi, &running) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (!running)
            break;
        if (http_due_left(due) == 0)
            return CURLE_OPERATION_TIMEDOUT;
        curl_multi_poll(lines->multi, NULL, 0, LOOK_MS, NULL);
    }
    CURLcode code = result_of(lines->multi);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(line->easy, CURLINFO_ACTIVESOCKET, &line->socket);
    return code;
}

/* Who is to be connected to, and how requests are written to it. */
static CURLcode aim(struct http_lines *lines, struct http_line *line, const char *url,
                    size_t origin_len)
{
    struct url parsed;
    struct error problem;
    line->origin = arena_strndup(&line->arena, url, origin_len);
    line->origin_len = origin_len;
    if (url_parse(&line->arena, line->origin, &parsed, &problem) != 0) {
        snprintf(lines->error, sizeof lines->error, "%s", problem.message);
        return CURLE_URL_MALFORMAT;
    }
    const char *proxy = http_proxy_of(lines->options->proxies, &parsed);
    line->host = url_authority(&line->arena, &parsed);
    if (proxy && strcmp(parsed.scheme, "http") == 0)
        line->whole_url = http_proxy_takes_requests(&line->arena, proxy, &line->authorization);
    curl_easy_setopt(line->easy, CURLOPT_PROXY, proxy ? proxy : "");
    return CURLE_OK;
}

/* Has the other side closed it, or said something that nobody asked for? */
static bool is_dead(struct http_line *line)
{
    struct pollfd ready = {.fd = line->socket, .events = POLLIN};
    char byte;
    size_t received;
    if (poll(&ready, 1, 0) == 0)
        return false;
    return http_line_receive(line, &byte, 1, &received) != CURLE_AGAIN; /* of TLS alone */
}

static struct http_line *find(struct http_lines *lines, const char *url, size_t origin_len)
{
    for (size_t i = 0; i < HTTP_LINES; i++) {
        struct http_line *line = &lines->lines[i];
        if (line->socket != CURL_SOCKET_BAD && line->origin_len == origin_len &&
            memcmp(line->origin, url, origin_len) == 0)
            return line;
    }
    return NULL;
}

static struct http_line *least_used(struct http_lines *lines)
{
    struct http_line *least = &lines->lines[0];
    for (size_t i = 1; i < HTTP_LINES; i++)
        if (lines->lines[i].used < least->used)
            least = &lines->lines[i];
    return least;
}

struct http_line *http_line_take(struct http_lines *lines, const char *url, size_t origin_len,
                                 const struct http_due *due, CURLcode *why)
{
    struct http_line *line = find(lines, url, origin_len);
    *why = CURLE_OK;
    if (!line || is_dead(line)) {
        if (!line)
            line = least_used(lines);
        http_line_close(lines, line);
        arena_init(&line->arena);
        if (!line->easy)
            line->easy = new_easy(lines);
        *why = aim(lines, line, url, origin_len);
        if (*why == CURLE_OK)
            *why = connect_line(lines, line, due);
        if (*why != CURLE_OK) {
            http_line_close(lines, line);
            return NULL;
        }
    }
    line->used = ++lines->uses;
    return line;
}

/* --- bytes -------------------------------------------------------------------------------------
 */

CURLcode http_line_send(struct http_line *line, const char *data, size_t len, size_t *sent)
{
    *sent = 0;
    return curl_easy_send(line->easy, data, len, sent);
}

CURLcode http_line_receive(struct http_line *line, char *data, size_t room, size_t *received)
{
    *received = 0;
    return curl_easy_recv(line->easy, data, room, received);
}

CURLcode http_line_wait(const struct http_line *line, bool to_send, const struct http_due *due)
{
    short events = to_send ? POLLIN | POLLOUT : POLLIN;
    struct pollfd ready = {.fd = line->socket, .events = events};
    for (;;) {
        int left_ms = http_due_left(due);
        if (left_ms == 0)
            return CURLE_OPERATION_TIMEDOUT;
        if (poll(&ready, 1, due->stop && left_ms > LOOK_MS ? LOOK_MS : left_ms) > 0)
            return CURLE_OK;
    }
}
