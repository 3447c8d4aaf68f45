#include "engine/parity.h"

#include "base/json.h"
#include "engine/details.h"

#include <errno.h>
#include <string.h>

enum {
    ALL_SHOWN = 20,
    COLUMNS = 104, /* where there is no terminal: four Regions beside a key's id */
    NAME_MOST = 40,
    CELL_MOST = 30,
    CELL_LEAST = 14, /* the longest names of Regions */
    LONGEST_ROW = 4 * 1024 * 1024,
};

struct gathering {
    const struct engine *engine;
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

static const char not_seen[] = "not seen";

static void set_cell(struct arena *arena, const struct step *step, struct parity_row *row)
{
    const char *text = "=", *few = NULL;
    switch (step->action) {
    case STEP_EQUAL:
        few = details_aside(arena, step->details);
        few = few ? arena_printf(arena, "=, %s", few) : NULL;
        break;
    case STEP_CREATE:
        text = "missing";
        break;
    case STEP_UPDATE:
    case STEP_KEPT:
        text = changes_of(arena, step);
        break;
    case STEP_DELETE:
    case STEP_MARK:
    case STEP_EXTRA:
        text = "left over";
        break;
    default:
        few = step->action == STEP_FAILED ? not_seen : "not carried";
        text = step->reason ? arena_strdup(arena, step->reason) : few;
        row->unseen = row->unseen || step->action == STEP_FAILED;
    }
    row->cells[step->destination] = text;
    row->words[step->destination] = few ? few : text;
    row->details[step->destination] = step->details ? arena_strdup(arena, step->details) : NULL;
}

static int flush(struct gathering *gathering, struct error *err)
{
    struct parity_row *row = &gathering->row;
    for (unsigned i = 0; row->key && i + 1 < gathering->engine->side_count; i++)
        if (gathering->engine->sides[i + 1].failed) {
            row->cells[i] = row->words[i] = not_seen;
            row->unseen = true;
        }
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
    set_cell(arena, step, row);
    row->differs = row->differs || step->action != STEP_EQUAL;
    return 0;
}

int parity_each(struct engine *engine, parity_fn *each, void *arg, struct error *err)
{
    struct gathering gathering = {.engine = engine, .each = each, .arg = arg};
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
    FILE *out;
    struct engine *engine;
    size_t rows, differing;
    int name, cell;
    unsigned places[DESTINATIONS_MAX], count; /* destinations that were seen */
    unsigned first, end;                      /* those of this part of it, in `places` */
    bool all;
};

static const char *label_of(const struct table *table, const struct parity_row *row)
{
    const struct resource_kind *kind = table->engine->kind;
    return kind->known_as ? kind->known_as(row->name, row->type) : row->name;
}

static bool shown(const struct table *table, const struct parity_row *row)
{
    return table->all || row->differs;
}

static void widen(int *width, const char *text, int most)
{
    int len = text ? (int)strlen(text) : 0;
    len = len < most ? len : most;
    *width = *width < len ? len : *width;
}

static int count_row(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    (void)err;
    table->rows++;
    table->differing += row->differs;
    return 0;
}

static int measure(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    (void)err;
    if (!shown(table, row))
        return 0;
    widen(&table->name, label_of(table, row), NAME_MOST);
    for (unsigned i = 0; i < table->count; i++)
        widen(&table->cell, row->words[table->places[i]], CELL_MOST);
    return 0;
}

/* How much of a cell's text is on its next line: whole items, "policy, tags.team". */
static size_t piece(const char *text, size_t width)
{
    size_t len = strlen(text);
    if (len <= width)
        return len;
    for (size_t i = width; i > 0; i--)
        if (text[i - 1] == ' ')
            return i;
    return width;
}

/* Texts come from outside: nothing in them may move the cursor. Returns what is left for the next
 * line. */
static const char *put(FILE *out, const char *text, int width, bool last)
{
    size_t len = piece(text, (size_t)width), end = len;
    const char *rest = text + len;
    while (end && text[end - 1] == ' ')
        end--;
    for (size_t i = 0; i < end; i++)
        fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], out);
    if (!last)
        fprintf(out, "%*s", width - (int)end, "");
    return rest;
}

/* A line for each piece of the longest cell. */
static int show(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    const char *name = label_of(table, row), *left[DESTINATIONS_MAX], *words;
    bool more = true;
    (void)err;
    if (!shown(table, row))
        return 0;
    for (unsigned i = table->first; i < table->end; i++)
        left[i] = (words = row->words[table->places[i]]) != NULL ? words : "";
    while (more) {
        unsigned last = table->first;
        more = false;
        for (unsigned i = table->first; i < table->end; i++)
            last = *left[i] ? i : last;
        fputs("  ", table->out);
        name = put(table->out, name, table->name, false);
        for (unsigned i = table->first; i <= last; i++) {
            fputs("  ", table->out);
            left[i] = put(table->out, left[i], table->cell, i == last);
            more = more || *left[i];
        }
        more = more || *name;
        fputc('\n', table->out);
    }
    return 0;
}

/* What is not said by steps that are shown above: of those that are equal. */
static int show_details(const struct parity_row *row, void *arg, struct error *err)
{
    struct table *table = arg;
    (void)err;
    for (unsigned i = 0; i + 1 < table->engine->side_count; i++) {
        if (!row->cells[i] || strcmp(row->cells[i], "=") != 0 || !details_count(row->details[i]))
            continue;
        fputs("  ", table->out);
        put(table->out, label_of(table, row), (int)strlen(label_of(table, row)), true);
        fprintf(table->out, " in %s\n", table->engine->sides[i + 1].config->region);
        details_show(table->out, row->details[i], 6);
    }
    return 0;
}

static int show_part(struct table *table, struct error *err)
{
    fprintf(table->out, "  %-*s", table->name, "parity");
    for (unsigned i = table->first; i < table->end; i++)
        fprintf(table->out, "  %-*s", i + 1 < table->end ? table->cell : 0,
                table->engine->sides[table->places[i] + 1].config->region);
    fputc('\n', table->out);
    return parity_each(table->engine, show, table, err);
}

int parity_report(const struct report *report, struct engine *engine, struct error *err)
{
    struct table table = {.out = report->out, .engine = engine, .name = 6, .cell = CELL_LEAST};
    int columns = report->columns ? report->columns : COLUMNS;
    for (unsigned i = 0; i + 1 < engine->side_count; i++)
        if (!engine->sides[i + 1].failed)
            table.places[table.count++] = i;
    if (parity_each(engine, count_row, &table, err) != 0)
        return -1;
    table.all = table.rows <= ALL_SHOWN;
    if (!table.rows || parity_each(engine, measure, &table, err) != 0)
        return table.rows ? -1 : 0;
    /* Cells give way before Regions do. */
    int room = table.count ? (columns - 2 - table.name) / (int)table.count - 2 : 0;
    if (table.cell > room)
        table.cell = room > CELL_LEAST ? room : CELL_LEAST;
    unsigned fit = (unsigned)((columns - 2 - table.name) / (table.cell + 2));
    bool any = table.all || table.differing;
    for (unsigned i = 0; any && i < table.count; i = table.end) {
        table.first = i;
        table.end = i + fit < table.count ? i + fit : table.count;
        if (show_part(&table, err) != 0)
            return -1;
    }
    return parity_each(engine, show_details, &table, err);
}

/* --- for programs ----------------------------------------------------------------------------- */
struct writing {
    struct engine *engine;
    FILE *out;
    struct buf line;
};

static void put_details(const struct engine *engine, const struct parity_row *row,
                        struct json_writer *w)
{
    bool any = false;
    for (unsigned i = 0; i + 1 < engine->side_count; i++)
        any = any || row->details[i];
    if (!any)
        return;
    json_key(w, "details");
    json_open(w);
    for (unsigned i = 0; i + 1 < engine->side_count; i++)
        if (row->details[i]) {
            json_key(w, engine->sides[i + 1].config->region);
            json_write_raw(w, row->details[i], strlen(row->details[i]));
        }
    json_close(w);
}

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
    json_put_bool(&w, "equal", !row->differs && !row->unseen);
    json_key(&w, "regions");
    json_open(&w);
    for (unsigned i = 0; i + 1 < writing->engine->side_count; i++)
        if (row->cells[i])
            json_put_text(&w, writing->engine->sides[i + 1].config->region, row->cells[i]);
    json_close(&w);
    put_details(writing->engine, row, &w);
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
