/* understudy-local: the local AWS as a program. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "local/sandbox.h"
#include "local/server.h"
#include "version.h"

#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LARGEST_KEYS = 64,
    LARGEST_CREDENTIALS_FILE = 64 * 1024,
    LARGEST_LOOP_COUNT = 64,
    LARGEST_JSON_FILE = 1024 * 1024,
    LARGEST_LATENCY_MS = 600000,
    WANTED_FILES = 4096 + 256
};
enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum {
    OPTION_CREDENTIALS_FILE = 256,
    OPTION_ANY,
    OPTION_TESTING,
    OPTION_LOOPS,
    OPTION_TRAIL_READS,
    OPTION_TRAIL_KEEP,
    OPTION_LATENCY,
    OPTION_FAULTS,
    OPTION_QUOTAS,
    OPTION_WEB_IDENTITY_KEYS
};

const char *argp_program_version = "understudy-local " UNDERSTUDY_VERSION;

static const char doc[] =
    "A local AWS: many accounts, every Region, one port, durable. Signatures and permissions are "
    "really checked."
    "\vThe first start without credentials makes accounts 111111111111 and 222222222222 and writes "
    "an AWS credentials file into the data folder. Credentials given by an option make their "
    "account's administrator, the IAM user \"administrator\"; prefer --credentials-file or the "
    "environment variable UNDERSTUDY_LOCAL_CREDENTIALS (blanks between entries) to --credentials, "
    "which other users of the machine may see for a moment.";

static const struct argp_option options[] = {
    {"data", 'd', "DIR", 0, "Data folder (default: $XDG_DATA_HOME/understudy)", 0},
    {"listen", 'l', "HOST:PORT", 0, "Address to listen on (default: 127.0.0.1:4566)", 0},
    {"credentials", 'c', "AKID:SECRET:ACCOUNT", 0,
     "An access key and its account (may be repeated)", 0},
    {"credentials-file", OPTION_CREDENTIALS_FILE, "FILE", 0,
     "The same, one a line ('#' begins a comment)", 0},
    {"any-credentials", OPTION_ANY, NULL, 0,
     "Let unsigned and unknown callers in: an access key of twelve digits names its account, all "
     "others are in 000000000000",
     0},
    {"trail-reads", OPTION_TRAIL_READS, NULL, 0,
     "Record calls that only read in the trail too (each then costs a write)", 0},
    {"trail-keep", OPTION_TRAIL_KEEP, "N", 0, "Records the trail keeps (default: 50000)", 0},
    {"testing", OPTION_TESTING, NULL, 0,
     "Allow the controls under /_understudy/ (reset, clock, faults)", 0},
    {"latency", OPTION_LATENCY, "MS", 0, "Milliseconds added to every answer", 0},
    {"web-identity-keys", OPTION_WEB_IDENTITY_KEYS, "FILE", 0,
     "Keys of OpenID Connect issuers, JSON: {\"https://issuer\": JWK set}", 0},
    {"faults", OPTION_FAULTS, "FILE", 0, "Rules for what is to befall calls, JSON", 0},
    {"quotas", OPTION_QUOTAS, "aws|none", 0,
     "Throttle calls at AWS's default rates (default: none)", 0},
    {"loops", OPTION_LOOPS, "N", 0, "Threads that serve (default: by the number of CPUs)", 0},
    {0},
};

struct arguments {
    struct arena arena;
    const char *folder, *host;
    struct text faults, web_identity_keys;
    int64_t port, loops, trail_keep, latency_ms;
    bool any_credentials, testing, trail_reads, quotas;
    struct account_key keys[LARGEST_KEYS];
    size_t key_count;
};

static int add_key(struct arguments *arguments, const char *text, struct error *err)
{
    if (arguments->key_count == LARGEST_KEYS)
        return error_set(err, ERR_LIMIT, "more than %d credentials", LARGEST_KEYS);
    struct account_key *key = &arguments->keys[arguments->key_count];
    if (account_key_parse(&arguments->arena, text, key, err) != 0)
        return -1;
    arguments->key_count++;
    return 0;
}

/* Entries between blanks and line ends; '#' begins a comment. */
static int add_keys(struct arguments *arguments, char *text, struct error *err)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *entries = NULL;
        line[strcspn(line, "#")] = '\0';
        for (char *entry = strtok_r(line, " \t\r", &entries); entry;
             entry = strtok_r(NULL, " \t\r", &entries))
            if (add_key(arguments, entry, err) != 0)
                return -1;
    }
    return 0;
}

/* The secret must not stay where ps shows it. */
static int take_credentials(struct arguments *arguments, char *text, struct error *err)
{
    int result = add_key(arguments, text, err);
    char *secret = strchr(text, ':');
    if (secret)
        memset(secret, '*', strlen(secret));
    return result;
}

static int take_listen(struct arguments *arguments, const char *text, struct error *err)
{
    const char *colon = strrchr(text, ':');
    if (!colon || text_to_int64(colon + 1, strlen(colon + 1), &arguments->port) != 0 ||
        arguments->port < 0 || arguments->port > 65535)
        return error_set(err, ERR_INVALID, "--listen wants HOST:PORT, not '%s'", text);
    size_t len = (size_t)(colon - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') { /* [::1]:4566 */
        text++;
        len -= 2;
    }
    arguments->host = arena_strndup(&arguments->arena, text, len);
    return 0;
}

static int take_file(struct arguments *arguments, const char *path, struct error *err)
{
    char *text;
    if (file_read(&arguments->arena, path, LARGEST_CREDENTIALS_FILE, true, &text, NULL, err) != 0)
        return -1;
    return add_keys(arguments, text, err);
}

static int take_number(const char *name, const char *text, int64_t least, int64_t most,
                       int64_t *out, struct error *err)
{
    if (text_to_int64(text, strlen(text), out) == 0 && *out >= least && *out <= most)
        return 0;
    return error_set(err, ERR_INVALID, "--%s wants %lld to %lld", name, (long long)least,
                     (long long)most);
}

static int take_json(struct arguments *arguments, const char *path, struct text *out,
                     struct error *err)
{
    char *text;
    size_t len;
    if (file_read(&arguments->arena, path, LARGEST_JSON_FILE, false, &text, &len, err) != 0)
        return -1;
    *out = (struct text){text, len};
    return 0;
}

static error_t take_option(int key, char *text, struct argp_state *state)
{
    struct arguments *arguments = state->input;
    struct error err = {0};
    int result = 0;
    switch (key) {
    case 'd':
        arguments->folder = text;
        break;
    case 'l':
        result = take_listen(arguments, text, &err);
        break;
    case 'c':
        result = take_credentials(arguments, text, &err);
        break;
    case OPTION_CREDENTIALS_FILE:
        result = take_file(arguments, text, &err);
        break;
    case OPTION_ANY:
        arguments->any_credentials = true;
        break;
    case OPTION_TESTING:
        arguments->testing = true;
        break;
    case OPTION_TRAIL_READS:
        arguments->trail_reads = true;
        break;
    case OPTION_TRAIL_KEEP:
        if (text_to_int64(text, strlen(text), &arguments->trail_keep) != 0 ||
            arguments->trail_keep < 1)
            result = error_set(&err, ERR_INVALID, "--trail-keep wants a number from 1 on");
        break;
    case OPTION_LOOPS:
        result = take_number("loops", text, 1, LARGEST_LOOP_COUNT, &arguments->loops, &err);
        break;
    case OPTION_LATENCY:
        result = take_number("latency", text, 0, LARGEST_LATENCY_MS, &arguments->latency_ms, &err);
        break;
    case OPTION_FAULTS:
        result = take_json(arguments, text, &arguments->faults, &err);
        break;
    case OPTION_WEB_IDENTITY_KEYS:
        result = take_json(arguments, text, &arguments->web_identity_keys, &err);
        break;
    case OPTION_QUOTAS:
        arguments->quotas = strcmp(text, "aws") == 0;
        if (!arguments->quotas && strcmp(text, "none") != 0)
            result = error_set(&err, ERR_INVALID, "--quotas wants aws or none");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if (result != 0)
        argp_error(state, "%s", err.message);
    return 0;
}

static int take_environment(struct arguments *arguments, struct error *err)
{
    static const char name[] = "UNDERSTUDY_LOCAL_CREDENTIALS";
    char *value = getenv(name);
    if (!value)
        return 0;
    char *copy = arena_strdup(&arguments->arena, value);
    explicit_bzero(value, strlen(value)); /* also out of /proc/<pid>/environ */
    unsetenv(name);
    return add_keys(arguments, copy, err);
}

static const char *default_folder(struct arena *arena)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/')
        return arena_printf(arena, "%s/understudy", data);
    return home ? arena_printf(arena, "%s/.local/share/understudy", home) : NULL;
}

/* --- telling the user ------------------------------------------------------------------------- */

static void print_exports(const char *folder, const char *url)
{
    char *absolute = realpath(folder, NULL);
    struct arena scratch;
    arena_init(&scratch);
    const char *path = arena_printf(&scratch, "%s/credentials", absolute ? absolute : folder);
    if (access(path, R_OK) == 0)
        printf("export AWS_SHARED_CREDENTIALS_FILE='%s'\n"
               "export AWS_PROFILE=default   # or 111111111111, 222222222222\n"
               "export AWS_ENDPOINT_URL=%s\n",
               path, url);
    arena_done(&scratch);
    free(absolute);
}

static const char *url_of(struct arena *arena, const char *host, int port)
{
    return strchr(host, ':') ? arena_printf(arena, "http://[%s]:%d", host, port)
                             : arena_printf(arena, "http://%s:%d", host, port);
}

/* --- running ---------------------------------------------------------------------------------- */

static int serve(const struct arguments *arguments, const sigset_t *ends, struct error *err)
{
    const struct server_options server_options = {
        .folder = arguments->folder,
        .host = arguments->host,
        .port = (int)arguments->port,
        .loops = (unsigned)arguments->loops,
        .any_credentials = arguments->any_credentials,
        .testing = arguments->testing,
        .trail_reads = arguments->trail_reads,
        .trail_keep = arguments->trail_keep,
        .quotas = arguments->quotas,
        .latency_ms = arguments->latency_ms,
        .faults = arguments->faults,
        .web_identity_keys = arguments->web_identity_keys,
        .keys = arguments->keys,
        .key_count = arguments->key_count,
    };
    struct server *server = NULL;
    if (server_open(&server_options, &server, err) != 0)
        return -1;
    if (server_start(server, err) != 0) {
        server_close(server);
        return -1;
    }
    struct arena scratch;
    arena_init(&scratch);
    const char *url = url_of(&scratch, arguments->host, server_port(server));
    if (!arguments->key_count)
        print_exports(arguments->folder, url);
    printf("ready %s\n", url);
    fflush(stdout);
    arena_done(&scratch);
    int signal_number;
    while (sigwait(ends, &signal_number) != 0)
        ;
    server_close(server);
    return 0;
}

/* One arena of malloc's is enough for a few threads that allocate little, and keeps memory small.
 */
static void tune_memory(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

/* As many connections as the server admits; the usual limit of 1,024 files would stop it before. */
static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= WANTED_FILES)
        return;
    files.rlim_cur = files.rlim_max < WANTED_FILES ? files.rlim_max : WANTED_FILES;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    static const struct argp parser = {options, take_option, NULL, doc, NULL, NULL, NULL};
    struct arguments arguments = {.host = "127.0.0.1", .port = 4566};
    struct error err = {0};
    sigset_t ends;

    sandbox_main(argv);
    secret_protect_process();
    tune_memory();
    raise_file_limit();
    json_setup();
    /* All times are UTC. libzip asks for the local time of each file, and without TZ the C library
     * would read /etc/localtime again each time. */
    setenv("TZ", "UTC0", 1);
    tzset();
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    /* Blocked before any thread is made, so that only sigwait takes them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    arena_init(&arguments.arena);
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    if (!arguments.folder)
        arguments.folder = default_folder(&arguments.arena);
    int status = EXIT_USAGE;
    if (!arguments.folder)
        error_set(&err, ERR_INVALID, "no data folder: give --data DIR");
    else if (take_environment(&arguments, &err) == 0)
        status = serve(&arguments, &ends, &err) == 0 ? EXIT_SUCCESS : EXIT_FAILED;
    if (status != EXIT_SUCCESS)
        fprintf(stderr, "understudy-local: %s\n", err.message);
    arena_done(&arguments.arena);
    return status;
}
