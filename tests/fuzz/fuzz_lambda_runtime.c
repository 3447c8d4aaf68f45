/* What a function's process can send: a call of the Runtime API, by its method, path and error type
 * (lines), is one of those that there are; and what it writes becomes lines that lose nothing. */
#include "fuzz.h"
#include "local/lambda_output.h"
#include "local/lambda_runtime.h"

#include <assert.h>
#include <string.h>

static void read_call(struct text rest)
{
    struct text method = text_cut(&rest, '\n'), path = text_cut(&rest, '\n');
    const struct http_field field = {text_of("Lambda-Runtime-Function-Error-Type"), rest};
    const struct http_incoming in = {.method = method,
                                     .path = path,
                                     .fields = &field,
                                     .field_count = rest.data ? 1 : 0};
    struct lambda_runtime_request request;
    lambda_runtime_read(&in, &request);
    if (request.call == LAMBDA_RESPONSE || request.call == LAMBDA_ERROR)
        assert(text_is(method, "POST") &&
               !memchr(request.request_id.data, '/', request.request_id.len));
    for (size_t i = 0; i < request.error_type.len; i++)
        assert(request.error_type.data[i] > ' ' && request.error_type.data[i] < 127);
}

/* In two pieces, cut where the first byte says. */
static void write_lines(const char *data, size_t size)
{
    struct lambda_output output;
    const struct lambda_line *lines;
    size_t cut = size ? (unsigned char)data[0] % size : 0, sum = 0;
    lambda_output_init(&output);
    lambda_output_add(&output, 1, data, cut);
    lambda_output_add(&output, 2, data + cut, size - cut);
    lambda_output_close(&output, 3);
    size_t count = lambda_output_take(&output, &lines);
    for (size_t i = 0; i < count; i++) {
        assert(lines[i].text.len && memcmp(lines[i].text.data, data + sum, lines[i].text.len) == 0);
        const char *end = memchr(lines[i].text.data, '\n', lines[i].text.len);
        assert(!end || end == lines[i].text.data + lines[i].text.len - 1);
        sum += lines[i].text.len;
    }
    assert(sum == size && lambda_output_tail(&output).len <= LAMBDA_TAIL);
    lambda_output_done(&output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size ? (const char *)data : "";
    read_call((struct text){text, size});
    write_lines(text, size);
    return 0;
}
