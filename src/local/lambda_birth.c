#include "local/lambda_pool_parts.h"

#include "base/digest.h"
#include "base/log.h"
#include "local/lambda_platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128, LARGEST_ENVIRONMENT = 64 };

/* --- environment ------------------------------------------------------------------------------ */

struct environment {
    struct arena *arena;
    const char *const *own; /* the function's */
    const char **list;
    size_t count, own_count;
};

static bool has_own(const struct environment *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->own_count; i++)
        if (strncmp(env->own[i], name, len) == 0 && env->own[i][len] == '=')
            return true;
    return false;
}

static void add(struct environment *env, const char *name, const char *value)
{
    env->list[env->count++] = arena_printf(env->arena, "%s=%s", name, value);
}

/* What a function may set itself. */
static void add_unless_own(struct environment *env, const char *name, const char *value)
{
    if (!has_own(env, name))
        add(env, name, value);
}

static void add_places(struct environment *env, const char *root)
{
    add(env, "LAMBDA_TASK_ROOT", root);
    add(env, "LAMBDA_RUNTIME_DIR", "/var/runtime");
    add_unless_own(env, "PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin");
    add_unless_own(env, "LANG", "en_US.UTF-8");
    add_unless_own(env, "TZ", ":UTC");
    add_unless_own(env, "LD_LIBRARY_PATH",
                   arena_printf(env->arena,
                                "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:%s:%s/lib:"
                                "/opt/lib",
                                root, root));
}

/* As Lambda gives it (A2); AWS_ENDPOINT_URL is ours, so that functions find this server. */
static const char *const *make_environment(struct process *process,
                                           const struct lambda_start *start,
                                           const struct lambda_credentials *keys, int port)
{
    struct environment env = {.arena = &process->arena, .own = start->environment};
    while (env.own && env.own[env.own_count])
        env.own_count++;
    env.list = arena_calloc(env.arena, env.own_count + LARGEST_ENVIRONMENT, sizeof *env.list);
    add_places(&env, process->package->path);
    add(&env, "_HANDLER", start->handler);
    add(&env, "AWS_REGION", start->region);
    add(&env, "AWS_DEFAULT_REGION", start->region);
    add(&env, "AWS_LAMBDA_FUNCTION_NAME", start->name);
    add(&env, "AWS_LAMBDA_FUNCTION_VERSION", start->version);
    add(&env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", arena_printf(env.arena, "%u", start->memory_mb));
    add(&env, "AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    add(&env, "AWS_LAMBDA_LOG_GROUP_NAME", start->log_group);
    add(&env, "AWS_LAMBDA_LOG_STREAM_NAME", process->stream);
    add(&env, "AWS_LAMBDA_LOG_FORMAT", start->logging.json ? "JSON" : "Text");
    if (start->logging.json)
        add(&env, "AWS_LAMBDA_LOG_LEVEL", lambda_log_level_name(start->logging.application));
    add(&env, "AWS_LAMBDA_RUNTIME_API", arena_printf(env.arena, "127.0.0.1:%d", port));
    add(&env, "AWS_ACCESS_KEY_ID", keys->access_key);
    add(&env, "AWS_SECRET_ACCESS_KEY", keys->secret);
    add(&env, "AWS_SESSION_TOKEN", keys->token);
    if (process->pool->endpoint_url)
        add_unless_own(&env, "AWS_ENDPOINT_URL", process->pool->endpoint_url);
    for (size_t i = 0; i < env.own_count; i++) /* last: the first of a name counts */
        env.list[env.count++] = env.own[i];
    return env.list;
}

/* --- a port of its own ------------------------------------------------------------------------ */

static int open_port(struct process *process, int *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof name;
    process->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (process->listen_fd < 0 ||
        bind(process->listen_fd, (struct sockaddr *)&name, sizeof name) != 0 ||
        listen(process->listen_fd, BACKLOG) != 0 ||
        getsockname(process->listen_fd, (struct sockaddr *)&name, &len) != 0)
        return -1;
    *port = ntohs(name.sin_port);
    return lambda_pool_watch(process->pool, process->listen_fd, process, WATCH_LISTEN);
}

/* --- why not ---------------------------------------------------------------------------------- */

/* Not the function's fault: Invoke itself fails. */
static int fail_invoke(struct process *process, struct lambda_answer *answer, const char *code,
                       const char *message)
{
    answer->code = code;
    answer->message = arena_strdup(&process->arena, message);
    return -1;
}

static int fail_internal(struct process *process, struct lambda_answer *answer,
                         const struct error *err)
{
    log_event(LOG_WARN, "a function was not started", "function", process->function_arn, "cause",
              err->message, NULL);
    return fail_invoke(process, answer, "ServiceException",
                       "The service encountered an internal error.");
}

static int fail_entry(struct process *process, const char *message)
{
    static const char type[] = "Runtime.InvalidEntrypoint";
    lambda_runtime_failure(&process->reply, type, process->invocation->request_id, message);
    memcpy(process->error_type, type, sizeof type);
    process->end = LAMBDA_NOT_STARTED;
    return -1;
}

/* As Go words the errors of exec. */
static int fail_exec(struct process *process, int problem)
{
    char message[128];
    const char *why = problem == EACCES    ? "permission denied"
                      : problem == ENOEXEC ? "exec format error"
                      : problem == ENOENT  ? "no such file or directory"
                                           : strerrordesc_np(problem);
    snprintf(message, sizeof message, "fork/exec /var/task/bootstrap: %s",
             why ? why : "unknown error");
    return fail_entry(process, message);
}

/* --- starting --------------------------------------------------------------------------------- */

/* Of the day, the version, and this process. */
static void name_stream(struct process *process)
{
    unsigned char bytes[16];
    char hex[33], time[CLOCK_TEXT_SIZE];
    random_bytes(process->pool->options.random, bytes, sizeof bytes);
    digest_hex(bytes, sizeof bytes, hex);
    clock_format_iso(lambda_shown_ms(process->pool), time);
    snprintf(process->stream, sizeof process->stream, "%.4s/%.2s/%.2s/[%s]%s", time, time + 5,
             time + 8, process->version, hex);
}

static int take_package(struct process *process, struct lambda_answer *answer)
{
    struct error err = {0};
    const struct lambda_start *start = &process->invocation->start;
    process->package =
        lambda_packages_take(process->pool->packages, start->code_sha256, start->zip, &err);
    if (process->package)
        return 0;
    return fail_internal(process, answer, &err);
}

static int take_credentials(struct process *process, struct lambda_answer *answer,
                            struct lambda_credentials *keys)
{
    const struct lambda_pool_host *host = &process->pool->options.host;
    struct error err = {0};
    if (host->credentials(host->arg, &process->arena, &process->invocation->start, keys, &err) == 0)
        return 0;
    if (err.code == ERR_DENIED)
        return fail_invoke(process, answer, "AccessDeniedException",
                           "The role defined for the function cannot be assumed by Lambda.");
    return fail_internal(process, answer, &err);
}

int process_start(struct process *process, struct lambda_answer *answer)
{
    struct lambda_pool *pool = process->pool;
    struct lambda_credentials keys;
    struct error err = {0};
    int port = 0, problem;
    name_stream(process);
    if (take_package(process, answer) != 0 || take_credentials(process, answer, &keys) != 0)
        return -1;
    process->credentials_end_ms = keys.expires_ms;
    if (!process->package->has_program)
        return fail_entry(process,
                          "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
    if (!process->package->may_run)
        return fail_exec(process, EACCES);
    if (open_port(process, &port) != 0) {
        error_errno(&err, errno, "cannot listen for a function's runtime");
        return fail_internal(process, answer, &err);
    }
    const struct sandbox_start start = {
        .program = arena_printf(&process->arena, "%s/bootstrap", process->package->path),
        .folder = process->package->path,
        .environment = make_environment(process, &process->invocation->start, &keys, port),
    };
    if (!pool->watch && !(pool->watch = sandbox_watch_new(&err)))
        return fail_internal(process, answer, &err);
    process->started_us = lambda_now_us();
    lambda_platform_init_start(&process->output, lambda_shown_ms(pool),
                               process->invocation->start.name, process->version);
    if (sandbox_start(pool->watch, &start, &process->sandbox, &problem, &err) != 0)
        return problem ? fail_exec(process, problem) : fail_internal(process, answer, &err);
    if (lambda_pool_watch(pool, process->sandbox.pid_fd, process, WATCH_EXIT) == 0 &&
        lambda_pool_watch(pool, process->sandbox.output_fd, process, WATCH_OUTPUT) == 0)
        return 0;
    error_errno(&err, errno, "cannot watch a function's process");
    return fail_internal(process, answer, &err);
}
