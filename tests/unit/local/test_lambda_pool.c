#include "local/lambda_pool.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "local/lambda_package.h"
#include "local/sandbox.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

static const char id[] = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
static char folder[64];
static char *probe; /* the zip of tests/support/lambda_probe */
static size_t probe_len;

/* --- packages --------------------------------------------------------------------------------- */

struct file {
    const char *name, *content;
    size_t len; /* 0: strlen */
    unsigned mode;
};

/* To be freed. */
static char *make_zip(const struct file *files, size_t count, size_t *len)
{
    zip_error_t problem;
    zip_stat_t stat;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &problem);
    zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &problem);
    assert_non_null(zip);
    zip_source_keep(source);
    for (size_t i = 0; i < count; i++) {
        size_t size = files[i].len ? files[i].len : strlen(files[i].content);
        zip_source_t *content = zip_source_buffer(zip, files[i].content, size, 0);
        zip_int64_t index = zip_file_add(zip, files[i].name, content, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        zip_file_set_external_attributes(zip, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX,
                                         files[i].mode << 16);
    }
    assert_int_equal(zip_close(zip), 0);
    zip_source_stat(source, &stat);
    char *data = memory_alloc(stat.size);
    assert_int_equal(zip_source_open(source), 0);
    assert_int_equal(zip_source_read(source, data, stat.size), (int)stat.size);
    zip_source_close(source);
    zip_source_free(source);
    *len = stat.size;
    return data;
}

static char *read_program(size_t *len)
{
    const char *path = getenv("LAMBDA_PROBE");
    assert_non_null(path);
    int fd = open(path, O_RDONLY);
    struct stat stat_;
    assert_int_equal(fstat(fd, &stat_), 0);
    char *data = memory_alloc((size_t)stat_.st_size);
    assert_int_equal(read(fd, data, (size_t)stat_.st_size), stat_.st_size);
    close(fd);
    *len = (size_t)stat_.st_size;
    return data;
}

static int prepare(void **state)
{
    size_t len;
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test-lambda-XXXXXX");
    assert_non_null(mkdtemp(folder));
    char *program = read_program(&len);
    probe = make_zip(&(struct file){"bootstrap", program, len, S_IFREG | 0755}, 1, &probe_len);
    free(program);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    lambda_folder_remove(folder);
    free(probe);
    return 0;
}

/* --- a pool and who asks it ------------------------------------------------------------------- */

struct host {
    struct lambda_pool *pool;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct buf log, streams;
    unsigned done, credentials;
    bool denied;
    int64_t expires_ms;
};

struct answer {
    struct host *host;
    bool done;
    enum lambda_end end;
    char *payload, *tail;
    char code[64];
    int64_t billed_ms;
};

static int give_credentials(void *arg, struct arena *arena, const struct lambda_start *start,
                            struct lambda_credentials *out, struct error *err)
{
    struct host *host = arg;
    (void)arena;
    (void)start;
    pthread_mutex_lock(&host->mutex);
    host->credentials++;
    *out = (struct lambda_credentials){"ASIATEST", "secret", "token", host->expires_ms};
    bool denied = host->denied;
    pthread_mutex_unlock(&host->mutex);
    return denied ? error_set(err, ERR_DENIED, "no") : 0;
}

static void take_log(void *arg, const struct lambda_log *log)
{
    struct host *host = arg;
    pthread_mutex_lock(&host->mutex);
    for (size_t i = 0; i < log->count; i++)
        buf_append(&host->log, log->lines[i].text.data, log->lines[i].text.len);
    buf_printf(&host->streams, "%s %s\n", log->group, log->stream);
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->mutex);
}

static void open_pool(struct host *host, const struct lambda_pool_options *like)
{
    struct lambda_pool_options options = like ? *like : (struct lambda_pool_options){0};
    struct error err;
    char path[128];
    *host = (struct host){.expires_ms = INT64_MAX};
    pthread_mutex_init(&host->mutex, NULL);
    pthread_cond_init(&host->changed, NULL);
    buf_init(&host->log, 16 << 20);
    buf_init(&host->streams, 1 << 20);
    snprintf(path, sizeof path, "%s/pool", folder);
    options.folder = path;
    options.host = (struct lambda_pool_host){host, give_credentials, take_log};
    host->pool = lambda_pool_new(&options, &err);
    assert_non_null(host->pool);
    assert_int_equal(lambda_pool_start(host->pool, "http://127.0.0.1:4566", &err), 0);
}

static void close_pool(struct host *host)
{
    char path[128];
    lambda_pool_free(host->pool);
    snprintf(path, sizeof path, "%s/pool", folder);
    assert_int_equal(access(path, F_OK), -1);
    buf_done(&host->log);
    buf_done(&host->streams);
    pthread_cond_destroy(&host->changed);
    pthread_mutex_destroy(&host->mutex);
}

static char *copy(struct text text)
{
    char *out = memory_alloc(text.len + 1);
    if (text.len)
        memcpy(out, text.data, text.len);
    return out;
}

static void note_done(void *arg, const struct lambda_answer *answer)
{
    struct answer *out = arg;
    struct host *host = out->host;
    pthread_mutex_lock(&host->mutex);
    out->end = answer->end;
    out->payload = copy(answer->payload);
    out->tail = copy(answer->log_tail);
    out->billed_ms = answer->billed_ms;
    snprintf(out->code, sizeof out->code, "%s", answer->code ? answer->code : "");
    out->done = true;
    host->done++;
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->mutex);
}

static struct lambda_start start_of(const char *name)
{
    static char arns[8][96];
    static unsigned used;
    char *arn = arns[used++ % 8];
    snprintf(arn, sizeof arns[0], "arn:aws:lambda:eu-west-1:111111111111:function:%s", name);
    return (struct lambda_start){
        .key = arn,
        .function_arn = arn,
        .name = name,
        .version = "$LATEST",
        .account = "111111111111",
        .region = "eu-west-1",
        .role_arn = "arn:aws:iam::111111111111:role/run",
        .handler = "a.handler",
        .log_group = "/aws/lambda/probe",
        .code_sha256 = "probe/1=",
        .timeout_ms = 10000,
        .memory_mb = 512,
        .zip = {probe, probe_len},
    };
}

static void begin(struct host *host, const struct lambda_start *start, const char *event,
                  struct answer *out)
{
    struct error err;
    *out = (struct answer){.host = host};
    assert_int_equal(lambda_pool_invoke(host->pool, start, id, text_of(event), note_done, out,
                                        &err),
                     0);
}

static void wait_for(struct answer *out)
{
    pthread_mutex_lock(&out->host->mutex);
    while (!out->done)
        pthread_cond_wait(&out->host->changed, &out->host->mutex);
    pthread_mutex_unlock(&out->host->mutex);
}

static void forget(struct answer *answer)
{
    free(answer->payload);
    free(answer->tail);
}

/* What a function answered; to be freed. */
static char *ask(struct host *host, const struct lambda_start *start, const char *event,
                 enum lambda_end end)
{
    struct answer answer;
    begin(host, start, event, &answer);
    wait_for(&answer);
    if (answer.end != end)
        print_error("%s: %d %s\n%s\n", event, answer.end, answer.payload, answer.tail);
    assert_int_equal(answer.end, end);
    free(answer.tail);
    return answer.payload;
}

static void expect(struct host *host, const struct lambda_start *start, const char *event,
                   enum lambda_end end, const char *payload)
{
    char *got = ask(host, start, event, end);
    assert_string_equal(got, payload);
    free(got);
}

static long ask_number(struct host *host, const struct lambda_start *start, const char *event)
{
    char *got = ask(host, start, event, LAMBDA_ANSWERED);
    long number = strtol(got, NULL, 10);
    free(got);
    return number;
}

/* --- tests ------------------------------------------------------------------------------------ */

static bool is_alive(pid_t pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    const char *state = strrchr(line, ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

static void wait_until_gone(pid_t pid)
{
    for (int i = 0; i < 6000 && is_alive(pid); i++)
        poll(NULL, 0, 10);
    assert_false(is_alive(pid));
}

static void test_answers(void **state)
{
    struct host host;
    struct answer answer;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    assert_false(lambda_pool_has(host.pool, start.code_sha256));
    begin(&host, &start, "echo {\"a\": 1}", &answer);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_ANSWERED);
    assert_string_equal(answer.payload, "{\"a\": 1}");
    assert_true(answer.billed_ms > 0);
    static const char first[] = "START RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd "
                                "Version: $LATEST\nEND RequestId: 8476a536";
    assert_memory_equal(answer.tail, first, sizeof first - 1);
    assert_non_null(strstr(answer.tail, "\tMemory Size: 512 MB\tMax Memory Used: "));
    assert_non_null(strstr(answer.tail, "\tInit Duration: "));
    forget(&answer);
    assert_true(lambda_pool_has(host.pool, start.code_sha256));
    assert_int_equal(lambda_pool_running(host.pool, start.function_arn), 0);
    /* The second time it is warm, and the package need not be sent again. */
    start.zip = (struct text){NULL, 0};
    begin(&host, &start, "echo 2", &answer);
    wait_for(&answer);
    assert_string_equal(answer.payload, "2");
    assert_null(strstr(answer.tail, "Init Duration"));
    forget(&answer);
    assert_int_equal(host.credentials, 1);
    close_pool(&host);
}

static void test_what_is_reused(void **state)
{
    struct host host;
    struct lambda_start one = start_of("one"), two = start_of("two");
    (void)state;
    open_pool(&host, NULL);
    long first = ask_number(&host, &one, "pid");
    assert_int_equal(ask_number(&host, &one, "pid"), first);
    assert_int_not_equal(ask_number(&host, &two, "pid"), first);
    lambda_pool_retire(host.pool, one.function_arn);
    assert_int_not_equal(ask_number(&host, &one, "pid"), first);
    wait_until_gone((pid_t)first);
    long second = ask_number(&host, &two, "pid");
    /* Credentials that end too soon for another invocation end the process's use. */
    pthread_mutex_lock(&host.mutex);
    host.expires_ms = clock_system()->now_ms(clock_system()) + 60000;
    pthread_mutex_unlock(&host.mutex);
    assert_int_equal(ask_number(&host, &two, "pid"), second);
    lambda_pool_retire(host.pool, NULL);
    long third = ask_number(&host, &two, "pid");
    assert_int_not_equal(ask_number(&host, &two, "pid"), third);
    close_pool(&host);
}

static void test_environment(void **state)
{
    static const char *const own[] = {"COLOUR=blue", "TZ=Asia/Kolkata", NULL};
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    setenv("OF_THE_SERVER", "1", 1);
    open_pool(&host, NULL);
    start.environment = own;
    char *env = ask(&host, &start, "env", LAMBDA_ANSWERED);
    static const char *const lines[] = {
        "LAMBDA_RUNTIME_DIR=/var/runtime",
        "PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LANG=en_US.UTF-8",
        "_HANDLER=a.handler",
        "AWS_REGION=eu-west-1",
        "AWS_DEFAULT_REGION=eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME=probe",
        "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
        "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
        "AWS_LAMBDA_LOG_FORMAT=Text",
        "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/probe",
        "AWS_ACCESS_KEY_ID=ASIATEST",
        "AWS_SECRET_ACCESS_KEY=secret",
        "AWS_SESSION_TOKEN=token",
        "AWS_ENDPOINT_URL=http://127.0.0.1:4566",
        "COLOUR=blue",
        "TZ=Asia/Kolkata",
    };
    static const char *const starts[] = {"AWS_LAMBDA_RUNTIME_API=127.0.0.1:",
                                         "AWS_LAMBDA_LOG_STREAM_NAME=2", "LAMBDA_TASK_ROOT=/",
                                         "LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:"};
    size_t seen = 0;
    for (char *rest = env, *line; (line = strsep(&rest, "\n")) && *line;) {
        bool known = false;
        for (size_t i = 0; i < COUNT(lines); i++)
            known = known || strcmp(line, lines[i]) == 0;
        for (size_t i = 0; i < COUNT(starts); i++)
            known = known || text_starts(line, starts[i]);
        if (!known)
            print_error("%s\n", line);
        assert_true(known);
        seen++;
    }
    assert_int_equal(seen, COUNT(lines) + COUNT(starts));
    free(env);
    expect(&host, &start, "fds", LAMBDA_ANSWERED, "0 1 2 ");
    expect(&host, &start, "limits", LAMBDA_ANSWERED, "1024 0 1");
    char *cwd = ask(&host, &start, "cwd", LAMBDA_ANSWERED);
    assert_non_null(strstr(cwd, "/pool/1"));
    free(cwd);
    close_pool(&host);
}

static void test_errors(void **state)
{
    struct host host;
    struct answer answer;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    begin(&host, &start, "error it broke", &answer);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_REPORTED);
    assert_string_equal(answer.payload, "{\"errorMessage\":\"it broke\",\"errorType\":\"Probe\"}");
    assert_non_null(strstr(answer.tail, "\tStatus: error\tError Type: Function.Probed\n"));
    forget(&answer);
    expect(&host, &start, "exit 7", LAMBDA_EXITED,
           "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime exited with error: exit status "
           "7\"}");
    expect(&host, &start, "exit 0", LAMBDA_EXITED,
           "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime exited without providing a "
           "reason\"}");
    expect(&host, &start, "crash", LAMBDA_EXITED,
           "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime exited with error: signal: "
           "segmentation fault\"}");
    /* One that answers and exits has answered. */
    expect(&host, &start, "last", LAMBDA_ANSWERED, "the last");
    close_pool(&host);
}

static void test_timeout(void **state)
{
    struct host host;
    struct answer answer;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    long pid = ask_number(&host, &start, "pid");
    start.timeout_ms = 200;
    begin(&host, &start, "hang", &answer);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_TIMED_OUT);
    assert_string_equal(answer.payload,
                        "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: "
                        "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Task timed out after 0.20 "
                        "seconds\"}");
    assert_non_null(strstr(answer.tail, " Task timed out after 0.20 seconds\n"));
    assert_non_null(strstr(answer.tail, "\tStatus: timeout\n"));
    forget(&answer);
    wait_until_gone((pid_t)pid);
    start.timeout_ms = 10000;
    assert_int_not_equal(ask_number(&host, &start, "pid"), pid);
    close_pool(&host);
}

static void test_memory(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    start.memory_mb = 64;
    expect(&host, &start, "eat 200", LAMBDA_EXITED,
           "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime exited with error: signal: "
           "killed\"}");
    close_pool(&host);
}

static void test_init(void **state)
{
    static const char *const error[] = {"PROBE_INIT=error", NULL},
                             *const exits[] = {"PROBE_INIT=exit", NULL},
                             *const hangs[] = {"PROBE_INIT=hang", NULL};
    struct host host;
    struct answer answer;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, &(struct lambda_pool_options){.init_ms = 200});
    start.environment = error;
    expect(&host, &start, "echo", LAMBDA_REPORTED,
           "{\"errorMessage\":\"no luck\",\"errorType\":\"Probe.Init\"}");
    start.environment = exits;
    begin(&host, &start, "echo", &answer);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_EXITED);
    assert_non_null(strstr(answer.payload, "Runtime exited with error: exit status 9"));
    forget(&answer);
    start.environment = hangs;
    start.timeout_ms = 100;
    expect(&host, &start, "echo", LAMBDA_TIMED_OUT,
           "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Task timed out after 0.10 seconds\"}");
    close_pool(&host);
    assert_int_equal(host.credentials, 6); /* each was tried twice */
}

static void test_init_report(void **state)
{
    static const char *const exits[] = {"PROBE_INIT=exit", NULL};
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    start.environment = exits;
    free(ask(&host, &start, "echo", LAMBDA_EXITED));
    lambda_pool_stop(host.pool);
    const char *log = buf_text(&host.log);
    assert_non_null(
        strstr(log, " ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError\n"));
    assert_non_null(strstr(log, "RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime "
                                "exited with error: exit status 9\nRuntime.ExitError\n"));
    close_pool(&host);
}

static void test_calls_out_of_turn(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    expect(&host, &start, "turns", LAMBDA_ANSWERED, "403 400 403 404 405");
    free(ask(&host, &start, "echo", LAMBDA_ANSWERED));
    lambda_pool_stop(host.pool);
    assert_non_null(strstr(buf_text(&host.log), "posts: 202 403\n"));
    close_pool(&host);
}

static void test_too_large(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    char *most = ask(&host, &start, "big 6291556", LAMBDA_ANSWERED);
    assert_int_equal(strlen(most), LAMBDA_LARGEST_ANSWER);
    free(most);
    expect(&host, &start, "big 6291557", LAMBDA_REPORTED,
           "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"RequestId: "
           "8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Response payload size (6291557 bytes) "
           "exceeded maximum allowed payload size (6291556 bytes).\"}");
    free(ask(&host, &start, "echo", LAMBDA_ANSWERED));
    lambda_pool_stop(host.pool);
    assert_non_null(strstr(buf_text(&host.log), "big: 202\n"));
    assert_non_null(strstr(buf_text(&host.log), "big: 413\n"));
    close_pool(&host);
}

static void test_entry(void **state)
{
    static const struct file none = {"readme", "hello", 0, S_IFREG | 0644},
                             plain = {"bootstrap", "#!/bin/sh\n", 0, S_IFREG | 0644},
                             mine = {"bootstrap", "#!/bin/sh\n", 0, S_IFREG | 0700},
                             junk = {"bootstrap", "junk", 0, S_IFREG | 0755},
                             lost = {"bootstrap", "#!/no/such/shell\n", 0, S_IFREG | 0755};
    static const struct {
        const struct file *file;
        const char *message;
    } cases[] = {
        {&none, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"},
        {&plain, "fork/exec /var/task/bootstrap: permission denied"},
        {&mine, "fork/exec /var/task/bootstrap: permission denied"},
        {&junk, "fork/exec /var/task/bootstrap: exec format error"},
        {&lost, "fork/exec /var/task/bootstrap: no such file or directory"},
    };
    struct host host;
    char text[256], sha[16];
    (void)state;
    open_pool(&host, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct lambda_start start = start_of("probe");
        size_t len;
        char *zip = make_zip(cases[i].file, 1, &len);
        snprintf(sha, sizeof sha, "entry%zu", i);
        start.code_sha256 = sha;
        start.zip = (struct text){zip, len};
        snprintf(text, sizeof text,
                 "{\"errorType\":\"Runtime.InvalidEntrypoint\",\"errorMessage\":\"RequestId: %s "
                 "Error: %s\"}",
                 id, cases[i].message);
        expect(&host, &start, "echo", LAMBDA_NOT_STARTED, text);
        free(zip);
    }
    close_pool(&host);
}

static void test_refused_role(void **state)
{
    struct host host;
    struct answer answer;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    host.denied = true;
    begin(&host, &start, "echo", &answer);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_NOT_STARTED);
    assert_string_equal(answer.code, "AccessDeniedException");
    forget(&answer);
    close_pool(&host);
}

static void test_lines(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    expect(&host, &start, "print one\ntwo\n\nno end", LAMBDA_ANSWERED, "printed");
    expect(&host, &start, "noise 5000", LAMBDA_ANSWERED, "done");
    lambda_pool_stop(host.pool);
    const char *log = buf_text(&host.log);
    assert_non_null(strstr(log, "\none\ntwo\n\nno endEND RequestId: "));
    const char *first = strstr(log, "\nline 0\n");
    assert_non_null(first);
    assert_non_null(strstr(first, "\nline 4998\nline 4999\nEND RequestId: "));
    close_pool(&host);
}

/* As after a reset of the server: the next group of that name is another's. */
static void test_what_all_retired_ones_write_is_not_heard(void **state)
{
    struct host host;
    struct answer answer;
    struct lambda_start old = start_of("probe"), new = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    old.key = "older";
    begin(&host, &old, "print of the old one", &answer);
    lambda_pool_retire(host.pool, NULL);
    wait_for(&answer);
    assert_int_equal(answer.end, LAMBDA_ANSWERED);
    forget(&answer);
    expect(&host, &new, "print of the new one", LAMBDA_ANSWERED, "printed");
    lambda_pool_stop(host.pool);
    assert_null(strstr(buf_text(&host.log), "of the old one"));
    assert_non_null(strstr(buf_text(&host.log), "of the new one"));
    close_pool(&host);
}

static void test_many_at_once(void **state)
{
    enum { MANY = 50 };
    static struct answer answers[MANY];
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, &(struct lambda_pool_options){.largest_processes = 20});
    for (int i = 0; i < MANY; i++)
        begin(&host, &start, "pid", &answers[i]);
    for (int i = 0; i < MANY; i++)
        wait_for(&answers[i]);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(answers[i].end, LAMBDA_ANSWERED);
        forget(&answers[i]);
    }
    assert_in_range(host.credentials, 2, 20);
    /* Another function gets a place although all are taken. */
    struct lambda_start other = start_of("other");
    free(ask(&host, &other, "pid", LAMBDA_ANSWERED));
    close_pool(&host);
}

static void test_running(void **state)
{
    struct host host;
    struct answer answers[3];
    struct lambda_start start = start_of("probe"), other = start_of("other");
    (void)state;
    open_pool(&host, NULL);
    for (int i = 0; i < 3; i++)
        begin(&host, &start, "hang", &answers[i]);
    assert_int_equal(lambda_pool_running(host.pool, start.function_arn), 3);
    assert_int_equal(lambda_pool_running(host.pool, other.function_arn), 0);
    lambda_pool_stop(host.pool); /* answers them, and takes no more */
    for (int i = 0; i < 3; i++) {
        assert_true(answers[i].done);
        assert_string_equal(answers[i].code, "ServiceException");
        forget(&answers[i]);
    }
    struct error err;
    assert_int_equal(lambda_pool_invoke(host.pool, &start, id, text_of("{}"), note_done, NULL,
                                        &err),
                     -1);
    close_pool(&host);
}

static void test_idle(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, &(struct lambda_pool_options){.idle_ms = 50});
    long pid = ask_number(&host, &start, "pid");
    wait_until_gone((pid_t)pid);
    close_pool(&host);
}

/* An orphan counts as this program's child. */
static void test_children_end_too(void **state)
{
    struct host host;
    struct lambda_start start = start_of("probe");
    (void)state;
    open_pool(&host, NULL);
    long child = ask_number(&host, &start, "child");
    assert_true(is_alive((pid_t)child));
    lambda_pool_retire(host.pool, NULL);
    wait_until_gone((pid_t)child);
    close_pool(&host);
}

/* Who owns the pool is killed: no process stays, nor what it has started. */
static void test_killed_owner(void **state)
{
    int told[2];
    char line[64] = "";
    (void)state;
    assert_int_equal(pipe(told), 0);
    pid_t owner = fork();
    if (owner == 0) {
        struct host host;
        struct lambda_start start = start_of("probe");
        open_pool(&host, NULL);
        long pid = ask_number(&host, &start, "pid"), child = ask_number(&host, &start, "child");
        dprintf(told[1], "%ld %ld\n", pid, child);
        pause();
    }
    close(told[1]);
    assert_true(read(told[0], line, sizeof line - 1) > 0);
    close(told[0]);
    long pid = 0, child = 0;
    assert_int_equal(sscanf(line, "%ld %ld", &pid, &child), 2);
    assert_true(is_alive((pid_t)pid) && is_alive((pid_t)child));
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    wait_until_gone((pid_t)pid);
    wait_until_gone((pid_t)child);
    /* The next one removes what it left. */
    char path[128];
    snprintf(path, sizeof path, "%s/pool/1/bootstrap", folder);
    assert_int_equal(access(path, F_OK), 0);
    struct host host;
    open_pool(&host, NULL);
    assert_int_equal(access(path, F_OK), -1);
    close_pool(&host);
}

int main(int argc, char **argv)
{
    (void)argc;
    sandbox_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_owner), /* forks: before there are threads */
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_is_reused),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_init_report),
        cmocka_unit_test(test_calls_out_of_turn),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_refused_role),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_what_all_retired_ones_write_is_not_heard),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_running),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_children_end_too),
    };
    return cmocka_run_group_tests(tests, prepare, clean);
}
