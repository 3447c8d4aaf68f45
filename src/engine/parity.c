#include "engine/parity.h"

#include "base/json.h"

#include <errno.h>
#include <string.h>

enum { ALL_SHOWN = 20, CELL_MOST = 40, LONGEST_ROW = 1024 * 1024 };

struct gathering {
    struct arena arena; /* of the row */
    struct parity_row row;
    parity_fn *each;
    void *arg;
};

static const char *changes_of(struct arena *arena, const struct step *step)
{
    json_t *changes = json_read(step->changes, strlen(step->changes), NULL), *change;
    const char *text = "";
    size_t i;
    json_array_foreach(changes, i, change)
    {
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", json_string_value(change));
    }
    json_decref(changes);
    return text;
}

static const char *cell_of(struct arena *arena, const struct step *step)
{
    switch (step->action) {
    case STEP_EQUAL:
        return "=";
    case STEP_CREATE:
        return "missing";
    case STEP_UPDATE:
    case STEP_KEPT:
        return changes_of(arena, step);
    case STEP_DELETE:
    case STEP_MARK:
    case STEP_EXTRA:
        return "left over";
    default:
        return step->reason ? arena_strdup(arena, step->reason) : "not carried";
    }
}

static int flush(struct gathering *gathering, struct error *err)
{
    int result = gathering->row.key ? gathering->each(&gathering->row, gathering->arg, err) : 0;
    gathering->row = (struct parity_row){0};
    arena_reset(&gathering->arena);
    return result;
}

static int gather(const struct step *step, void *arg, struct error *err)
{
    struct gathering *gathering = arg;
    struct parity_row *row = &gathering->row;
    struct arena *arena = &gathering->arena;
    if (row->key && strcmp(row->key, step->key) != 0 && flush(gathering, err) != 0)
        return -1;
    if (!row->key) {
        row->key = arena_strdup(arena, step->key);
        row->name = arena_strdup(arena, step->name);
        row->type = arena_strdup(arena, step->type ? step->type : "");
    }
    row->cells[step->destination] = cell_of(arena, step);
    row->differs = row->differs || step->action != STEP_EQUAL;
    return 0;
}

int parity_each(struct engine *engine, parity_fn *each, void *arg, struct error *err)
{
    struct gathering gathering = {.each = each, .arg = arg};
    struct arena scratch;
    if (!engine->kind->parity)
        return 0;
    arena_init(&gathering.arena);
    arena_init(&scratch);
    int result = inventory_steps(engine->inventory, &scratch, gather, &gathering, err);
    if (result == 0)
        result = flush(&gathering, err);
    arena_done(&scratch);
    arena_done(&gathering.arena);
    return result;
}

/* --- for people ------------------------------------------------------------------------------- */
struct table {
    const struct report *report;
    struct engine *engine;
    size_t rows, differing;
    int name, type, cells[DESTINATIONS_MAX];
    bool all;
};

static void widen(int *width, const char *text, int most)
{
    int len = text ? (int)strlen(text) : 0;
    len = len < most ? len : most;
    *width = *width < len ? len : *width;
}

static int measure(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    (void)err;
    table->rows++;
    table->differing += row->differs;
    widen(&table->name, row->name, 2 * CELL_MOST);
    widen(&table->type, row->type, CELL_MOST);
    for (unsigned i = 0; i + 1 < table->engine->side_count; i++)
        widen(&table->cells[i], row->cells[i], CELL_MOST);
    return 0;
}

/* Texts come from outside: nothing in them may move the cursor. */
static void put(FILE *out, const char *text, int width)
{
    int len = 0;
    for (; *text && len < width; text++, len++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
    fprintf(out, "%*s", width - len, "");
}

static int show(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    FILE *out = table->report->out;
    (void)err;
    if (!row->differs && !table->all)
        return 0;
    fputs("  ", out);
    put(out, row->name, table->name);
    fputs("  ", out);
    put(out, row->type, table->type);
    for (unsigned i = 0; i + 1 < table->engine->side_count; i++) {
        fputs("  ", out);
        put(out, row->cells[i] ? row->cells[i] : "", table->cells[i]);
    }
    fputc('\n', out);
    return 0;
}

int parity_report(const struct report *report, struct engine *engine, struct error *err)
{
    struct table table = {.report = report, .engine = engine};
    for (unsigned i = 0; i + 1 < engine->side_count; i++)
        widen(&table.cells[i], engine->sides[i + 1].config->region, CELL_MOST);
    if (parity_each(engine, measure, &table, err) != 0)
        return -1;
    table.all = table.rows <= ALL_SHOWN;
    if (!table.rows || (!table.all && !table.differing))
        return 0;
    fprintf(report->out, "  %-*s  %-*s", table.name, "parity", table.type, "");
    for (unsigned i = 0; i + 1 < engine->side_count; i++)
        fprintf(report->out, "  %-*s", table.cells[i], engine->sides[i + 1].config->region);
    fputc('\n', report->out);
    return parity_each(engine, show, &table, err);
}

/* --- for programs ----------------------------------------------------------------------------- */
struct writing {
    struct engine *engine;
    FILE *out;
    struct buf line;
};

static int write_row(const struct parity_row *row, void *arg, struct error *err)
{
    struct writing *writing = arg;
    struct json_writer w;
    buf_reset(&writing->line);
    json_writer_init(&w, &writing->line);
    json_open(&w);
    json_put_text(&w, "type", "parity");
    json_put_text(&w, "key", row->key);
    json_put_text(&w, "label", row->type);
    json_put_bool(&w, "equal", !row->differs);
    json_key(&w, "regions");
    json_open(&w);
    for (unsigned i = 0; i + 1 < writing->engine->side_count; i++)
        if (row->cells[i])
            json_put_text(&w, writing->engine->sides[i + 1].config->region, row->cells[i]);
    json_close(&w);
    json_close(&w);
    buf_append_char(&writing->line, '\n');
    if (writing->line.overflow)
        return error_set(err, ERR_LIMIT, "a line of parity is too long");
    if (fwrite(writing->line.data, 1, writing->line.len, writing->out) != writing->line.len)
        return error_errno(err, errno, "cannot write parity");
    return 0;
}

int parity_write(struct engine *engine, FILE *out, struct error *err)
{
    struct writing writing = {.engine = engine, .out = out};
    buf_init(&writing.line, LONGEST_ROW);
    int result = parity_each(engine, write_row, &writing, err);
    buf_done(&writing.line);
    return result;
}
