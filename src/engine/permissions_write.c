/* Policies as text: IAM's JSON, a CloudFormation template, Terraform's HCL. */
#include "base/json.h"
#include "engine/permissions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_DOCUMENT = 4 * 1024 * 1024 };

/* --- JSON ------------------------------------------------------------------------------------- */

/* CloudFormation fills in what stands as ${...}, where told to. */
static void write_text(struct json_writer *w, const char *text, bool substitute)
{
    if (!substitute || !strstr(text, "${")) {
        json_write_text(w, text);
        return;
    }
    json_open(w);
    json_put_text(w, "Fn::Sub", text);
    json_close(w);
}

static void write_texts(struct json_writer *w, const char *key, const struct texts *texts,
                        bool substitute)
{
    json_key(w, key);
    if (texts->count == 1) {
        write_text(w, texts->items[0], substitute);
        return;
    }
    json_open_list(w);
    for (size_t i = 0; i < texts->count; i++)
        write_text(w, texts->items[i], substitute);
    json_close_list(w);
}

static void write_document(struct json_writer *w, const struct permission_policy *policy,
                           bool substitute)
{
    json_open(w);
    json_put_text(w, "Version", "2012-10-17");
    json_key(w, "Statement");
    json_open_list(w);
    for (size_t i = 0; i < policy->count; i++) {
        const struct permission_statement *statement = &policy->statements[i];
        json_open(w);
        json_put_text(w, "Sid", statement->sid);
        json_put_text(w, "Effect", statement->deny ? "Deny" : "Allow");
        write_texts(w, "Action", &statement->actions, substitute);
        write_texts(w, "Resource", &statement->resources, substitute);
        if (statement->condition_count) {
            json_key(w, "Condition");
            json_open(w);
            for (size_t j = 0; j < statement->condition_count; j++) {
                json_key(w, statement->conditions[j].test);
                json_open(w);
                write_texts(w, statement->conditions[j].key, &statement->conditions[j].values,
                            substitute);
                json_close(w);
            }
            json_close(w);
        }
        json_close(w);
    }
    json_close_list(w);
    json_close(w);
}

size_t permission_size(const struct permission_policy *policy)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, LARGEST_DOCUMENT);
    json_writer_init(&w, &text);
    write_document(&w, policy, false);
    size_t size = text.len;
    buf_done(&text);
    return size;
}

/* "FunctionPolicy", "DestinationPolicy2": a name within a template or module. */
static void name_of(const struct permission_set *set, size_t i, bool camel, struct buf *out)
{
    size_t same = 1;
    const char *role = set->policies[i].role;
    for (size_t j = 0; j < i; j++)
        same += strcmp(set->policies[j].role, role) == 0;
    if (camel)
        buf_printf(out, "%c%sPolicy", toupper((unsigned char)*role), role + 1);
    else
        buf_append_text(out, role);
    if (same > 1)
        buf_printf(out, camel ? "%zu" : "_%zu", same);
}

static void write_list(struct json_writer *w, const struct permission_set *set)
{
    json_open(w);
    json_key(w, "policies");
    json_open_list(w);
    for (size_t i = 0; i < set->count; i++) {
        const struct permission_policy *policy = &set->policies[i];
        json_open(w);
        json_put_text(w, "role", policy->role);
        if (policy->role_arn)
            json_put_text(w, "role_arn", policy->role_arn);
        if (policy->sides)
            json_put_text(w, "sides", policy->sides);
        json_key(w, "policy");
        write_document(w, policy, false);
        json_close(w);
    }
    json_close_list(w);
    json_close(w);
}

static void write_template(struct json_writer *w, const struct permission_set *set)
{
    struct buf name;
    buf_init(&name, 256);
    json_open(w);
    json_put_text(w, "AWSTemplateFormatVersion", "2010-09-09");
    json_put_text(w, "Description", "What understudy needs in IAM, made by understudy policy");
    json_key(w, "Resources");
    json_open(w);
    for (size_t i = 0; i < set->count; i++) {
        buf_reset(&name);
        name_of(set, i, true, &name);
        json_key(w, buf_text(&name));
        json_open(w);
        json_put_text(w, "Type", "AWS::IAM::ManagedPolicy");
        json_key(w, "Properties");
        json_open(w);
        json_key(w, "PolicyDocument");
        write_document(w, &set->policies[i], true);
        json_close(w);
        json_close(w);
    }
    json_close(w);
    json_close(w);
    buf_done(&name);
}

/* --- Terraform -------------------------------------------------------------------------------- */

static void hcl_text(struct buf *out, const char *text)
{
    struct json_writer w; /* the escapes of HCL's strings are JSON's */
    json_writer_init(&w, out);
    json_write_text(&w, text);
}

static void hcl_list(struct buf *out, const char *name, const struct texts *texts)
{
    buf_printf(out, "\n    %s = [\n", name);
    for (size_t i = 0; i < texts->count; i++) {
        buf_append_text(out, "      ");
        hcl_text(out, texts->items[i]);
        buf_append_text(out, ",\n");
    }
    buf_append_text(out, "    ]\n");
}

static void hcl_statement(struct buf *out, const struct permission_statement *statement)
{
    buf_printf(out, "  statement {\n    sid    = \"%s\"\n    effect = \"%s\"\n", statement->sid,
               statement->deny ? "Deny" : "Allow");
    hcl_list(out, "actions", &statement->actions);
    hcl_list(out, "resources", &statement->resources);
    for (size_t i = 0; i < statement->condition_count; i++) {
        const struct permission_condition *condition = &statement->conditions[i];
        buf_printf(out,
                   "\n    condition {\n      test     = \"%s\"\n      variable = \"%s\"\n"
                   "      values   = [",
                   condition->test, condition->key);
        for (size_t j = 0; j < condition->values.count; j++) {
            buf_append_text(out, j ? ", " : "");
            hcl_text(out, condition->values.items[j]);
        }
        buf_append_text(out, "]\n    }\n");
    }
    buf_append_text(out, "  }\n");
}

static void write_hcl(struct buf *out, const struct permission_set *set)
{
    bool caller = false;
    size_t begun = out->len;
    for (size_t i = 0; i < set->count; i++) {
        const struct permission_policy *policy = &set->policies[i];
        buf_append_text(out, out->len > begun ? "\n" : "");
        if (policy->sides)
            buf_printf(out, "# %s\n", policy->sides);
        buf_append_text(out, "data \"aws_iam_policy_document\" \"");
        name_of(set, i, false, out);
        buf_append_text(out, "\" {\n");
        for (size_t j = 0; j < policy->count; j++) {
            buf_append_text(out, j ? "\n" : "");
            hcl_statement(out, &policy->statements[j]);
        }
        buf_append_text(out, "}\n");
    }
    caller = strstr(buf_text(out), "${data.aws_caller_identity.current.") != NULL;
    if (caller)
        buf_append_text(out, "\ndata \"aws_caller_identity\" \"current\" {}\n");
}

void permissions_write(const struct permission_set *set, enum permission_format format, bool bare,
                       struct buf *out)
{
    if (format == PERMISSION_TERRAFORM) {
        write_hcl(out, set);
        return;
    }
    struct buf compact;
    struct json_writer w;
    buf_init(&compact, LARGEST_DOCUMENT);
    json_writer_init(&w, &compact);
    if (format == PERMISSION_CLOUDFORMATION)
        write_template(&w, set);
    else if (bare && set->count == 1)
        write_document(&w, &set->policies[0], false);
    else
        write_list(&w, set);
    json_t *value = compact.overflow ? NULL : json_read(compact.data, compact.len, NULL);
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    if (text) {
        buf_append_text(out, text);
        buf_append_text(out, "\n");
    } else {
        out->overflow = true;
    }
    free(text);
    json_decref(value);
    buf_done(&compact);
}
