/* run_table.c: POST /api/chert/v1/runs/table: a page of a table of runs in few bytes: the names of metrics, params and
 * tags once, then an array a run, so that a browser can hold 10,000 of them:
 *
 *     {"total": 3, "keys": {"metrics": ["rmse"], "params": [...], "tags": [...]}, "rows": [
 *         [run_id, experiment_id, name, status, user, start, end, stage, [metrics], [params], [tags]], ...]}
 *
 * Values stand where their names do; null, or nothing at the end of an array, where a run has none. */
#include "track/run/run_table.h"
#include "track/run/run_rows.h"
#include "track/search/run_search.h"

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 1000, LIMIT_MOST = 10000, PARTS = 3 };

static const struct {
    const char *name;
    ch_run_source from;
} COLUMNS[PARTS] = {
    {"metrics", CH_ROWS_METRICS},
    {"params", CH_ROWS_PARAMS},
    {"tags", CH_ROWS_TAGS},
};

/* A value of a run: `key` is the place of its name, the text is a piece of JSON. */
typedef struct cell {
    size_t key, start, end;
} cell;

/* One of the three groups of columns. */
typedef struct group {
    ch_map *places; /* name -> its place + 1 */
    const char **names;
    size_t nname, room;
    bool fixed;  /* the request named the columns */
    cell *cells; /* of all runs, those of a run together */
    size_t ncell, cell_room;
    ch_run_slice *of_run; /* into cells */
    ch_buf text;
} group;

typedef struct table {
    ch_call *call;
    ch_run_search search;
    ch_select page, count;
    int64_t offset, limit, total;
    group groups[PARTS];
    group *current;
} table;

static void *as_value(size_t place)
{
    return (void *)(uintptr_t)(place + 1);
}

/* The place of a name, which is added when new; false when it is not wanted. */
static bool place_of(table *t, group *g, const char *name, size_t *place)
{
    uintptr_t found = (uintptr_t)ch_map_get(g->places, name);
    if (!found && g->fixed) return false;
    if (!found) {
        if (g->nname == g->room) {
            g->names = ch_arena_grow(t->call->arena, g->names, sizeof *g->names, g->nname, g->room ? 2 * g->room : 32);
            g->room = g->room ? 2 * g->room : 32;
        }
        g->names[g->nname] = ch_arena_strdup(t->call->arena, name);
        ch_map_put(g->places, name, as_value(g->nname));
        found = ++g->nname;
    }
    *place = found - 1;
    return true;
}

static void take_cell(void *arg, const ch_db *db, ch_run_source from, size_t at)
{
    table *t = arg;
    group *g = t->current;
    cell c;
    if (!place_of(t, g, ch_db_get_text(db, 1), &c.key)) return;
    c.start = g->text.len;
    ch_json json = {.out = &g->text};
    if (from != CH_ROWS_METRICS)
        ch_json_string(&json, ch_db_get_text(db, 2));
    else if (ch_db_get_int(db, 5))
        ch_json_string(&json, "NaN");
    else
        ch_json_double(&json, ch_db_get_double(db, 2));
    c.end = g->text.len;
    if (g->ncell == g->cell_room) {
        size_t room = g->cell_room ? 2 * g->cell_room : 256;
        g->cells = ch_arena_grow(t->call->arena, g->cells, sizeof c, g->ncell, room);
        g->cell_room = room;
    }
    if (g->of_run[at].end == 0) g->of_run[at].start = g->ncell;
    g->cells[g->ncell++] = c;
    g->of_run[at].end = g->ncell;
}

/* --- JSON ---- */

static void write_keys(table *t)
{
    ch_json *out = &t->call->out;
    ch_json_key(out, "keys");
    ch_json_begin(out, '{');
    for (int part = 0; part < PARTS; part++) {
        ch_json_key(out, COLUMNS[part].name);
        ch_json_begin(out, '[');
        for (size_t i = 0; i < t->groups[part].nname; i++) ch_json_string(out, t->groups[part].names[i]);
        ch_json_end(out, ']');
    }
    ch_json_end(out, '}');
}

/* A run's values in the order of the names. `order` has room for all names. */
static void write_cells(ch_json *out, const group *g, size_t at, const cell **order)
{
    size_t n = 0;
    for (size_t i = g->of_run[at].start; i < g->of_run[at].end; i++) {
        const cell *c = &g->cells[i];
        while (n <= c->key) order[n++] = NULL;
        order[c->key] = c;
    }
    ch_json_begin(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (!order[i]) {
            ch_json_null(out);
            continue;
        }
        if (out->comma) ch_buf_char(out->out, ',');
        ch_buf_add(out->out, g->text.data + order[i]->start, order[i]->end - order[i]->start);
        out->comma = true;
    }
    ch_json_end(out, ']');
}

static void write_rows(table *t, const ch_run *runs, size_t count)
{
    ch_json *out = &t->call->out;
    size_t most = 1;
    for (int part = 0; part < PARTS; part++) most = t->groups[part].nname > most ? t->groups[part].nname : most;
    const cell **order = CH_NEW_ARRAY(t->call->arena, const cell *, most);
    ch_json_key(out, "rows");
    ch_json_begin(out, '[');
    for (size_t i = 0; i < count; i++) {
        const ch_run *run = &runs[i];
        char experiment[24];
        snprintf(experiment, sizeof experiment, "%lld", (long long)run->experiment);
        ch_json_begin(out, '[');
        ch_json_string(out, run->run_id);
        ch_json_string(out, experiment);
        ch_json_string(out, run->name);
        ch_json_string(out, run->status);
        ch_json_string(out, run->user_id);
        ch_json_int(out, run->start_time);
        if (run->has_end)
            ch_json_int(out, run->end_time);
        else
            ch_json_null(out);
        ch_json_string(out, run->deleted ? "deleted" : "active");
        for (int part = 0; part < PARTS; part++) write_cells(out, &t->groups[part], i, order);
        ch_json_end(out, ']');
    }
    ch_json_end(out, ']');
}

/* --- the request ---- */

static int read_in(ch_db *db, void *arg, ch_error *err)
{
    table *t = arg;
    ch_run *runs;
    size_t count;
    bool more;
    ch_select_start(&t->count, db);
    CH_TRY(ch_db_next(db, &more, err));
    t->total = ch_db_get_int(db, 0);
    ch_select_start(&t->page, db);
    CH_TRY(ch_runs_collect(db, t->call->arena, &runs, &count, err));
    for (int part = 0; part < PARTS; part++) {
        t->current = &t->groups[part];
        t->current->of_run = CH_NEW_ARRAY(t->call->arena, ch_run_slice, count);
        CH_TRY(ch_run_rows(db, t->call->arena, COLUMNS[part].from, runs, count, take_cell, t, err));
    }
    ch_json_member_int(&t->call->out, "total", t->total);
    write_keys(t);
    write_rows(t, runs, count);
    return 0;
}

/* "columns": {"metrics": [names], "params": [...], "tags": [...]} restricts the groups that it names. */
static void read_columns(table *t)
{
    for (int part = 0; part < PARTS; part++) {
        group *g = &t->groups[part];
        json_t *names = json_object_get(ch_call_object(t->call, "columns"), COLUMNS[part].name), *name;
        size_t i, place;
        g->places = ch_map_new();
        json_array_foreach(names, i, name)
        {
            if (json_is_string(name)) place_of(t, g, json_string_value(name), &place);
        }
        g->fixed = json_is_array(names);
    }
}

static void reset(table *t)
{
    for (int part = 0; part < PARTS; part++) {
        ch_map_free(t->groups[part].places, NULL);
        ch_buf_reset(&t->groups[part].text);
    }
    ch_select_reset(&t->page);
    ch_select_reset(&t->count);
}

int ch_run_table(ch_call *call)
{
    table t = {.call = call};
    CH_TRY(ch_run_search_read(call, &t.search));
    t.offset = ch_call_int(call, "offset", 0);
    t.limit = ch_call_int(call, "limit", LIMIT_DEFAULT);
    if (t.offset < 0 || t.limit < 0 || t.limit > LIMIT_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "offset must not be negative, and limit within 0 and %d",
                            LIMIT_MOST);
    }
    if (t.search.nexperiment == 0) return ch_call_missing(call, "experiment_ids");
    ch_dialect dialect = ch_db_pool_dialect(call->track->pool);
    ch_select_init(&t.page, call->arena, dialect);
    ch_select_init(&t.count, call->arena, dialect);
    ch_run_search_write(&t.search, &t.page, t.limit, t.offset);
    ch_select_sql(&t.count, "SELECT count(*) FROM runs r");
    ch_run_search_where(&t.search, &t.count);
    read_columns(&t);
    int status = ch_db_read(call->track->pool, read_in, &t, &call->error);
    reset(&t);
    CH_DB(call, status);
    return 0;
}
