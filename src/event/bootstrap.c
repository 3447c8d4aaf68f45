/* bootstrap: understudy as an AWS Lambda function: a custom runtime, started by Lambda. */
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "event/emf.h"
#include "event/invocation.h"
#include "event/lambda_runtime.h"
#include "net/http_client.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* As the command's: a heap for each thread would cost more memory than the threads' work. */
enum { HEAPS = 2, LARGE_BYTES = 64 * 1024, EMF_LIMIT = 1024 * 1024 };

struct program {
    struct arena arena; /* of the process */
    struct lambda_runtime runtime;
    struct function function;
    bool cold;
};

/* What every line of the log says. */
enum { LOG_NAME, LOG_REQUEST, LOG_COLD, LOG_TRACE, LOG_PAIRS };
static struct log_pair log_pairs[LOG_PAIRS + 1] = {
    [LOG_NAME] = {"function_name", NULL, false},
    [LOG_REQUEST] = {"function_request_id", NULL, false},
    [LOG_COLD] = {"cold_start", "true", true},
    [LOG_TRACE] = {"xray_trace_id", NULL, false},
};

/* --- the end ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t idle; /* waits for an event: there is nothing to end in order */
static struct stop *running_stop;

static void on_signal(int number)
{
    (void)number;
    if (idle)
        _exit(0);
    if (running_stop)
        stop_ask(running_stop);
}

static void catch_signals(struct program *program)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    running_stop = &program->function.stop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

/* --- log and metrics -------------------------------------------------------------------------- */

static const char *from_environment(const char *name)
{
    return getenv(name);
}

/* AWS_LAMBDA_LOG_LEVEL is set when the function's log format is JSON; lines are JSON either way. */
static enum log_level wanted_level(void)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"TRACE", LOG_DEBUG}, {"DEBUG", LOG_DEBUG}, {"INFO", LOG_INFO},
        {"WARN", LOG_WARN},   {"ERROR", LOG_ERROR}, {"FATAL", LOG_ERROR},
    };
    const char *wanted = getenv("AWS_LAMBDA_LOG_LEVEL");
    for (size_t i = 0; wanted && i < sizeof levels / sizeof *levels; i++)
        if (strcasecmp(wanted, levels[i].name) == 0)
            return levels[i].level;
    return LOG_INFO;
}

/* The trace's own id, of "Root=1-5e1b...;Parent=...;Sampled=1". */
static const char *trace_root(struct arena *arena, const char *trace)
{
    struct text rest = text_of(trace ? trace : "");
    while (rest.data) {
        struct text part = text_cut(&rest, ';');
        if (part.len > strlen("Root=") && memcmp(part.data, "Root=", strlen("Root=")) == 0)
            return arena_strndup(arena, part.data + strlen("Root="), part.len - strlen("Root="));
    }
    return NULL;
}

static void write_metrics(struct program *program, const struct invocation *invocation,
                          const struct metric_values *before, const char *request_id)
{
    struct metric_values after, added;
    struct clock *clock = program->function.clock;
    const struct emf_context context = {.function_name = log_pairs[LOG_NAME].value,
                                        .request_id = request_id,
                                        .now_ms = clock->now_ms(clock),
                                        .cold_start = program->cold};
    struct buf out;
    metrics_snapshot(&program->function.metrics, &after);
    metric_values_since(before, &after, &added);
    buf_init(&out, EMF_LIMIT);
    emf_write(&out, &context, &added, invocation->lags, invocation->lag_count);
    (void)file_write_all(STDOUT_FILENO, out.data, out.len);
    buf_done(&out);
}

/* --- one invocation --------------------------------------------------------------------------- */

static int report_failure(struct program *program, struct arena *arena,
                          const struct invocation *invocation, const char *request_id,
                          const struct error *why, struct error *err)
{
    const char *type = invocation->error_type ? invocation->error_type : "Understudy.Failed";
    log_event(LOG_ERROR, "the invocation failed", "error_type", type, "reason", why->message, NULL);
    return lambda_runtime_fail(&program->runtime, arena, request_id, type, why->message, err);
}

static int answer(struct program *program, struct arena *arena, struct invocation *invocation,
                  const char *request_id, struct error *err)
{
    struct buf *text = invocation->answer;
    if (text->overflow)
        error_set(err, ERR_LIMIT, "the answer is too large");
    else if (lambda_runtime_answer(&program->runtime, arena, request_id, buf_text(text), text->len,
                                   err) == 0)
        return 0;
    if (err->code != ERR_LIMIT)
        return -1;
    const struct error why = *err;
    return report_failure(program, arena, invocation, request_id, &why, err);
}

static int serve(struct program *program, struct arena *arena, const struct lambda_event *event,
                 struct error *err)
{
    struct metric_values before;
    struct error why = {0};
    struct buf text;
    struct invocation invocation = {.function = &program->function,
                                    .arena = arena,
                                    .deadline_ms = event->deadline_ms,
                                    .answer = &text};
    buf_init(&text, ANSWER_LIMIT);
    log_pairs[LOG_REQUEST].value = event->request_id;
    log_pairs[LOG_COLD].value = program->cold ? "true" : "false";
    log_pairs[LOG_TRACE].value = trace_root(arena, event->trace_id);
    if (event->trace_id)
        setenv("_X_AMZN_TRACE_ID", event->trace_id, 1);
    else
        unsetenv("_X_AMZN_TRACE_ID");
    metrics_snapshot(&program->function.metrics, &before);
    int failed = invocation_run(&invocation, event->payload, &why);
    write_metrics(program, &invocation, &before, event->request_id);
    int result = failed ? report_failure(program, arena, &invocation, event->request_id, &why, err)
                        : answer(program, arena, &invocation, event->request_id, err);
    log_pairs[LOG_REQUEST].value = log_pairs[LOG_TRACE].value = NULL;
    buf_done(&text);
    return result;
}

/* Until the Runtime API fails or the process is told to end. */
static int loop(struct program *program)
{
    struct error err = {0};
    struct arena arena;
    int result = 0;
    arena_init(&arena);
    program->cold = true;
    while (result == 0 && !stop_asked(&program->function.stop)) {
        struct lambda_event event;
        idle = 1;
        result = lambda_runtime_next(&program->runtime, &arena, &event, &err);
        idle = 0;
        if (result == 0)
            result = serve(program, &arena, &event, &err);
        program->cold = false;
        arena_reset(&arena);
    }
    if (result != 0)
        log_event(LOG_ERROR, "the runtime ends", "reason", err.message, NULL);
    arena_done(&arena);
    return result;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static struct transport *open_runtime(struct program *program, struct error *err)
{
    const struct http_client_options options = {.no_proxy = true};
    if (http_client_setup(err) != 0)
        return NULL;
    struct transport *transport = http_client_new(&options, err);
    if (transport && lambda_runtime_init(&program->runtime, &program->arena, transport,
                                         getenv("AWS_LAMBDA_RUNTIME_API"), err) != 0) {
        http_client_free(transport);
        return NULL;
    }
    return transport;
}

/* A configuration that is wrong ends the process before the first event, with the key's name where
 * Lambda's caller sees it; none at all may be right (custom resources need none). */
static int open_function(struct program *program, struct error *err)
{
    const struct function_options options = {.get = from_environment,
                                             .folder = getenv("LAMBDA_TASK_ROOT")};
    struct error ignored = {0};
    if (function_open(&program->function, &options, err) == 0 || err->code == ERR_NOT_FOUND)
        return 0;
    if (lambda_runtime_init_fail(&program->runtime, &program->arena,
                                 "Understudy.ConfigurationInvalid", err->message, &ignored) != 0)
        log_event(LOG_ERROR, "the failure could not be told", "reason", ignored.message, NULL);
    function_close(&program->function);
    return -1;
}

int main(void)
{
    struct program program = {.cold = true};
    struct error err = {0};
    secret_protect_process();
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    json_setup();
    arena_init(&program.arena);
    log_pairs[LOG_NAME].value = getenv("AWS_LAMBDA_FUNCTION_NAME");
    log_setup_lambda(wanted_level(), log_pairs);
    struct transport *transport = open_runtime(&program, &err);
    int result = transport ? open_function(&program, &err) : -1;
    if (result != 0) {
        log_event(LOG_ERROR, "bootstrap does not start", "reason", err.message, NULL);
    } else {
        catch_signals(&program);
        result = loop(&program);
        function_close(&program.function);
    }
    http_client_free(transport);
    arena_done(&program.arena);
    return result == 0 ? EXIT_DONE : EXIT_FAILED;
}
