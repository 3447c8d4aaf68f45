#include "client/endpoint.h"

#include "aws/region.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "client/client_intern.h"
#include "client/settings.h"
#include "net/url.h"

#include <string.h>

enum variant { PLAIN = 1, FIPS = 2, DUAL = 4, FIPS_DUAL = 8, ANY = 15 };

/* The first row that fits wins; when none does: {label}[-fips].{region}.{dns or dual}. Words in
 * braces are replaced; {iam} is the Region that the partition's IAM is in. */
static const struct exception {
    const char *label;
    const char *partition; /* NULL: every one */
    const char *region;    /* NULL: every one */
    unsigned variants;
    const char *host;
    const char *signing_region; /* NULL: the Region asked for */
} exceptions[] = {
    {"sts", "aws", "aws-global", PLAIN, "sts.amazonaws.com", "us-east-1"},

    /* GovCloud's ordinary endpoints are FIPS endpoints: many services have no other name there. */
    {"access-analyzer", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"acm", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"acm-pca", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"cloudformation", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"cloudtrail", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"events", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"events", "aws-us-gov", NULL, FIPS_DUAL, "{label}.{region}.{dual}", NULL},
    {"guardduty", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"identitystore", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"logs", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"sqs", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"ssm", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"sso", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},
    {"sts", "aws-us-gov", NULL, FIPS, "{label}.{region}.{dns}", NULL},

    /* Secrets Manager answers both address families on its ordinary name. */
    {"secretsmanager", "aws", NULL, DUAL, "{label}.{region}.{dns}", NULL},
    {"secretsmanager", "aws", NULL, FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"secretsmanager", "aws-us-gov", NULL, DUAL, "{label}.{region}.{dns}", NULL},
    {"secretsmanager", "aws-us-gov", NULL, FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"secretsmanager", "aws-cn", NULL, DUAL, "{label}.{region}.{dns}", NULL},

    /* Cognito's dual-stack names. */
    {"cognito-idp", "aws", NULL, DUAL, "{label}.{region}.{dns}", NULL},
    {"cognito-idp", "aws", "us-east-1", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-idp", "aws", "us-east-2", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-idp", "aws", "us-west-1", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-idp", "aws", "us-west-2", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-identity", "aws", NULL, DUAL, "{label}.{region}.{dns}", NULL},
    {"cognito-identity", "aws", "us-east-1", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-identity", "aws", "us-east-2", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-identity", "aws", "us-west-1", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},
    {"cognito-identity", "aws", "us-west-2", FIPS_DUAL, "{label}-fips.{region}.{dns}", NULL},

    /* IAM: one endpoint a partition. */
    {"iam", "aws", NULL, PLAIN, "iam.amazonaws.com", "{iam}"},
    {"iam", "aws", NULL, DUAL, "iam.global.api.aws", "{iam}"},
    {"iam", "aws", NULL, FIPS_DUAL, "iam-fips.global.api.aws", "{iam}"},
    {"iam", "aws-cn", NULL, DUAL, "iam.global.{dual}", "{iam}"},
    {"iam", "aws-eusc", NULL, DUAL, "iam.global.{dual}", "{iam}"},
    {"iam", "aws-us-gov", NULL, PLAIN | FIPS, "iam.us-gov.{dns}", "{iam}"},
    {"iam", "aws-us-gov", NULL, DUAL | FIPS_DUAL, "iam.us-gov.{dual}", "{iam}"},
    {"iam", "aws-iso", NULL, FIPS, "iam-fips.{iam}.{dns}", "{iam}"},
    {"iam", "aws-iso-b", NULL, FIPS, "iam-fips.{iam}.{dns}", "{iam}"},
    {"iam", NULL, NULL, PLAIN, "iam.{iam}.{dns}", "{iam}"},
    {"iam", NULL, NULL, FIPS, "iam-fips.{dns}", "{iam}"},
    {"iam", NULL, NULL, DUAL, "iam.{dual}", "{iam}"},
    {"iam", NULL, NULL, FIPS_DUAL, "iam-fips.{dual}", "{iam}"},

    /* Organizations: one Region a partition, but only where the rule set says so. */
    {"organizations", "aws", NULL, PLAIN, "{label}.us-east-1.{dns}", "us-east-1"},
    {"organizations", "aws", NULL, FIPS, "{label}-fips.us-east-1.{dns}", "us-east-1"},
    {"organizations", "aws-cn", NULL, PLAIN, "{label}.cn-northwest-1.{dns}", "cn-northwest-1"},
    {"organizations", "aws-us-gov", NULL, PLAIN | FIPS, "{label}.us-gov-west-1.{dns}",
     "us-gov-west-1"},
    {"organizations", "aws-iso", NULL, PLAIN, "{label}.us-iso-east-1.{dns}", "us-iso-east-1"},
    {"organizations", "aws-iso-b", NULL, PLAIN, "{label}.us-isob-east-1.{dns}", "us-isob-east-1"},
    {"organizations", "aws-iso-f", NULL, PLAIN, "{label}.us-isof-south-1.{dns}", "us-isof-south-1"},
};

/* The Regions that `legacy` sends to the global STS; every later one is Regional regardless. */
static const char *const sts_legacy_regions[] = {
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1",   "eu-north-1", "eu-west-1",      "eu-west-2",      "eu-west-3",
    "sa-east-1",      "us-east-1",  "us-east-2",      "us-west-1",      "us-west-2",
};

static const struct exception *find_exception(const char *label, const char *partition,
                                              const char *region, unsigned variant)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        const struct exception *row = &exceptions[i];
        if (strcmp(row->label, label) == 0 && (row->variants & variant) &&
            (!row->partition || strcmp(row->partition, partition) == 0) &&
            (!row->region || strcmp(row->region, region) == 0))
            return row;
    }
    return NULL;
}

struct words {
    const char *label, *region;
    const struct partition *partition;
};

static const char *word_value(const struct words *words, struct text name)
{
    if (text_is(name, "label"))
        return words->label;
    if (text_is(name, "region"))
        return words->region;
    if (text_is(name, "dns"))
        return words->partition->dns_suffix;
    if (text_is(name, "dual"))
        return words->partition->dual_dns_suffix;
    return words->partition->iam_region; /* {iam} */
}

static const char *expand(struct arena *arena, const char *pattern, const struct words *words)
{
    struct buf out;
    buf_init(&out, 512);
    for (const char *at = pattern; *at;) {
        const char *open = strchr(at, '{'), *close = open ? strchr(open, '}') : NULL;
        if (!close) {
            buf_append_text(&out, at);
            break;
        }
        struct text name = {open + 1, (size_t)(close - open - 1)};
        buf_append(&out, at, (size_t)(open - at));
        buf_append_text(&out, word_value(words, name));
        at = close + 1;
    }
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_done(&out);
    return text;
}

static bool sts_is_global(const struct aws_service *service, const char *region,
                          const struct endpoint_options *options)
{
    if (!options->sts_legacy || options->fips || options->dual_stack ||
        strcmp(service->host_label, "sts") != 0)
        return false;
    for (size_t i = 0; i < sizeof sts_legacy_regions / sizeof sts_legacy_regions[0]; i++)
        if (strcmp(sts_legacy_regions[i], region) == 0)
            return true;
    return false;
}

static int check_region(const char *region, struct error *err)
{
    if (!region || !*region)
        return error_set(err, ERR_INVALID,
                         "no Region is configured: use --region, AWS_REGION or the profile's "
                         "\"region\"");
    const char *pseudo = partition_of(region)->global_region;
    if (!region_valid(region) && (!pseudo || strcmp(pseudo, region) != 0))
        return error_set(err, ERR_INVALID, "\"%.64s\" is not the name of a Region", region);
    return 0;
}

static int use_custom(struct arena *arena, const struct endpoint_options *options,
                      const char *region, struct endpoint *out, struct error *err)
{
    if (options->fips)
        return error_set(err, ERR_INVALID, "use_fips_endpoint does not go with an endpoint URL");
    if (options->dual_stack)
        return error_set(err, ERR_INVALID,
                         "use_dualstack_endpoint does not go with an endpoint URL");
    struct url parsed;
    if (url_parse(arena, options->url, &parsed, err) != 0)
        return error_context(err, "endpoint URL");
    if (parsed.query)
        return error_set(err, ERR_INVALID, "endpoint URL %s: a query is not allowed", options->url);
    char *url = arena_strdup(arena, options->url);
    for (size_t len = strlen(url); len && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    *out = (struct endpoint){url, arena_strdup(arena, region), true};
    return 0;
}

int endpoint_resolve(struct arena *arena, const struct aws_service *service, const char *region,
                     const struct endpoint_options *options, struct endpoint *out,
                     struct error *err)
{
    if (check_region(region, err) != 0)
        return -1;
    if (options->url)
        return use_custom(arena, options, region, out, err);
    if (sts_is_global(service, region, options))
        region = "aws-global";

    struct words words = {service->host_label, region, partition_of(region)};
    unsigned variant = options->fips ? (options->dual_stack ? FIPS_DUAL : FIPS)
                                     : (options->dual_stack ? DUAL : PLAIN);
    const struct exception *row =
        find_exception(service->host_label, words.partition->name, region, variant);
    static const char *const ordinary[] = {
        [PLAIN] = "{label}.{region}.{dns}",
        [FIPS] = "{label}-fips.{region}.{dns}",
        [DUAL] = "{label}.{region}.{dual}",
        [FIPS_DUAL] = "{label}-fips.{region}.{dual}",
    };
    const char *host = expand(arena, row ? row->host : ordinary[variant], &words);
    out->url = arena_printf(arena, "https://%s", host);
    out->signing_region =
        expand(arena, row && row->signing_region ? row->signing_region : "{region}", &words);
    out->custom = false;
    return 0;
}

/* --- configured URLs -------------------------------------------------------------------------- */

/* A service id as it stands in a variable's name (upper case) or in a services section (lower). */
static char *service_word(struct arena *arena, const char *name, bool upper)
{
    char *word = arena_strdup(arena, name);
    for (char *at = word; *at; at++) {
        if (*at == ' ' || *at == '-')
            *at = '_';
        else if (upper && *at >= 'a' && *at <= 'z')
            *at -= 'a' - 'A';
        else if (!upper && *at >= 'A' && *at <= 'Z')
            *at += 'a' - 'A';
    }
    return word;
}

static int services_section(const struct settings *settings, const char *word, const char **url,
                            struct error *err)
{
    const char *name = settings_profile_key(settings, settings->profile, "services");
    if (!name)
        return 0;
    const struct profile_section *section = profile_find(&settings->config, PROFILE_SERVICES, name);
    if (!section)
        return error_set(err, ERR_INVALID,
                         "profile %s names services = %s, but %s has no [services %s]",
                         settings->profile, name, settings->config.path, name);
    *url = profile_nested(section, word, "endpoint_url");
    return 0;
}

int endpoint_configured(struct arena *arena, const struct settings *settings,
                        const struct aws_service *service, const char **url, struct error *err)
{
    bool ignore;
    *url = NULL;
    if (settings_bool(settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                      "ignore_configured_endpoint_urls", false, &ignore, err) != 0)
        return -1;
    if (ignore)
        return 0;
    const char *variable =
        arena_printf(arena, "AWS_ENDPOINT_URL_%s", service_word(arena, service->name, true));
    *url = settings_env(settings, variable);
    if (!*url)
        *url = settings_env(settings, "AWS_ENDPOINT_URL");
    if (!*url &&
        services_section(settings, service_word(arena, service->name, false), url, err) != 0)
        return -1;
    if (!*url)
        *url = settings_profile_key(settings, settings->profile, "endpoint_url");
    return 0;
}

int endpoint_options_read(struct arena *arena, const struct client_shared *shared,
                          const struct aws_service *service, struct endpoint_options *out,
                          struct error *err)
{
    const struct settings *settings = shared->settings;
    *out = (struct endpoint_options){.url = shared->endpoint_url};
    if (!out->url && !shared->ignore_configured_endpoints &&
        endpoint_configured(arena, settings, service, &out->url, err) != 0)
        return -1;
    if (settings_bool(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", false, &out->fips,
                      err) != 0 ||
        settings_bool(settings, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", false,
                      &out->dual_stack, err) != 0)
        return -1;
    const char *sts =
        settings_text(settings, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");
    if (sts && strcmp(sts, "legacy") != 0 && strcmp(sts, "regional") != 0)
        return error_set(err, ERR_INVALID, "sts_regional_endpoints must be regional or legacy");
    out->sts_legacy = sts && strcmp(sts, "legacy") == 0;
    return 0;
}
