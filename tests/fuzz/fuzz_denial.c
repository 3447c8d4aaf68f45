/* A refusal's text: what is parsed stays inside it; the advice fits the room that it is given, and
 * says the same in any room that is large enough. */
#include "aws/denial.h"
#include "base/arena.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void inside(struct text view, const char *text, size_t len)
{
    assert(!view.len || (view.data >= text && view.data + view.len <= text + len) ||
           text_is(view, "kms:Decrypt"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct denial denial;
    struct arena arena;
    char small[64], advice[640];
    arena_init(&arena);
    const char *text = arena_strndup(&arena, (const char *)data, size);
    size_t len = strlen(text);
    if (denial_parse(text, &denial)) {
        inside(denial.principal, text, len);
        inside(denial.action, text, len);
        inside(denial.resource, text, len);
        inside(denial.policy_arn, text, len);
        denial_advice(&denial, "ssm:GetParameters", small, sizeof small);
        assert(strnlen(small, sizeof small) < sizeof small);
        denial_advice(&denial, "ssm:GetParameters", advice, sizeof advice);
        assert(strnlen(advice, sizeof advice) < sizeof advice && *advice);
    }
    arena_done(&arena);
    return 0;
}
