#include "local/faults.h"

#include "local/fault_rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct faults {
    pthread_mutex_t mutex; /* of all below */
    struct fault_rules *rules, *first;
    int64_t latency_ms;
    atomic_bool any; /* latency or rules: read without the mutex */
};

/* splitmix64: small, and the same everywhere. Nothing here is a secret. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double draw_fraction(uint64_t *state)
{
    return (double)(draw(state) >> 11) * 0x1p-53;
}

/* With the mutex, or before anybody else knows of it. */
static void begin(struct faults *faults, struct fault_rules *rules)
{
    for (size_t i = 0; rules && i < rules->count; i++) {
        uint64_t place = rules->seed + i;
        rules->rules[i].chance = draw(&place);
        rules->rules[i].matched = rules->rules[i].hits = 0;
    }
    faults->rules = rules;
    atomic_store(&faults->any, faults->latency_ms > 0 || (rules && rules->count));
}

struct faults *faults_new(struct fault_rules *first, int64_t latency_ms)
{
    struct faults *faults = memory_alloc(sizeof *faults);
    pthread_mutex_init(&faults->mutex, NULL);
    faults->first = first;
    faults->latency_ms = latency_ms;
    begin(faults, first);
    return faults;
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    if (faults->rules != faults->first)
        fault_rules_free(faults->rules);
    fault_rules_free(faults->first);
    pthread_mutex_destroy(&faults->mutex);
    free(faults);
}

void faults_set(struct faults *faults, struct fault_rules *rules)
{
    pthread_mutex_lock(&faults->mutex);
    struct fault_rules *old = faults->rules;
    begin(faults, rules);
    if (old != faults->first && old != rules)
        fault_rules_free(old);
    pthread_mutex_unlock(&faults->mutex);
}

void faults_reset(struct faults *faults)
{
    faults_set(faults, faults->first);
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool hits(struct fault_rule *rule, const struct fault_call *call)
{
    if ((rule->count && rule->hits >= rule->count) ||
        !fault_pattern_matches(rule->service, call->service) ||
        !fault_pattern_matches(rule->operation, call->operation) ||
        !fault_pattern_matches(rule->region, call->region) ||
        !fault_pattern_matches(rule->account, call->account))
        return false;
    rule->matched++;
    if (rule->probability < 1 && draw_fraction(&rule->chance) >= rule->probability)
        return false;
    rule->hits++;
    return true;
}

/* The texts of the rules may be gone before the call is answered. */
static const char *keep(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

static void add(struct fault *fault, struct arena *arena, struct fault_rule *rule)
{
    fault->latency_ms += rule->latency_ms;
    if (rule->jitter_ms)
        fault->latency_ms += (int64_t)(draw_fraction(&rule->chance) * (double)rule->jitter_ms);
    if (rule->effect == FAULT_NONE)
        return;
    fault->effect = rule->effect;
    fault->after = rule->after;
    fault->status = rule->status;
    fault->code = keep(arena, rule->code);
    fault->message = keep(arena, rule->message);
}

const struct fault *faults_next(struct faults *faults, struct arena *arena,
                                const struct fault_call *call)
{
    if (!atomic_load_explicit(&faults->any, memory_order_relaxed))
        return NULL;
    struct fault fault = {0};
    pthread_mutex_lock(&faults->mutex);
    fault.latency_ms = faults->latency_ms;
    for (size_t i = 0; faults->rules && i < faults->rules->count; i++) {
        struct fault_rule *rule = &faults->rules->rules[i];
        if ((rule->effect == FAULT_NONE || fault.effect == FAULT_NONE) && hits(rule, call))
            add(&fault, arena, rule);
    }
    pthread_mutex_unlock(&faults->mutex);
    if (!fault.latency_ms && fault.effect == FAULT_NONE)
        return NULL;
    return arena_memdup(arena, &fault, sizeof fault);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void put_text(struct json_writer *out, const char *key, const char *text)
{
    if (text)
        json_put_text(out, key, text);
}

static void put_positive(struct json_writer *out, const char *key, int64_t value)
{
    if (value > 0)
        json_put_int(out, key, value);
}

static void write_rule(struct json_writer *out, const struct fault_rule *rule)
{
    json_open(out);
    json_put_text(out, "kind", rule->kind);
    put_text(out, "service", rule->service);
    put_text(out, "operation", rule->operation);
    put_text(out, "region", rule->region);
    put_text(out, "account", rule->account);
    char probability[32];
    int len = snprintf(probability, sizeof probability, "%.17g", rule->probability);
    json_key(out, "probability");
    json_write_raw(out, probability, (size_t)len);
    put_positive(out, "count", rule->count);
    put_positive(out, "ms", rule->latency_ms);
    put_positive(out, "jitter", rule->jitter_ms);
    put_positive(out, "status", rule->status);
    put_text(out, "code", rule->code);
    put_text(out, "message", rule->message);
    if (rule->effect != FAULT_NONE)
        json_put_text(out, "when", rule->after ? "after" : "before");
    json_put_int(out, "matched", rule->matched);
    json_put_int(out, "hits", rule->hits);
    json_close(out);
}

void faults_write(struct faults *faults, struct json_writer *out)
{
    pthread_mutex_lock(&faults->mutex);
    json_open(out);
    json_put_int(out, "seed", faults->rules ? (int64_t)faults->rules->seed : 0);
    json_put_int(out, "latency", faults->latency_ms);
    json_key(out, "rules");
    json_open_list(out);
    for (size_t i = 0; faults->rules && i < faults->rules->count; i++)
        write_rule(out, &faults->rules->rules[i]);
    json_close_list(out);
    json_close(out);
    pthread_mutex_unlock(&faults->mutex);
}
