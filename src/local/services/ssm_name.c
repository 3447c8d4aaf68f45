#include "local/services/ssm_name.h"

#include "aws/arn.h"

#include <string.h>

#define SYNTAX_TEXT                                                                                \
    "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it "  \
    "can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of "   \
    "letters, numbers and the following 3 symbols .-_"

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* Levels of allowed characters between single slashes; their number, or 0. */
static unsigned count_levels(struct text key)
{
    unsigned levels = 1;
    bool empty = true;
    for (size_t i = 0; i < key.len; i++) {
        if (name_byte(key.data[i])) {
            empty = false;
        } else if (key.data[i] == '/' && !empty) {
            levels++;
            empty = true;
        } else {
            return 0;
        }
    }
    return empty ? 0 : levels;
}

static bool starts_nocase(struct text text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && text_is_nocase((struct text){text.data, len}, prefix);
}

static struct text from(struct text text, size_t offset)
{
    return (struct text){text.data + offset, text.len - offset};
}

/* The service strips blanks around a name (service model, PutParameter). */
static struct text strip(struct text text)
{
    while (text.len && text.data[0] == ' ')
        text = from(text, 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

bool ssm_key_is_path(struct text key)
{
    return key.len && memchr(key.data, '/', key.len);
}

static bool cut_selector(struct ssm_name *name)
{
    const char *colon = memchr(name->asked.data, ':', name->asked.len);
    if (!colon)
        return true;
    size_t len = (size_t)(colon - name->asked.data);
    name->selector = from(name->asked, len + 1);
    name->asked.len = len;
    for (size_t i = 0; i < name->selector.len; i++)
        if (!name_byte(name->selector.data[i]))
            return false;
    return name->selector.len > 0;
}

/* arn:partition:ssm:region:account:parameter/key; leaves `asked` at the key. */
static bool cut_arn(struct ssm_name *name)
{
    struct arn arn;
    static const char kind[] = "parameter/";
    if (arn_parse(name->asked.data, name->asked.len, &arn) != 0 || !text_is(arn.service, "ssm") ||
        arn.resource.len < sizeof kind || memcmp(arn.resource.data, kind, sizeof kind - 1) != 0)
        return false;
    name->region = arn.region;
    name->account = arn.account;
    name->asked = from(arn.resource, sizeof kind - 1);
    return true;
}

enum ssm_name_fault ssm_name_read(struct text text, enum ssm_name_form form, struct ssm_name *out)
{
    *out = (struct ssm_name){.asked = strip(text)};
    bool arn = form != SSM_NAME_ONLY && starts_nocase(out->asked, "arn:");
    if (arn && !cut_arn(out))
        return SSM_NAME_SYNTAX;
    if (form == SSM_NAME_WITH_SELECTOR && !cut_selector(out))
        return SSM_NAME_SYNTAX;
    out->key = out->asked;
    bool slash = !arn && out->key.len && out->key.data[0] == '/';
    if (slash)
        out->key = from(out->key, 1);
    unsigned levels = count_levels(out->key);
    if (levels == 0 || (levels > 1 && !slash && !arn))
        return SSM_NAME_SYNTAX; /* a/b is refused in these words when it is read */
    return starts_nocase(out->key, "ssm") ? SSM_NAME_SYNTAX : SSM_NAME_GOOD;
}

enum ssm_name_fault ssm_name_create(struct text text, size_t prefix_bytes, struct ssm_name *out)
{
    *out = (struct ssm_name){.asked = strip(text)};
    out->key = out->asked;
    bool slash = out->key.len && out->key.data[0] == '/';
    if (slash)
        out->key = from(out->key, 1);
    else if (ssm_key_is_path(out->key))
        return SSM_NAME_UNQUALIFIED;
    if (ssm_key_is_path(out->key)) {
        if (starts_nocase(out->key, "aws"))
            return SSM_NAME_RESERVED;
        if (starts_nocase(out->key, "ssm"))
            return SSM_NAME_SYNTAX;
    } else if (starts_nocase(out->key, "aws") || starts_nocase(out->key, "ssm")) {
        return SSM_NAME_PREFIX;
    }
    unsigned levels = count_levels(out->key);
    if (levels == 0)
        return SSM_NAME_SYNTAX;
    if (levels > SSM_LEVELS_MAX)
        return SSM_NAME_DEEP;
    return prefix_bytes + out->key.len > SSM_ARN_MAX_BYTES ? SSM_NAME_LONG : SSM_NAME_GOOD;
}

int ssm_path_read(struct text path, struct text *prefix)
{
    if (path.len == 0 || path.data[0] != '/')
        return -1;
    *prefix = from(path, 1);
    if (prefix->len == 0)
        return 0;
    struct text levels = *prefix;
    if (levels.data[levels.len - 1] == '/')
        levels.len--;
    return count_levels(levels) > 0 ? 0 : -1;
}

/* The backslashes are AWS's. */
enum local_result ssm_path_refuse(struct local_call *call)
{
    return local_fail(call, "ValidationException",
                      "The parameter doesn't meet the parameter name requirements. The parameter "
                      "name must begin with a forward slash \"/\". It can't be prefixed with "
                      "\\\"aws\\\" or \\\"ssm\\\" (case-insensitive). It must use only letters, "
                      "numbers, or the following symbols: . (period), - (hyphen), _ (underscore). "
                      "Special characters are not allowed. All sub-paths, if specified, must use "
                      "the forward slash symbol \"/\". Valid example: "
                      "/get/parameters2-/by1./path0_.");
}

enum local_result ssm_name_refuse(struct local_call *call, enum ssm_name_fault fault,
                                  struct text asked)
{
    switch (fault) {
    case SSM_NAME_UNQUALIFIED:
        return local_fail(call, "ValidationException",
                          "Parameter name must be a fully qualified name.");
    case SSM_NAME_PREFIX:
        return local_fail(call, "ValidationException",
                          "Parameter name: can't be prefixed with \"aws\" or \"ssm\" "
                          "(case-insensitive).");
    case SSM_NAME_RESERVED:
        return local_fail(call, "AccessDeniedException",
                          "No access to reserved parameter name: %.*s.", (int)asked.len - 1,
                          asked.data + 1);
    case SSM_NAME_DEEP: /* the model's words for this exception */
        return local_fail(call, "HierarchyLevelLimitExceededException",
                          "A hierarchy can have a maximum of %d levels. For more information, see "
                          "Requirements and constraints for parameter names in the Amazon Web "
                          "Services Systems Manager User Guide.",
                          SSM_LEVELS_MAX);
    case SSM_NAME_LONG: /* the limit is documented, its text is not */
        return local_fail(call, "ValidationException",
                          "Parameter name must have length less than or equal to %d, including its "
                          "Amazon Resource Name prefix.",
                          SSM_ARN_MAX_BYTES);
    default:
        return local_fail(call, "ValidationException", "%s", SYNTAX_TEXT);
    }
}
