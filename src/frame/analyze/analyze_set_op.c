/* analyze_set_op.c: union, intersect and except, by position and by name. */
#include "frame/analyze/analyze_internal.h"
#include "frame/analyze/resolve.h"

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
        return ch_already_exists(a, rel->cols[i].name, err);
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

/* --- structs by name: their fields are matched as columns are --- */

static ptrdiff_t find_field(const ch_analysis *a, const ch_type *type, const char *name)
{
    for (size_t i = 0; i < type->nfield; i++) {
        if (ch_names_equal(a->case_sensitive, type->fields[i].name, name)) return (ptrdiff_t)i;
    }
    return -1;
}

/* The struct that has the fields of a and then those that only b has; NULL where a type lacks what it may not lack. */
static const ch_type *merged_type(ch_analysis *a, const ch_type *x, const ch_type *y, bool allow_missing)
{
    if (x->kind != CH_STRUCT || y->kind != CH_STRUCT) return x;
    ch_field *fields = CH_NEW_ARRAY(a->arena, ch_field, x->nfield + y->nfield);
    size_t n = 0;
    for (size_t i = 0; i < x->nfield; i++) {
        ptrdiff_t at = find_field(a, y, x->fields[i].name);
        if (at < 0 && !allow_missing) return NULL;
        fields[n] = x->fields[i];
        if (at < 0) fields[n].nullable = true;
        if (at >= 0) fields[n].type = merged_type(a, x->fields[i].type, y->fields[at].type, allow_missing);
        if (!fields[n++].type) return NULL;
    }
    for (size_t i = 0; i < y->nfield; i++) {
        if (find_field(a, x, y->fields[i].name) >= 0) continue;
        if (!allow_missing) return NULL;
        fields[n] = y->fields[i];
        fields[n++].nullable = true;
    }
    return ch_type_struct(a->arena, fields, n);
}

/* The same values in a struct of that shape: unresolved; missing fields are null. */
static ch_expr *reshape(ch_analysis *a, ch_expr *e, const ch_type *from, const ch_type *to)
{
    if (to->kind != CH_STRUCT || from->kind != CH_STRUCT || ch_type_equal(from, to, true)) return e;
    ch_expr *made = ch_expr_new(a->arena, CH_EX_CALL);
    made->u.call.name = "named_struct";
    made->u.call.n = 2 * to->nfield;
    made->u.call.args = CH_NEW_ARRAY(a->arena, ch_expr *, made->u.call.n);
    for (size_t i = 0; i < to->nfield; i++) {
        const ch_field *field = &to->fields[i];
        ptrdiff_t at = find_field(a, from, field->name);
        made->u.call.args[2 * i] = ch_expr_string(a->arena, field->name);
        ch_expr *value = ch_expr_null(a->arena, field->type);
        if (at >= 0) {
            value = ch_expr_new(a->arena, CH_EX_EXTRACT);
            value->u.extract.child = e;
            value->u.extract.key = ch_expr_string(a->arena, from->fields[at].name);
            value = reshape(a, value, from->fields[at].type, field->type);
        }
        made->u.call.args[2 * i + 1] = value;
    }
    return ch_expr_call(a->arena, "if", 3, ch_expr_call(a->arena, "isnull", 1, e), ch_expr_null(a->arena, to), made);
}

static int reshape_item(ch_analysis *a, const ch_rel *side, ch_named *item, const ch_type *to, ch_error *err)
{
    ch_expr *e = reshape(a, item->expr, item->expr->type, to);
    if (e == item->expr) return 0;
    ch_scope scope = ch_scope_over(a, side);
    return ch_resolve(&scope, e, &item->expr, err);
}

/* Gives two columns of the same name the same struct type, if they are structs and can have one. */
static int align_structs(ch_analysis *a, const ch_plan *plan, const ch_rel *l, ch_named *left, const ch_rel *r,
                         ch_named *right, bool *changed, ch_error *err)
{
    const ch_type *x = left->expr->type, *y = right->expr->type;
    if (x->kind != CH_STRUCT || y->kind != CH_STRUCT || ch_type_equal(x, y, true)) return 0;
    const ch_type *merged = merged_type(a, x, y, plan->u.set_op.allow_missing);
    if (!merged) return 0; /* the types will be found not to fit */
    const ch_expr *before = left->expr;
    CH_TRY(reshape_item(a, l, left, merged, err));
    if (left->expr != before) *changed = true;
    return reshape_item(a, r, right, merged, err);
}

/* Puts the right side's columns in the left side's order; with allow_missing, what one side lacks is null there. */
static int align(ch_analysis *a, const ch_plan *plan, ch_rel **left, ch_rel **right, ch_error *err)
{
    CH_TRY(check_duplicates(a, *left, err));
    CH_TRY(check_duplicates(a, *right, err));
    const ch_rel *l = *left, *r = *right;
    ch_named *rights = CH_NEW_ARRAY(a->arena, ch_named, l->ncol + r->ncol);
    ch_named *lefts = CH_NEW_ARRAY(a->arena, ch_named, l->ncol + r->ncol);
    bool *used = CH_NEW_ARRAY(a->arena, bool, r->ncol), changed = false;
    size_t n = 0;
    for (size_t i = 0; i < l->ncol; i++, n++) {
        ptrdiff_t at = ch_find_column(a, r, l->cols[i].name);
        lefts[n] = ch_pass_through(a, l, i);
        if (at < 0 && !plan->u.set_op.allow_missing) return name_missing(a, l->cols[i].name, r, err);
        rights[n] = at < 0 ? null_column(a, &l->cols[i]) : ch_pass_through(a, r, (size_t)at);
        if (at < 0) continue;
        used[at] = true;
        CH_TRY(align_structs(a, plan, l, &lefts[n], r, &rights[n], &changed, err));
    }
    for (size_t i = 0; i < r->ncol; i++) {
        if (used[i]) continue;
        if (!plan->u.set_op.allow_missing) return count_mismatch(a, plan->u.set_op.kind, l, r, err);
        lefts[n] = null_column(a, &r->cols[i]);
        rights[n] = ch_pass_through(a, r, i);
        n++;
    }
    if (n != l->ncol || changed) *left = ch_rel_project(a, *left, n, lefts);
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
    const ch_scope scope = {.session = a->session, .arena = a->arena};
    *out = CH_NEW_ARRAY(a->arena, const ch_type *, left->ncol);
    for (size_t i = 0; i < left->ncol; i++) {
        const ch_type *l = left->cols[i].type, *r = right->cols[i].type;
        (*out)[i] = ch_type_equal(l, r, true) ? l : ch_scope_common_type(&scope, l, r);
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
