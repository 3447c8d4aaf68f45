#include "aws/arn.h"
#include "aws/denial.h"
#include "aws/region.h"
#include "base/text.h"
#include "engine/mapping.h"
#include "engine/permissions_parts.h"
#include "engine/safety.h"
#include "engine/two_way.h"
#include "resource/resource.h"

#include <string.h>

/* --- names and keys --------------------------------------------------------------------------- */

/* One replication, seen from one side. */
struct view {
    struct arena *arena;
    const struct config *config;
    const struct config_side *side;
    const struct resource_kind *kind;
    const struct permission_options *options;
    bool destination;
    bool from; /* the source, as who writes at a destination sees it */
    const char *partition, *suffix, *account;
    struct texts names; /* ARNs of the selected names; filled per `on` */
};

static const char *bare(const char *name)
{
    return *name == '/' ? name + 1 : name;
}

/* A glob as IAM has it: one star, which crosses levels. */
static const char *iam_pattern(struct arena *arena, const char *glob)
{
    char *text = arena_strdup(arena, bare(glob)), *to = text;
    for (const char *from = text; *from; from++)
        if (*from != '*' || to == text || to[-1] != '*')
            *to++ = *from;
    *to = '\0';
    return text;
}

static bool below(const char *text, const char *path, const char **rest)
{
    size_t len = strlen(path);
    if (strncmp(text, path, len) != 0 || (len && text[len] && text[len] != '/'))
        return false;
    *rest = text + len;
    return true;
}

static const char *joined(struct arena *arena, const char *to, const char *rest)
{
    rest = *rest == '/' ? rest + 1 : rest;
    return *to && *rest ? arena_printf(arena, "%s/%s", to, rest) : *to ? to : rest;
}

/* Names at the destination: what a rename moves, under its new path; what it may leave, as it is.
 */
static void add_renamed(struct view *view, struct texts *out, const char *glob)
{
    const struct config *config = view->config;
    size_t literal = strcspn(glob, "*?");
    for (size_t i = 0; i < config->rename_count; i++) {
        const char *from = bare(config->rename[i].from), *to = bare(config->rename[i].to), *rest;
        size_t len = strlen(from);
        if (len <= literal && below(glob, from, &rest) && (*rest || !*from)) {
            permission_add_text(view->arena, out,
                                iam_pattern(view->arena, joined(view->arena, to, rest)));
            return;
        }
        if (literal < len && strncmp(glob, from, literal) == 0) /* some may be moved */
            permission_add_text(view->arena, out, joined(view->arena, to, "*"));
    }
    permission_add_text(view->arena, out, iam_pattern(view->arena, glob));
}

static struct texts names_of(struct view *view, const char *on)
{
    struct texts names = {0};
    const struct config *config = view->config;
    const char *(*iam_name)(struct arena *, const char *, const char *) = view->kind->iam_name;
    for (size_t i = 0; iam_name && i < config->counterpart_count; i++) {
        permission_add_text(view->arena, &names, iam_name(view->arena, on, NULL));
        permission_add_text(view->arena, &names,
                            iam_name(view->arena, on, config->counterparts[i]));
    }
    const char *const everything[] = {"**"};
    const char *const *globs = config->include_count ? config->include : everything;
    size_t count = config->include_count ? config->include_count : 1;
    for (size_t i = 0; i < count; i++) {
        const char *glob = bare(globs[i]);
        if (iam_name)
            permission_add_text(view->arena, &names, iam_name(view->arena, on, globs[i]));
        else if (view->destination)
            add_renamed(view, &names, glob);
        else
            permission_add_text(view->arena, &names, iam_pattern(view->arena, glob));
    }
    return names;
}

static const char *arn(struct view *view, const char *service, const char *resource)
{
    return arn_format(view->arena, view->partition, service, view->side->region, view->account,
                      resource);
}

static struct texts arns_of(struct view *view, const char *on, const struct texts *names)
{
    struct texts arns = {0};
    const char *service = view->kind->services[0]->signing_name;
    for (size_t i = 0; i < names->count; i++)
        permission_add_text(view->arena, &arns,
                            arn(view, service,
                                arena_printf(view->arena, "%s%s", on, names->items[i])));
    return arns;
}

struct key_scope {
    struct texts keys;    /* ARNs */
    struct texts aliases; /* "alias/prod": IAM names keys by alias only in a condition */
    struct texts of;      /* and these ARNs are the keys they may be of */
};

static void add_key(struct view *view, struct key_scope *scope, const char *text)
{
    struct text name = mapping_short_key(text);
    const char *whole = arena_strndup(view->arena, name.data, name.len);
    struct arn parsed;
    bool is_arn = arn_parse(text, strlen(text), &parsed) == 0;
    if (view->kind->default_key && strcmp(whole, view->kind->default_key) == 0)
        return; /* its own policy lets everybody in who may use the service */
    if (!text_starts(whole, "alias/")) {
        permission_add_text(view->arena, &scope->keys,
                            is_arn ? text
                                   : arn(view, "kms", arena_printf(view->arena, "key/%s", whole)));
        return;
    }
    permission_add_text(view->arena, &scope->aliases, whole);
    permission_add_text(view->arena, &scope->of,
                        is_arn ? arena_printf(view->arena, "%.*skey/*",
                                              (int)(parsed.resource.data - text), text)
                               : arn(view, "kms", "key/*"));
}

static void keys_of_source(struct view *view, struct key_scope *scope)
{
    bool any = false;
    for (size_t i = 0; i < view->config->destination_count; i++) {
        const struct config_side *destination = &view->config->destinations[i];
        for (size_t j = 0; j < destination->key_count; j++)
            if (strcmp(destination->keys[j].source, "*") == 0)
                any = true;
            else
                add_key(view, scope, destination->keys[j].source);
    }
    for (size_t i = 0; i < view->config->allow_count; i++)
        any = any || strcmp(view->config->allow[i], "default-key") == 0;
    if (any)
        *scope =
            (struct key_scope){.keys = permission_one_text(view->arena, arn(view, "kms", "key/*"))};
    else /* a multi-Region key needs no mapping */
        permission_add_text(view->arena, &scope->keys, arn(view, "kms", "key/mrk-*"));
}

static void keys_of_destination(struct view *view, struct key_scope *scope)
{
    bool all = false;
    for (size_t i = 0; i < view->side->key_count; i++) {
        all = all || strcmp(view->side->keys[i].source, "*") == 0;
        add_key(view, scope, view->side->keys[i].destination);
    }
    if (!all)
        permission_add_text(view->arena, &scope->keys, arn(view, "kms", "key/mrk-*"));
}

static void add_key_statement(struct view *view, struct permission_policy *policy, const char *sid,
                              const struct texts *actions, const struct texts *keys,
                              const struct texts *aliases, const struct texts *names)
{
    struct permission_statement statement = {.sid = sid};
    if (!keys->count)
        return;
    permission_add_texts(view->arena, &statement.actions, actions);
    permission_add_texts(view->arena, &statement.resources, keys);
    const char *service = view->kind->services[0]->host_label;
    permission_add_condition(&statement, "StringEquals", "kms:ViaService",
                             permission_one_text(view->arena,
                                                 arena_printf(view->arena, "%s.%s.%s", service,
                                                              view->side->region, view->suffix)));
    permission_add_condition(&statement, "StringLike",
                             arena_printf(view->arena, "kms:EncryptionContext:%s",
                                          view->kind->key_context),
                             *names);
    if (aliases)
        permission_add_condition(&statement, "ForAnyValue:StringEquals", "kms:ResourceAliases",
                                 *aliases);
    permission_add_statement(view->arena, policy, &statement);
}

/* --- one side --------------------------------------------------------------------------------- */

static bool is_true(const char *text)
{
    return text && strcmp(text, "true") == 0;
}

static bool has(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static bool remembers(const struct config *config)
{
    return is_true(config->labels) || (config->history && strcmp(config->history, "1") != 0);
}

/* Of keys that a replication of parameters has made. */
static bool only_counterparts(const struct config *config)
{
    return config->create_counterparts && strcmp(config->create_counterparts, "own") == 0;
}

static bool copies_grants(const struct config *config)
{
    return config->grants && strcmp(config->grants, "copy") == 0;
}

static bool applies(const struct view *view, enum permission_when when)
{
    const struct config *config = view->config;
    const struct config_select *select = &config->select;
    bool encrypted = !select->types_count ||
                     has(select->types, select->types_count, "SecureString") ||
                     (config->type && strcmp(config->type, "SecureString") == 0);
    const char *tier = view->side->tier ? view->side->tier : config->tier;
    switch (when) {
    case WHEN_ALWAYS:
        return true;
    case WHEN_DELETING:
        return view->options->undo || (config->deletes && strcmp(config->deletes, "never") != 0) ||
               config->allow_replace_count || has(config->allow, config->allow_count, "replace");
    case WHEN_LABELLING:
        return is_true(config->labels);
    case WHEN_REMEMBERING: /* a write that met another's is looked up there, too */
        return remembers(config) || two_way_is(config);
    case WHEN_ENCRYPTED:
    case WHEN_LARGE: /* a copy that became Advanced stays it */
        return encrypted;
    case WHEN_SMALL: /* earlier versions are written as Standard */
        return encrypted && (!tier || strcmp(tier, "advanced") != 0 || remembers(config));
    case WHEN_GRANTS:
        return !config->grants || strcmp(config->grants, "ignore") != 0;
    case WHEN_GRANTING:
        return copies_grants(config);
    case WHEN_REVOKING: /* an undo revokes what was made */
        return copies_grants(config) &&
               (view->options->undo || (config->deletes && strcmp(config->deletes, "never") != 0));
    case WHEN_COUNTERPARTS:
        return is_true(config->create_counterparts) || only_counterparts(config);
    case WHEN_REPLICAS:
        return !only_counterparts(config);
    case WHEN_MOVING:
        return config->aliases &&
               (strcmp(config->aliases, "move") == 0 || strcmp(config->aliases, "exact") == 0);
    case WHEN_EXACT:
        return config->aliases && strcmp(config->aliases, "exact") == 0;
    }
    return false;
}

/* Actions of the rows that are for this side and match `on` and `writes`. */
static struct texts actions_of(struct view *view, const char *on, bool writes)
{
    struct texts actions = {0};
    unsigned side = view->from ? FROM_DESTINATION : view->destination ? ON_DESTINATION : ON_SOURCE;
    for (const struct resource_permission *row = view->kind->permissions; row->sides; row++) {
        bool row_writes = row->operation && !(row->operation->flags & AWS_READS);
        bool same_on = row->on && on ? strcmp(row->on, on) == 0 : row->on == on;
        if (!(row->sides & side) || !same_on || row_writes != writes || !applies(view, row->when))
            continue;
        char action[128];
        if (row->operation)
            denial_action(row->operation->service->signing_name, row->operation->name, action,
                          sizeof action);
        permission_add_text(view->arena, &actions,
                            row->operation ? arena_strdup(view->arena, action) : row->action);
    }
    return actions;
}

static void add_resources(struct view *view, struct permission_policy *policy, const char *on)
{
    const struct texts names = names_of(view, on), arns = arns_of(view, on, &names);
    for (int writes = 0; writes < 2; writes++) {
        struct permission_statement statement = {.sid = writes ? "Write" : "Read",
                                                 .actions = actions_of(view, on, writes)};
        permission_add_texts(view->arena, &statement.resources, &arns);
        permission_add_statement(view->arena, policy, &statement);
    }
    struct texts out = {0};
    for (size_t i = 0;
         i < view->config->exclude_count && !view->destination && !view->kind->iam_name; i++) {
        const char *glob = bare(view->config->exclude[i]);
        size_t len = strlen(glob), literal = strcspn(glob, "*?");
        if (literal == len || (len > 3 && literal == len - 2 && strcmp(glob + len - 3, "/**") == 0))
            permission_add_text(view->arena, &out, iam_pattern(view->arena, glob));
    }
    const struct texts denied = arns_of(view, on, &out);
    struct permission_statement deny = {.sid = "Excluded",
                                        .deny = true,
                                        .actions = actions_of(view, on, false)};
    permission_add_texts(view->arena, &deny.resources, &denied);
    permission_add_statement(view->arena, policy, &deny);
}

static void add_keys(struct view *view, struct permission_policy *policy, const char *on)
{
    struct key_scope scope = {0};
    const struct texts names = names_of(view, on), arns = arns_of(view, on, &names);
    const struct texts actions = actions_of(view, "key", false);
    if (view->destination)
        keys_of_destination(view, &scope);
    else
        keys_of_source(view, &scope);
    add_key_statement(view, policy, "Keys", &actions, &scope.keys, NULL, &arns);
    add_key_statement(view, policy, "KeysByAlias", &actions, &scope.of, &scope.aliases, &arns);
}

static void add_side(struct view *view, struct permission_policy *policy)
{
    for (int writes = 0; writes < 2; writes++) {
        struct permission_statement all = {.sid = writes ? "Create" : "List",
                                           .actions = actions_of(view, NULL, writes)};
        permission_add_text(view->arena, &all.resources, "*");
        permission_add_condition(&all, "StringEquals", "aws:RequestedRegion",
                                 permission_one_text(view->arena, view->side->region));
        permission_add_statement(view->arena, policy, &all);
    }
    for (const struct resource_permission *row = view->kind->permissions; row->sides; row++) {
        bool seen = !row->on || strcmp(row->on, "key") == 0;
        for (const struct resource_permission *before = view->kind->permissions; before < row;
             before++)
            seen = seen || (before->on && strcmp(before->on, row->on) == 0);
        if (seen)
            continue;
        add_resources(view, policy, row->on);
        add_keys(view, policy, row->on);
    }
    if (view->from)
        return;
    const char *word = view->destination ? "to " : "from ";
    policy->sides = arena_printf(view->arena, "%s%s%s%s", policy->sides ? policy->sides : "",
                                 policy->sides ? ", " : "", word, view->side->region);
}

/* --- whose ------------------------------------------------------------------------------------ */

/* The account of the side's role, or what the side says, or what may be assumed of the source. */
static const char *account_of(struct arena *arena, const struct config_side *side,
                              const struct permission_options *options)
{
    struct arn parsed;
    if (side->account)
        return side->account;
    if (side->chain_count) {
        const char *role = side->chain[side->chain_count - 1].role_arn;
        if (arn_parse(role, strlen(role), &parsed) == 0)
            return arena_strndup(arena, parsed.account.data, parsed.account.len);
    }
    return options->account ? options->account : options->unknown_account;
}

static void add_assume(struct permission_set *set, const struct config_side *side)
{
    for (size_t i = 0; i < side->chain_count; i++) {
        const struct config_role *next = &side->chain[i];
        struct permission_policy *policy =
            permission_policy_for(set, i ? "between" : "function",
                                  i ? side->chain[i - 1].role_arn : NULL);
        struct permission_statement statement = {.sid = "TakeRoles"};
        permission_add_text(set->arena, &statement.actions, "sts:AssumeRole");
        if (next->session_tag_count || next->transitive_tag_count)
            permission_add_text(set->arena, &statement.actions, "sts:TagSession");
        permission_add_text(set->arena, &statement.resources, next->role_arn);
        permission_add_statement(set->arena, policy, &statement);
    }
}

static void add_replication(struct permission_set *set, const struct config *config,
                            const struct permission_options *options, enum permission_roles roles,
                            const struct resource_kind *kind)
{
    for (size_t i = 0; i <= config->destination_count; i++) {
        const struct config_side *side = i ? &config->destinations[i - 1] : &config->source;
        const struct partition *partition = partition_of(side->region);
        struct view view = {
            .arena = set->arena,
            .config = config,
            .side = side,
            .kind = kind,
            .options = options,
            .destination = i > 0,
            .partition = partition->name,
            .suffix = partition->dns_suffix,
            .account = account_of(set->arena, side, options),
        };
        const char *role = i ? "destination" : "source";
        const char *last = side->chain_count ? side->chain[side->chain_count - 1].role_arn : NULL;
        if (roles == PERMISSIONS_BY_IDENTITY)
            add_assume(set, side);
        else if ((roles == PERMISSIONS_DESTINATION) != (i > 0))
            continue;
        struct permission_policy *policy =
            permission_policy_for(set,
                                  roles == PERMISSIONS_BY_IDENTITY && !last ? "function" : role,
                                  last);
        if (options->command != PERMISSIONS_OF_RUNS) {
            permissions_of_command(set->arena, config, i, view.partition, view.account, options,
                                   policy);
            continue;
        }
        add_side(&view, policy);
        if (i) {
            view.side = &config->source;
            view.destination = false;
            view.from = true;
            add_side(&view, policy);
        }
    }
}

/* What the platform does in the function's name, and what it is told by. */
static void add_function(struct permission_set *set, const struct config *first,
                         const struct permission_options *options)
{
    const char *region = first->source.region, *partition = partition_of(region)->name;
    const char *account = options->account ? options->account : options->unknown_account;
    const struct {
        const char *sid, *name, *service, *resource, *actions[6];
    } rows[] = {
        {"Log",
         options->function,
         "logs",
         "log-group:/aws/lambda/%s:*",
         {"logs:CreateLogStream", "logs:PutLogEvents"}},
        {"Queue", /* Lambda polls it in the function's name */
         options->function ? options->queue : NULL,
         "sqs",
         "%s",
         {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}},
        {"Queue", /* the daemon polls itself; a batch's operations have no actions of their own */
         options->function ? NULL : options->queue,
         "sqs",
         "%s",
         {"sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility"}},
        {"Canary", options->canary, "ssm", "parameter/%s", {"ssm:PutParameter"}},
        {"DeadLetters", options->dead_letter, "sqs", "%s", {"sqs:SendMessage"}},
        {"Configuration", options->config_parameter, "ssm", "parameter/%s", {"ssm:GetParameters"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct permission_statement statement = {.sid = rows[i].sid};
        if (!rows[i].name)
            continue;
        for (size_t j = 0; j < 6 && rows[i].actions[j]; j++)
            permission_add_text(set->arena, &statement.actions, rows[i].actions[j]);
        const char *star = strstr(rows[i].resource, "%s");
        permission_add_text(
            set->arena, &statement.resources,
            arn_format(set->arena, partition, rows[i].service, region, account,
                       arena_printf(set->arena, "%.*s%s%s", (int)(star - rows[i].resource),
                                    rows[i].resource, bare(rows[i].name), star + 2)));
        permission_add_statement(set->arena, permission_policy_for(set, "function", NULL),
                                 &statement);
    }
}

/* Keys that parameters are under and that nothing maps: which, nobody knows before they are listed.
 */
static void add_counterparts(struct permission_set *set, const struct config *config,
                             const struct permission_options *options, enum permission_roles roles,
                             const struct resource_kind *kind)
{
    static const char *all[] = {"alias/*"};
    const struct config keys = {
        .kind = kind,
        .source = config->source,
        .destinations = config->destinations,
        .destination_count = config->destination_count,
        .include = all,
        .include_count = 1,
        .counterparts = all,
        .counterpart_count = 1,
        .create_counterparts = "own",
    };
    add_replication(set, &keys, options, roles, kind);
}

int permissions_build(struct arena *arena, const struct config_set *configs,
                      const struct permission_options *options, enum permission_roles roles,
                      struct permission_set *out, struct error *err)
{
    *out = (struct permission_set){.arena = arena};
    if (options->account && !account_valid(options->account))
        return error_set(err, ERR_INVALID, "account '%s' is not twelve digits", options->account);
    if (roles == PERMISSIONS_BY_IDENTITY)
        permission_policy_for(out, "function", NULL);
    for (size_t i = 0; i < configs->count; i++) {
        const struct config *config = &configs->items[i];
        const struct resource_kind *kind = config->kind ? config->kind : &resource_ssm_parameter;
        if (permissions_left_out(configs, config, options))
            continue;
        if (kind->permissions)
            add_replication(out, config, options, roles, kind);
        if (kind->key_kind && options->command == PERMISSIONS_OF_RUNS &&
            is_true(config->create_counterparts))
            add_counterparts(out, config, options, roles, kind->key_kind);
    }
    if (roles == PERMISSIONS_BY_IDENTITY)
        add_function(out, &configs->items[0], options);
    return 0;
}
