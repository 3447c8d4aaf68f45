/* What promote, failback and reencrypt need. */
#include "aws/arn.h"
#include "aws/denial.h"
#include "base/text.h"
#include "engine/identity.h"
#include "engine/mapping.h"
#include "engine/permissions_parts.h"
#include "resource/services.h"

#include <string.h>

/* Source: KMS developer guide, of changing the primary (kms:UpdatePrimaryRegion on the key in both
 * Regions; the caller is one), and of ReEncrypt; shared facts kms.md section 4. What promote looks
 * at is the same on both sides, as failback goes the other way. */
const struct permission_command_row permission_command_rows[] = {
    {PERMISSIONS_OF_PROMOTE, &operation_kms_list_keys, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_ALL, false},
    {PERMISSIONS_OF_PROMOTE, &operation_kms_list_aliases, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_ALL, false},
    {PERMISSIONS_OF_PROMOTE, &operation_kms_describe_key, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_MULTI, false},
    {PERMISSIONS_OF_PROMOTE, &operation_kms_get_key_policy, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_MULTI, false},
    {PERMISSIONS_OF_PROMOTE, &operation_kms_list_resource_tags, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_MULTI_CHOSEN, false},
    {PERMISSIONS_OF_PROMOTE, &operation_kms_update_primary_region, NULL, ON_SOURCE | ON_DESTINATION,
     PERMISSION_MULTI_BOTH, false},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_decrypt, NULL, ON_SOURCE, PERMISSION_SOURCE_KEY,
     false},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_describe_key, NULL, ON_SOURCE, PERMISSION_SOURCE_KEY,
     true},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_describe_key, NULL, ON_DESTINATION, PERMISSION_KEY,
     false},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_encrypt, NULL, ON_DESTINATION, PERMISSION_KEY, false},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_generate_data_key, NULL, ON_DESTINATION,
     PERMISSION_KEY, false},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_describe_key, NULL, ON_DESTINATION,
     PERMISSION_SOURCE_KEY, true},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_re_encrypt, "kms:ReEncryptFrom", ON_DESTINATION,
     PERMISSION_SOURCE_KEY, true},
    {PERMISSIONS_OF_REENCRYPT, &operation_kms_re_encrypt, "kms:ReEncryptTo", ON_DESTINATION,
     PERMISSION_KEY, true},
    {0},
};

/* One side, as the command acts there. */
struct place {
    struct arena *arena;
    const struct config *config;
    const struct config_side *side;
    bool destination;
    const char *partition, *account;
    const struct permission_options *options;
};

/* Can KMS do it inside, without giving the plaintext? In one Region, or where the destination has
 * the source's key, too. */
static bool inside(const struct place *place)
{
    const struct config_side *source = &place->config->source;
    const char *key = place->options->source_key;
    bool multi = key && text_starts(mapping_short_key(key).data, "mrk-");
    return multi || (place->destination && strcmp(source->region, place->side->region) == 0 &&
                     identity_same(source, place->side));
}

static const char *key_arn(const struct place *place, const struct config_side *side,
                           const char *id)
{
    return arn_format(place->arena, place->partition, "kms", side->region, place->account,
                      arena_printf(place->arena, "key/%s", id));
}

/* The keys that the configuration selects, by their ids: they are the same in every Region. */
static void add_multi(const struct place *place, const struct config_side *side,
                      struct permission_statement *out)
{
    const struct config *config = place->config;
    bool chosen = config->kind == &resource_kms_key;
    for (size_t i = 0; chosen && i < config->include_count; i++)
        permission_add_text(place->arena, &out->resources,
                            key_arn(place, side,
                                    resource_kms_key.iam_name(place->arena, "key/",
                                                              config->include[i])));
    if (!chosen || !config->include_count)
        permission_add_text(place->arena, &out->resources, key_arn(place, side, "mrk-*"));
}

/* By id, by ARN, or by an alias, which IAM knows in a condition only; NULL: any. `related`: the
 * key of another Region, as this one has it. */
static void add_key(const struct place *place, const char *key, bool related,
                    struct permission_statement *out)
{
    struct text name = key ? mapping_short_key(key) : text_of("*");
    const char *id = arena_strndup(place->arena, name.data, name.len);
    struct arn parsed;
    if (key && text_starts(id, "alias/")) {
        permission_add_text(place->arena, &out->resources, key_arn(place, place->side, "*"));
        permission_add_condition(out, "ForAnyValue:StringEquals", "kms:ResourceAliases",
                                 permission_one_text(place->arena, id));
        return;
    }
    bool whole = key && !related && arn_parse(key, strlen(key), &parsed) == 0;
    permission_add_text(place->arena, &out->resources,
                        whole ? key : key_arn(place, place->side, id));
}

static struct permission_statement statement_of(const struct place *place,
                                                enum permission_command_key key)
{
    struct permission_statement out = {0};
    const struct config *config = place->config;
    const char *source = place->options->source_key;
    switch (key) {
    case PERMISSION_ALL:
        out.sid = "List";
        permission_add_text(place->arena, &out.resources, "*");
        permission_add_condition(&out, "StringEquals", "aws:RequestedRegion",
                                 permission_one_text(place->arena, place->side->region));
        break;
    case PERMISSION_MULTI:
        out.sid = "MultiRegionKeys";
        add_multi(place, place->side, &out);
        break;
    case PERMISSION_MULTI_CHOSEN:
        out.sid = "Choose";
        if (config->kind == &resource_kms_key)
            add_multi(place, place->side, &out);
        break;
    case PERMISSION_MULTI_BOTH:
        out.sid = "Promote";
        for (size_t i = 0; i <= config->destination_count; i++) {
            const struct config_side *other = i ? &config->destinations[i - 1] : &config->source;
            if (other == place->side || place->destination == (i == 0))
                add_multi(place, other, &out);
        }
        break;
    case PERMISSION_SOURCE_KEY:
        out.sid = "SourceKey";
        add_key(place, source,
                place->destination &&
                    strcmp(place->config->source.region, place->side->region) != 0,
                &out);
        break;
    case PERMISSION_KEY:
        out.sid = "Key";
        add_key(place, place->options->key, false, &out);
        break;
    }
    return out;
}

void permissions_of_command(struct arena *arena, const struct config *config, size_t side,
                            const char *partition, const char *account,
                            const struct permission_options *options,
                            struct permission_policy *policy)
{
    const struct place place = {.arena = arena,
                                .config = config,
                                .side = side ? &config->destinations[side - 1] : &config->source,
                                .destination = side > 0,
                                .partition = partition,
                                .account = account,
                                .options = options};
    const unsigned here = side ? ON_DESTINATION : ON_SOURCE;
    for (enum permission_command_key key = PERMISSION_ALL; key <= PERMISSION_KEY; key++) {
        struct permission_statement statement = statement_of(&place, key);
        for (const struct permission_command_row *row = permission_command_rows; row->sides;
             row++) {
            char action[128];
            if (row->command != options->command || !(row->sides & here) || row->key != key ||
                (row->inside && !inside(&place)))
                continue;
            denial_action(row->operation->service->signing_name, row->operation->name, action,
                          sizeof action);
            permission_add_text(arena, &statement.actions,
                                row->action ? row->action : arena_strdup(arena, action));
        }
        permission_add_statement(arena, policy, &statement);
    }
    policy->sides =
        arena_printf(arena, "%s%s%s%s", policy->sides ? policy->sides : "",
                     policy->sides ? ", " : "", side ? "to " : "from ", place.side->region);
}

bool permissions_left_out(const struct config_set *set, const struct config *config,
                          const struct permission_options *options)
{
    bool keys = false;
    for (size_t i = 0; i < set->count; i++)
        keys = keys || set->items[i].kind == &resource_kms_key;
    /* As promote chooses: the replications about keys, where there are such. */
    return options->command == PERMISSIONS_OF_PROMOTE && keys && config->kind != &resource_kms_key;
}
