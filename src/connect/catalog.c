/* catalog.c: the calls of spark.catalog. There is one catalog, spark_catalog, with one database, default, and in it the
 * session's temporary views. An answer is a plan of constant rows; calls without an answer give no row. */
#include "connect/decode_internal.h"
#include "connect/errors.h"
#include "frame/engine/query.h"
#include "frame/function/function.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char CATALOG[] = "spark_catalog";
static const char DATABASE[] = "default";

/* --- answers ------------------------------------------------------------------------------------------------------ */

enum { COLUMNS_MAX = 8 };

/* An answer being built: s = string, b = boolean, a = array of strings, for each column. */
typedef struct answer {
    ch_arena *arena;
    size_t ncol, nrow, cap;
    const char *names[COLUMNS_MAX];
    const char *types;
    ch_expr ***rows;
} answer;

static answer new_answer(ch_arena *arena, const char *types, const char *const *names)
{
    answer a = {.arena = arena, .ncol = strlen(types), .types = types};
    for (size_t i = 0; i < a.ncol; i++) a.names[i] = names[i];
    return a;
}

static const ch_type *column_type(answer *a, size_t i)
{
    switch (a->types[i]) {
    case 'b': return &ch_type_boolean;
    case 'a': return ch_type_array(a->arena, &ch_type_string, true);
    default: return &ch_type_string;
    }
}

static ch_expr *empty_array(answer *a, const ch_type *type)
{
    ch_literal none = {.type = type};
    return ch_expr_literal(a->arena, &none);
}

/* Adds a row: a const char * for s and a (NULL: null; for a, "" is the empty array), an int for b. */
static void add_row(answer *a, ...)
{
    if (a->nrow == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 8;
        a->rows = ch_arena_grow(a->arena, a->rows, sizeof *a->rows, a->cap, cap);
        a->cap = cap;
    }
    ch_expr **row = a->rows[a->nrow++] = CH_NEW_ARRAY(a->arena, ch_expr *, a->ncol);
    va_list args;
    va_start(args, a);
    for (size_t i = 0; i < a->ncol; i++) {
        const ch_type *type = column_type(a, i);
        if (a->types[i] == 'b') {
            row[i] = ch_expr_bool(a->arena, va_arg(args, int) != 0);
            continue;
        }
        const char *text = va_arg(args, const char *);
        if (!text) {
            row[i] = ch_expr_null(a->arena, type);
        } else {
            row[i] =
                a->types[i] == 'a' ? empty_array(a, type) : ch_expr_string(a->arena, ch_arena_strdup(a->arena, text));
        }
    }
    va_end(args);
}

static int finish(answer *a, ch_plan **out)
{
    bool empty = a->nrow == 0;
    if (empty) { /* VALUES has its types from a row: one that is then cut off */
        ch_expr **row = CH_NEW_ARRAY(a->arena, ch_expr *, a->ncol);
        for (size_t i = 0; i < a->ncol; i++) row[i] = ch_expr_null(a->arena, column_type(a, i));
        a->rows = CH_NEW(a->arena, ch_expr **);
        a->rows[a->nrow++] = row;
    }
    ch_plan *values = ch_plan_new(a->arena, CH_PLAN_VALUES, NULL);
    values->u.values.nrow = a->nrow;
    values->u.values.ncol = a->ncol;
    values->u.values.rows = a->rows;
    values->u.values.names = CH_NEW_ARRAY(a->arena, const char *, a->ncol);
    for (size_t i = 0; i < a->ncol; i++) values->u.values.names[i] = a->names[i];
    *out = empty ? ch_plan_new(a->arena, CH_PLAN_LIMIT, values) : values; /* LIMIT 0 */
    return CH_OK;
}

static const char *const VALUE[] = {"value"};

static int answer_nothing(ch_decoder *d, ch_plan **out)
{
    answer a = new_answer(d->arena, "s", VALUE);
    return finish(&a, out);
}

static int answer_text(ch_decoder *d, const char *text, ch_plan **out)
{
    answer a = new_answer(d->arena, "s", VALUE);
    add_row(&a, text);
    return finish(&a, out);
}

static int answer_bool(ch_decoder *d, bool value, ch_plan **out)
{
    answer a = new_answer(d->arena, "b", VALUE);
    add_row(&a, (int)value);
    return finish(&a, out);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* One alternative of a pattern, in which * stands for anything; case does not matter. */
static bool match_one(const char *pattern, size_t n, const char *text)
{
    const char *star = NULL, *back = NULL;
    size_t i = 0, star_at = 0;
    while (*text) {
        if (i < n && pattern[i] == '*') {
            star = pattern;
            star_at = i++;
            back = text;
        } else if (i < n && strncasecmp(&pattern[i], text, 1) == 0) {
            i++;
            text++;
        } else if (star) {
            i = star_at + 1;
            text = ++back;
        } else {
            return false;
        }
    }
    while (i < n && pattern[i] == '*') i++;
    return i == n;
}

/* Spark's patterns: alternatives separated by |. NULL matches all. */
static bool matches(const char *pattern, const char *text)
{
    if (!pattern) return true;
    for (const char *at = pattern;; at++) {
        size_t n = strcspn(at, "|");
        if (match_one(at, n, text)) return true;
        at += n;
        if (!*at) return false;
    }
}

static bool is_database(const char *name)
{
    return strcasecmp(name, DATABASE) == 0 || strcasecmp(name, "spark_catalog.default") == 0;
}

static int check_database(const char *name, ch_error *err)
{
    if (is_database(name)) return CH_OK;
    char quoted[400];
    snprintf(quoted, sizeof quoted, "`%s`.`%s`", CATALOG, name);
    return ch_raise(err, "SCHEMA_NOT_FOUND", "schemaName", quoted, (char *)NULL);
}

/* The plan of a view, or NULL. */
static const ch_plan *find_view(ch_decoder *d, const char *name)
{
    size_t nparts;
    const char **parts;
    ch_error ignored;
    if (ch_split_name(d->arena, name, &nparts, &parts, &ignored)) return NULL;
    return ch_view_find(d->session, nparts, parts, d->arena);
}

static int need_view(ch_decoder *d, const char *name, const ch_plan **view, ch_error *err)
{
    *view = find_view(d, name);
    if (*view) return CH_OK;
    ch_buf quoted = {0};
    ch_buf_printf(&quoted, "`%s`", name);
    int status = ch_raise(err, "TABLE_OR_VIEW_NOT_FOUND", "relationName", ch_buf_text(&quoted), (char *)NULL);
    ch_buf_reset(&quoted);
    return status;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static const char *const TABLE_COLUMNS[] = {"name", "catalog", "namespace", "description", "tableType", "isTemporary"};

static int list_tables(ch_decoder *d, const PB(ListTables) *in, ch_plan **out, ch_error *err)
{
    if (in->_db_name_case) CH_TRY(check_database(in->db_name, err));
    answer a = new_answer(d->arena, "ssassb", TABLE_COLUMNS);
    size_t n;
    const char **names;
    ch_view_list(d->session, d->arena, &n, &names);
    for (size_t i = 0; i < n; i++) {
        if (!matches(in->_pattern_case ? in->pattern : NULL, names[i])) continue;
        add_row(&a, names[i], (char *)NULL, "", (char *)NULL, "TEMPORARY", 1);
    }
    return finish(&a, out);
}

static int get_table(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    const ch_plan *view;
    CH_TRY(need_view(d, name, &view, err));
    answer a = new_answer(d->arena, "ssassb", TABLE_COLUMNS);
    add_row(&a, name, (char *)NULL, "", (char *)NULL, "TEMPORARY", 1);
    return finish(&a, out);
}

static int list_columns(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    static const char *const COLUMNS[] = {"name",        "description", "dataType", "nullable",
                                          "isPartition", "isBucket",    "isCluster"};
    const ch_plan *view;
    ch_query *q;
    CH_TRY(need_view(d, name, &view, err));
    CH_TRY(ch_query_open(d->session, view, &q, err));
    const ch_schema *schema = ch_query_schema(q);
    answer a = new_answer(d->arena, "sssbbbb", COLUMNS);
    for (size_t i = 0; i < schema->n; i++) {
        ch_buf type = {0};
        ch_type_catalog(&type, schema->fields[i].type);
        add_row(&a, schema->fields[i].name, (char *)NULL, ch_buf_text(&type), (int)schema->fields[i].nullable, 0, 0, 0);
        ch_buf_reset(&type);
    }
    ch_query_close(q);
    return finish(&a, out);
}

static int list_databases(ch_decoder *d, const char *pattern, ch_plan **out)
{
    static const char *const COLUMNS[] = {"name", "catalog", "description", "locationUri"};
    answer a = new_answer(d->arena, "ssss", COLUMNS);
    if (matches(pattern, DATABASE)) {
        const char *folder = ch_config_find(d->session, d->arena, "spark.sql.warehouse.dir");
        add_row(&a, DATABASE, CATALOG, "default database", folder ? folder : "");
    }
    return finish(&a, out);
}

static int list_catalogs(ch_decoder *d, const char *pattern, ch_plan **out)
{
    static const char *const COLUMNS[] = {"name", "description"};
    answer a = new_answer(d->arena, "ss", COLUMNS);
    if (matches(pattern, CATALOG)) add_row(&a, CATALOG, (char *)NULL);
    return finish(&a, out);
}

static const char *const FUNCTION_COLUMNS[] = {"name",        "catalog",   "namespace",
                                               "description", "className", "isTemporary"};

static int list_functions(ch_decoder *d, const char *pattern, ch_plan **out)
{
    answer a = new_answer(d->arena, "ssassb", FUNCTION_COLUMNS);
    const ch_function *const *all;
    size_t n = ch_function_all(&all);
    for (size_t i = 0; i < n; i++) {
        if (!matches(pattern, all[i]->name)) continue;
        add_row(&a, all[i]->name, (char *)NULL, (char *)NULL, (char *)NULL, "", 1);
    }
    return finish(&a, out);
}

static int get_function(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    if (!ch_function_find(name)) {
        ch_buf quoted = {0};
        ch_buf_printf(&quoted, "`%s`", name);
        int status = ch_raise(err, "UNRESOLVED_ROUTINE", "routineName", ch_buf_text(&quoted), "searchPath",
                              "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]", (char *)NULL);
        ch_buf_reset(&quoted);
        return status;
    }
    answer a = new_answer(d->arena, "ssassb", FUNCTION_COLUMNS);
    add_row(&a, name, (char *)NULL, (char *)NULL, (char *)NULL, "", 1);
    return finish(&a, out);
}

static int set_catalog(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    if (strcasecmp(name, CATALOG) == 0) return answer_nothing(d, out);
    char config[200];
    snprintf(config, sizeof config, "\"spark.sql.catalog.%.100s\"", name);
    ch_buf quoted = {0};
    ch_buf_printf(&quoted, "`%s`", name);
    int status =
        ch_raise(err, "CATALOG_NOT_FOUND", "catalogName", ch_buf_text(&quoted), "config", config, (char *)NULL);
    ch_buf_reset(&quoted);
    return status;
}

static int is_cached(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    const ch_plan *view;
    const char *level;
    CH_TRY(need_view(d, name, &view, err));
    CH_TRY(ch_cache_level(d->session, view, d->arena, &level, err));
    return answer_bool(d, level != NULL, out);
}

static int cache_table(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    const ch_plan *view;
    CH_TRY(need_view(d, name, &view, err));
    CH_TRY(ch_cache_add(d->session, view, "MEMORY_AND_DISK", err));
    return answer_nothing(d, out);
}

static int uncache_table(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    const ch_plan *view;
    bool was_cached;
    CH_TRY(need_view(d, name, &view, err));
    CH_TRY(ch_cache_remove(d->session, view, &was_cached, err));
    return answer_nothing(d, out);
}

static int refresh_table(ch_decoder *d, const char *name, ch_plan **out, ch_error *err)
{
    const ch_plan *view; /* files are looked at afresh by every query: nothing to do */
    CH_TRY(need_view(d, name, &view, err));
    return answer_nothing(d, out);
}

static int run_call(ch_decoder *d, const PB(Catalog) *in, ch_plan **out, ch_error *err)
{
    switch (in->cat_type_case) {
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CURRENT_CATALOG: return answer_text(d, CATALOG, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_SET_CURRENT_CATALOG:
        return set_catalog(d, in->set_current_catalog->catalog_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_CATALOGS:
        return list_catalogs(d, in->list_catalogs->_pattern_case ? in->list_catalogs->pattern : NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CURRENT_DATABASE: return answer_text(d, DATABASE, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_SET_CURRENT_DATABASE:
        CH_TRY(check_database(in->set_current_database->db_name, err));
        return answer_nothing(d, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_DATABASES:
        return list_databases(d, in->list_databases->_pattern_case ? in->list_databases->pattern : NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_DATABASE:
        CH_TRY(check_database(in->get_database->db_name, err));
        return list_databases(d, NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DATABASE_EXISTS:
        return answer_bool(d, is_database(in->database_exists->db_name), out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_TABLES: return list_tables(d, in->list_tables, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_TABLE: return get_table(d, in->get_table->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_TABLE_EXISTS:
        return answer_bool(d, find_view(d, in->table_exists->table_name) != NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_COLUMNS: return list_columns(d, in->list_columns->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_LIST_FUNCTIONS:
        return list_functions(d, in->list_functions->_pattern_case ? in->list_functions->pattern : NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_GET_FUNCTION:
        return get_function(d, in->get_function->function_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_FUNCTION_EXISTS:
        return answer_bool(d, ch_function_find(in->function_exists->function_name) != NULL, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DROP_TEMP_VIEW:
        return answer_bool(d, ch_view_drop(d->session, in->drop_temp_view->view_name, false), out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_DROP_GLOBAL_TEMP_VIEW:
        return answer_bool(d, ch_view_drop(d->session, in->drop_global_temp_view->view_name, true), out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_IS_CACHED: return is_cached(d, in->is_cached->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CACHE_TABLE: return cache_table(d, in->cache_table->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_UNCACHE_TABLE:
        return uncache_table(d, in->uncache_table->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_CLEAR_CACHE: ch_cache_clear(d->session); return answer_nothing(d, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_REFRESH_TABLE:
        return refresh_table(d, in->refresh_table->table_name, out, err);
    case SPARK__CONNECT__CATALOG__CAT_TYPE_REFRESH_BY_PATH: return answer_nothing(d, out);
    case SPARK__CONNECT__CATALOG__CAT_TYPE__NOT_SET: return ch_oneof_unset(err, PB_TYPE(catalog), "CATTYPE");
    default: return ch_oneof_unsupported(err, PB_TYPE(catalog), (int)in->cat_type_case, "Catalog call");
    }
}

int ch_catalog_call(ch_decoder *d, const PB(Catalog) *call, ch_plan **out, ch_error *err)
{
    return d->session ? run_call(d, call, out, err) : ch_unsupported(err, "Catalog calls without a session");
}
