/* analyze_set_op.c: union, intersect and except, by position and by name. */
#include "frame/analyze_internal.h"

#include <string.h>

static const char *const OPERATORS[] = {
    [CH_SET_UNION] = "UNION", [CH_SET_INTERSECT] = "INTERSECT", [CH_SET_EXCEPT] = "EXCEPT"};

static const char *ordinal(ch_arena *arena, size_t n)
{
    static const char *const WORDS[] = {"zeroth", "first",   "second", "third", "fourth", "fifth",
                                        "sixth",  "seventh", "eighth", "ninth", "tenth"};
    if (n < sizeof WORDS / sizeof *WORDS) return WORDS[n];
    const char *suffix = n % 100 >= 11 && n % 100 <= 13 ? "th"
                         : n % 10 == 1                  ? "st"
                         : n % 10 == 2                  ? "nd"
                         : n % 10 == 3                  ? "rd"
                                                        : "th";
    return ch_arena_printf(arena, "%zu%s", n, suffix);
}

static const char *quoted_type(ch_arena *arena, const ch_type *type)
{
    ch_buf text = {0};
    ch_type_sql(&text, type);
    const char *copy = ch_sql_quote(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

static int count_mismatch(ch_analysis *a, ch_set_kind kind, const ch_rel *left, const ch_rel *right, ch_error *err)
{
    return ch_raise(err, "NUM_COLUMNS_MISMATCH", "operator", OPERATORS[kind], "firstNumColumns",
                    ch_arena_printf(a->arena, "%zu", left->ncol), "invalidOrdinalNum", "second", "invalidNumColumns",
                    ch_arena_printf(a->arena, "%zu", right->ncol), (char *)NULL);
}

/* --- by name ---------------------------------------------------------------------------------------------------------
 */

static int check_duplicates(ch_analysis *a, const ch_rel *rel, ch_error *err)
{
    for (size_t i = 0; i < rel->ncol; i++) {
        if (ch_find_column(a, rel, rel->cols[i].name) == (ptrdiff_t)i) continue;
        return ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName", ch_sql_id(a->arena, 1, &rel->cols[i].name),
                        (char *)NULL);
    }
    return 0;
}

static ch_named null_column(ch_analysis *a, const ch_attr *like)
{
    ch_expr *e = ch_expr_null(a->arena, like->type);
    e->type = like->type;
    e->nullable = true;
    return (ch_named){.name = like->name, .expr = e};
}

static int name_missing(ch_analysis *a, const char *name, const ch_rel *among, ch_error *err)
{
    ch_buf fields = {0};
    for (size_t i = 0; i < among->ncol && fields.len < 300; i++) {
        ch_buf_printf(&fields, "%s%s", i ? ", " : "", among->cols[i].name);
    }
    (void)a;
    int status =
        ch_raise(err, "_LEGACY_ERROR_TEMP_1201", "colName", name, "fieldNames", ch_buf_text(&fields), (char *)NULL);
    ch_buf_reset(&fields);
    return status;
}

/* Puts the right side's columns in the left side's order; with allow_missing, what one side lacks is null there. */
static int align(ch_analysis *a, const ch_plan *plan, ch_rel **left, ch_rel **right, ch_error *err)
{
    CH_TRY(check_duplicates(a, *left, err));
    CH_TRY(check_duplicates(a, *right, err));
    const ch_rel *l = *left, *r = *right;
    ch_named *rights = CH_NEW_ARRAY(a->arena, ch_named, l->ncol + r->ncol);
    ch_named *lefts = CH_NEW_ARRAY(a->arena, ch_named, l->ncol + r->ncol);
    bool *used = CH_NEW_ARRAY(a->arena, bool, r->ncol);
    size_t n = 0;
    for (size_t i = 0; i < l->ncol; i++, n++) {
        ptrdiff_t at = ch_find_column(a, r, l->cols[i].name);
        lefts[n] = ch_pass_through(a, l, i);
        if (at < 0 && !plan->u.set_op.allow_missing) return name_missing(a, l->cols[i].name, r, err);
        rights[n] = at < 0 ? null_column(a, &l->cols[i]) : ch_pass_through(a, r, (size_t)at);
        if (at >= 0) used[at] = true;
    }
    for (size_t i = 0; i < r->ncol; i++) {
        if (used[i]) continue;
        if (!plan->u.set_op.allow_missing) return count_mismatch(a, plan->u.set_op.kind, l, r, err);
        lefts[n] = null_column(a, &r->cols[i]);
        rights[n] = ch_pass_through(a, r, i);
        n++;
    }
    if (n != l->ncol) *left = ch_rel_project(a, *left, n, lefts);
    *right = ch_rel_project(a, *right, n, rights);
    return 0;
}

/* --- types -----------------------------------------------------------------------------------------------------------
 */

/* A side with its columns cast to the common types; the side itself if nothing changes. */
static ch_rel *widen(ch_analysis *a, ch_rel *side, const ch_type *const *types)
{
    bool change = false;
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, side->ncol);
    for (size_t i = 0; i < side->ncol; i++) {
        list[i] = ch_pass_through(a, side, i);
        if (ch_type_equal(side->cols[i].type, types[i], false)) continue;
        change = true;
        list[i].expr = ch_coerce(a->arena, list[i].expr, types[i]);
    }
    return change ? ch_rel_project(a, side, side->ncol, list) : side;
}

static int find_types(ch_analysis *a, ch_set_kind kind, const ch_rel *left, const ch_rel *right, const ch_type ***out,
                      ch_error *err)
{
    *out = CH_NEW_ARRAY(a->arena, const ch_type *, left->ncol);
    for (size_t i = 0; i < left->ncol; i++) {
        const ch_type *l = left->cols[i].type, *r = right->cols[i].type;
        (*out)[i] = ch_type_equal(l, r, true) ? l : ch_common_type(a->arena, l, r);
        if ((*out)[i]) continue;
        return ch_raise(err, "INCOMPATIBLE_COLUMN_TYPE", "operator", OPERATORS[kind], "columnOrdinalNumber",
                        ordinal(a->arena, i + 1), "tableOrdinalNumber", "second", "dataType1", quoted_type(a->arena, r),
                        "dataType2", quoted_type(a->arena, l), "hint", "", (char *)NULL);
    }
    return 0;
}

static bool has_map(const ch_type *type)
{
    if (type->kind == CH_MAP) return true;
    for (size_t i = 0; i < type->nfield; i++) {
        if (has_map(type->fields[i].type)) return true;
    }
    return false;
}

static int check_maps(ch_analysis *a, const ch_plan *plan, const ch_rel *rel, ch_error *err)
{
    if (plan->u.set_op.kind == CH_SET_UNION && plan->u.set_op.all) return 0;
    for (size_t i = 0; i < rel->ncol; i++) {
        if (!has_map(rel->cols[i].type)) continue;
        return ch_raise(err, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "colName",
                        ch_sql_id(a->arena, 1, &rel->cols[i].name), "dataType",
                        quoted_type(a->arena, rel->cols[i].type), (char *)NULL);
    }
    return 0;
}

static bool result_nullable(ch_set_kind kind, bool left, bool right)
{
    switch (kind) {
    case CH_SET_UNION: return left || right;
    case CH_SET_INTERSECT: return left && right;
    case CH_SET_EXCEPT: return left;
    }
    return true;
}

int ch_analyze_set_op(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *left, *right;
    ch_set_kind kind = plan->u.set_op.kind;
    CH_TRY(ch_analyze_plan(a, plan->input, &left, err));
    CH_TRY(ch_analyze_plan(a, plan->right, &right, err));
    if (plan->u.set_op.by_name) CH_TRY(align(a, plan, &left, &right, err));
    if (left->ncol != right->ncol) return count_mismatch(a, kind, left, right, err);
    const ch_type **types;
    CH_TRY(find_types(a, kind, left, right, &types, err));
    CH_TRY(check_maps(a, plan, left, err));
    left = widen(a, left, types);
    right = widen(a, right, types);
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_SET_OP, left, left->ncol);
    rel->right = right;
    rel->ordered = kind == CH_SET_UNION && plan->u.set_op.all && left->ordered && right->ordered;
    rel->u.set_op.kind = kind;
    rel->u.set_op.all = plan->u.set_op.all;
    for (size_t i = 0; i < rel->ncol; i++) {
        rel->cols[i] = left->cols[i];
        rel->cols[i].id = (*a->next_id)++;
        rel->cols[i].type = types[i];
        rel->cols[i].nullable = result_nullable(kind, left->cols[i].nullable, right->cols[i].nullable);
        rel->cols[i].nqualifier = 0;
    }
    *out = rel;
    return 0;
}
