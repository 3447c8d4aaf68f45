#include "event/canary.h"

#include "engine/scope.h"
#include "resource/services.h"

#include <string.h>

int canary_write(struct session *session, struct arena *arena, const char *region, const char *name,
                 int64_t now_ms, struct error *err)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format_iso_ms(now_ms, time);
    struct aws_client *client = session_client(session, &service_ssm, region, false, err);
    if (!client)
        return -1;
    json_t *in =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "Name", name, "Value", time, "Type", "String",
                  "Description", "Written by understudy to measure replication", "Overwrite", 1);
    int result = aws_call(client, arena, &operation_ssm_put_parameter, in, NULL, err);
    json_decref(in);
    return result;
}

bool canary_carried(struct arena *arena, const struct config_set *set, const struct config *config,
                    const char *name)
{
    struct scope scope;
    const struct resource_kind *kind = config->kind ? config->kind : &resource_ssm_parameter;
    if (kind != &resource_ssm_parameter ||
        strcmp(config->source.region, set->items[0].source.region) != 0)
        return false;
    scope_init(&scope, arena, config);
    return scope_selects(&scope, kind->key_of(name));
}
