/* What each role needs in IAM for a configuration. Reads the configuration only. */
#include "cli/commands.h"
#include "cli/run.h"
#include "engine/permissions.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const char doc[] =
    "Prints the least that each role needs in IAM for a configuration: the caller's (of the "
    "function, the daemon or the person), and that of each role it takes. Makes no call to AWS.\v"
    "Exit status: 0 printed, 1 failed, 2 usage.";

enum {
    FLAG_CONFIG = 'c',
    FLAG_FORMAT = 256,
    FLAG_ROLE,
    FLAG_ACCOUNT,
    FLAG_FUNCTION,
    FLAG_QUEUE,
    FLAG_DEAD_LETTERS,
    FLAG_CONFIG_PARAMETER,
    FLAG_CANARY,
    FLAG_UNDO,
    FLAG_FOR,
    FLAG_KEY,
    FLAG_SOURCE_KEY,
};

static const struct argp_option policy_options[] = {
    {"config", FLAG_CONFIG, "FILE", 0, "what to replicate (default: ./understudy.yaml)", 0},
    {"format", FLAG_FORMAT, "FORMAT", 0, "json (the default), cloudformation or terraform", 0},
    {"role", FLAG_ROLE, "WORD", 0,
     "only what function, source or destination needs (default: one policy for each role)", 0},
    {"account", FLAG_ACCOUNT, "ID", 0, "the caller's account, where the file names none", 0},
    {"function", FLAG_FUNCTION, "NAME", 0, "the Lambda function: it writes its log group", 0},
    {"queue", FLAG_QUEUE, "NAME", 0,
     "the SQS queue that feeds it, or without --function the daemon", 0},
    {"dead-letter-queue", FLAG_DEAD_LETTERS, "NAME", 0, "the SQS queue for what it failed to do",
     0},
    {"config-parameter", FLAG_CONFIG_PARAMETER, "NAME", 0,
     "the parameter that holds the configuration (UNDERSTUDY_CONFIG_PARAMETER)", 0},
    {"canary", FLAG_CANARY, "NAME", 0,
     "the parameter that is written to measure how far behind the copies are", 0},
    {"for", FLAG_FOR, "COMMAND", 0,
     "only what promote, failback or reencrypt needs, in place of replicating", 0},
    {"key", FLAG_KEY, "KEY", 0, "the key of reencrypt", 0},
    {"source-key", FLAG_SOURCE_KEY, "KEY", 0, "the source's key of reencrypt (default: any)", 0},
    {"undo", FLAG_UNDO, NULL, 0, "also what `understudy undo` needs", 0},
    {0},
};

struct asked {
    const char *config_file, *role;
    enum permission_format format;
    struct permission_options options;
};

static void set_format(struct asked *asked, const char *word, struct argp_state *state)
{
    static const char *const formats[] = {[PERMISSION_JSON] = "json",
                                          [PERMISSION_CLOUDFORMATION] = "cloudformation",
                                          [PERMISSION_TERRAFORM] = "terraform"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(word, formats[i]) == 0) {
            asked->format = (enum permission_format)i;
            return;
        }
    argp_error(state, "--format '%s' is none of json, cloudformation and terraform", word);
}

static void set_command(struct asked *asked, const char *word, struct argp_state *state)
{
    if (strcmp(word, "promote") == 0 || strcmp(word, "failback") == 0)
        asked->options.command = PERMISSIONS_OF_PROMOTE;
    else if (strcmp(word, "reencrypt") == 0)
        asked->options.command = PERMISSIONS_OF_REENCRYPT;
    else
        argp_error(state, "--for '%s' is none of promote, failback and reencrypt", word);
}

static error_t take(int flag, char *value, struct argp_state *state)
{
    struct asked *asked = state->input;
    switch (flag) {
    case FLAG_CONFIG:
        asked->config_file = value;
        return 0;
    case FLAG_FORMAT:
        set_format(asked, value, state);
        return 0;
    case FLAG_ROLE:
        asked->role = value;
        if (strcmp(value, "function") != 0 && strcmp(value, "source") != 0 &&
            strcmp(value, "destination") != 0)
            argp_error(state, "--role '%s' is none of function, source and destination", value);
        return 0;
    case FLAG_ACCOUNT:
        asked->options.account = value;
        return 0;
    case FLAG_FUNCTION:
        asked->options.function = value;
        return 0;
    case FLAG_QUEUE:
        asked->options.queue = value;
        return 0;
    case FLAG_DEAD_LETTERS:
        asked->options.dead_letter = value;
        return 0;
    case FLAG_CONFIG_PARAMETER:
        asked->options.config_parameter = value;
        return 0;
    case FLAG_CANARY:
        asked->options.canary = value;
        return 0;
    case FLAG_FOR:
        set_command(asked, value, state);
        return 0;
    case FLAG_KEY:
        asked->options.key = value;
        return 0;
    case FLAG_SOURCE_KEY:
        asked->options.source_key = value;
        return 0;
    case FLAG_UNDO:
        asked->options.undo = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", value);
        return 0;
    case ARGP_KEY_END:
        if ((asked->options.key != NULL) != (asked->options.command == PERMISSIONS_OF_REENCRYPT) ||
            (asked->options.source_key && !asked->options.key))
            argp_error(state, "--for reencrypt goes with --key, and --source-key with these");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* What IAM takes: a managed policy, then the inline policies of a role together. */
enum { MANAGED_MOST = 6144, INLINE_MOST = 10240 };

static void warn(const struct permission_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        size_t size = permission_size(&set->policies[i]);
        if (size > MANAGED_MOST)
            fprintf(stderr,
                    "understudy: the policy of %s has %zu characters; IAM takes %d in a managed "
                    "policy and %d inline: split the configuration, or name fewer, wider paths\n",
                    set->policies[i].role_arn ? set->policies[i].role_arn : set->policies[i].role,
                    size, MANAGED_MOST, INLINE_MOST);
    }
}

static int print(const struct asked *asked, struct arena *arena, struct error *err)
{
    struct config_set configs;
    struct permission_set set;
    static const char *const unknown[] = {[PERMISSION_JSON] = "*",
                                          [PERMISSION_CLOUDFORMATION] = "${AWS::AccountId}",
                                          [PERMISSION_TERRAFORM] =
                                              "${data.aws_caller_identity.current.account_id}"};
    struct permission_options options = asked->options;
    enum permission_roles roles = PERMISSIONS_BY_IDENTITY;
    options.unknown_account = unknown[asked->format];
    if (asked->role && strcmp(asked->role, "source") == 0)
        roles = PERMISSIONS_SOURCE;
    if (asked->role && strcmp(asked->role, "destination") == 0)
        roles = PERMISSIONS_DESTINATION;
    if (config_read(arena, asked->config_file, &configs, err) != 0 ||
        config_check_set(arena, &configs, err) != 0 ||
        permissions_build(arena, &configs, &options, roles, &set, err) != 0)
        return -1;
    if (asked->role && roles == PERMISSIONS_BY_IDENTITY)
        set.count = 1; /* the caller's is the first */
    enum { LARGEST_OUTPUT = 16 * 1024 * 1024 };
    struct buf text;
    buf_init(&text, LARGEST_OUTPUT);
    permissions_write(&set, asked->format, asked->role != NULL, &text);
    int result = 0;
    if (text.overflow)
        result = error_set(err, ERR_INVALID, "the policies are too large to be of use");
    else
        fputs(buf_text(&text), stdout);
    buf_done(&text);
    warn(&set);
    return result;
}

static int run_policy(int argc, char **argv)
{
    struct asked asked = {.config_file = "understudy.yaml"};
    struct arena arena;
    struct error err = {0};
    const struct argp argp = {.options = policy_options, .parser = take, .doc = doc};
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &asked);
    arena_init(&arena);
    int status = print(&asked, &arena, &err) == 0 ? EXIT_DONE : run_failed(&err);
    arena_done(&arena);
    return status;
}

const struct command command_policy = {"policy", "print what each role needs in IAM", run_policy};
