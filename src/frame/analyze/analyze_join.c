/* analyze_join.c: joins, by condition, by equally named columns, lateral. */
#include "frame/analyze/analyze_internal.h"

#include <string.h>

/* Does the kind show only the left side? */
static bool left_only(ch_join_kind kind)
{
    return kind == CH_JOIN_SEMI || kind == CH_JOIN_ANTI;
}

static void add_side(ch_arena *arena, ch_rel *rel, size_t *n, const ch_rel *side, bool nullable)
{
    for (size_t i = 0; i < side->ncol; i++) {
        rel->cols[*n] = side->cols[i];
        if (nullable) rel->cols[*n].nullable = true;
        (*n)++;
    }
    for (size_t i = 0; i < side->nhidden; i++) {
        ch_rel_add_hidden(arena, rel, &side->hidden[i]);
        if (nullable) rel->hidden[rel->nhidden - 1].nullable = true;
    }
}

static ch_rel *make_join(ch_analysis *a, ch_join_kind kind, ch_rel *left, ch_rel *right)
{
    bool only = left_only(kind);
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_JOIN, left, left->ncol + (only ? 0 : right->ncol));
    rel->right = right;
    rel->u.join.kind = kind;
    size_t n = 0;
    add_side(a->arena, rel, &n, left, kind == CH_JOIN_RIGHT || kind == CH_JOIN_FULL);
    if (!only) add_side(a->arena, rel, &n, right, kind == CH_JOIN_LEFT || kind == CH_JOIN_FULL);
    return rel;
}

static ch_scope both_sides(ch_analysis *a, const ch_rel *left, const ch_rel *right)
{
    ch_scope scope = ch_scope_over(a, left);
    scope.input[1] = right;
    scope.ninput = 2;
    return scope;
}

/* --- USING ----------------------------------------------------------------------------------------------------------
 */

typedef struct using_key {
    const char *name;
    size_t left, right; /* places of the two columns */
} using_key;

static int using_missing(ch_analysis *a, const char *name, const char *side, const ch_rel *rel, ch_error *err)
{
    return ch_raise(err, "UNRESOLVED_USING_COLUMN_FOR_JOIN", "colName", ch_sql_id(a->arena, 1, &name), "side", side,
                    "suggestion", ch_suggestions(a->arena, &rel, 1, 1, &name), (char *)NULL);
}

/* The place of the one column of this name. */
static int find_using(ch_analysis *a, const char *name, const char *side, const ch_rel *rel, size_t *out, ch_error *err)
{
    ptrdiff_t at = ch_find_column(a, rel, name);
    if (at < 0) return using_missing(a, name, side, rel, err);
    for (size_t i = (size_t)at + 1; i < rel->ncol; i++) {
        if (rel->cols[i].id == rel->cols[at].id || !ch_names_equal(a->case_sensitive, rel->cols[i].name, name))
            continue;
        ch_scope scope = ch_scope_over(a, rel);
        ch_expr *ambiguous;
        CH_TRY(ch_lookup(&scope, 1, &name, -1, &ambiguous, err)); /* says what the name could mean */
    }
    *out = (size_t)at;
    return 0;
}

static int find_keys(ch_analysis *a, const ch_plan *plan, const ch_rel *left, const ch_rel *right, size_t *n,
                     using_key **keys, ch_error *err)
{
    *n = 0;
    *keys = CH_NEW_ARRAY(a->arena, using_key, plan->u.join.nusing + (plan->u.join.natural ? left->ncol : 0));
    for (size_t i = 0; i < plan->u.join.nusing; i++) {
        using_key *key = &(*keys)[(*n)++];
        key->name = plan->u.join.using_columns[i];
        CH_TRY(find_using(a, key->name, "left", left, &key->left, err));
        CH_TRY(find_using(a, key->name, "right", right, &key->right, err));
    }
    for (size_t i = 0; plan->u.join.natural && i < left->ncol; i++) {
        const char *name = left->cols[i].name;
        if (ch_find_column(a, right, name) < 0) continue;
        using_key *key = &(*keys)[(*n)++];
        *key = (using_key){.name = name};
        CH_TRY(find_using(a, name, "left", left, &key->left, err));
        CH_TRY(find_using(a, name, "right", right, &key->right, err));
    }
    return 0;
}

/* l.k = r.k AND ..., or coalesce(l.k, r.k), with the casts that Spark puts in. */
static int resolve_pair(ch_analysis *a, ch_scope *scope, const char *function, const ch_attr *left,
                        const ch_attr *right, ch_expr **out, ch_error *err)
{
    ch_expr *call = ch_expr_call(a->arena, function, 2, ch_column_of(a->arena, left), ch_column_of(a->arena, right));
    return ch_resolve(scope, call, out, err);
}

static int using_condition(ch_analysis *a, const ch_rel *left, const ch_rel *right, size_t n, const using_key *keys,
                           ch_expr **out, ch_error *err)
{
    ch_scope scope = both_sides(a, left, right);
    ch_expr *all = NULL;
    for (size_t i = 0; i < n; i++) {
        ch_expr *one;
        CH_TRY(resolve_pair(a, &scope, "==", &left->cols[keys[i].left], &right->cols[keys[i].right], &one, err));
        if (all) CH_TRY(ch_resolve(&scope, ch_expr_call(a->arena, "and", 2, all, one), &one, err));
        all = one;
    }
    *out = all;
    return 0;
}

static ch_named named(ch_analysis *a, const ch_attr *attr)
{
    return (ch_named){.name = attr->name,
                      .metadata = attr->metadata,
                      .expr = ch_column_of(a->arena, attr),
                      .nqualifier = attr->nqualifier,
                      .qualifier = attr->qualifier};
}

static bool is_key(const using_key *keys, size_t n, size_t place, bool right)
{
    for (size_t i = 0; i < n; i++) {
        if ((right ? keys[i].right : keys[i].left) == place) return true;
    }
    return false;
}

/* The columns of a USING join: keys first, once, then what is left of both sides. The other side's keys stay within
 * reach of qualified names and of df["k"]. */
static int show_using(ch_analysis *a, ch_rel *join, const ch_rel *left, const ch_rel *right, size_t n,
                      const using_key *keys, ch_rel **out, ch_error *err)
{
    ch_join_kind kind = join->u.join.kind;
    const ch_attr *l = join->cols, *r = left_only(kind) ? NULL : join->cols + left->ncol;
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, join->ncol + n);
    size_t count = 0;
    ch_scope scope = ch_scope_over(a, join);
    for (size_t i = 0; i < n; i++) {
        const ch_attr *own = &l[keys[i].left], *other = r ? &r[keys[i].right] : NULL;
        if (kind == CH_JOIN_FULL) {
            ch_named *key = &list[count++];
            *key = (ch_named){.name = own->name};
            CH_TRY(resolve_pair(a, &scope, "coalesce", own, other, &key->expr, err));
        } else {
            list[count++] = named(a, kind == CH_JOIN_RIGHT ? other : own);
        }
    }
    for (size_t i = 0; i < left->ncol; i++) {
        if (!is_key(keys, n, i, false)) list[count++] = named(a, &l[i]);
    }
    for (size_t i = 0; r && i < right->ncol; i++) {
        if (!is_key(keys, n, i, true)) list[count++] = named(a, &r[i]);
    }
    ch_rel *rel = ch_rel_project(a, join, count, list);
    for (size_t i = 0; i < n; i++) {
        if (kind == CH_JOIN_RIGHT || kind == CH_JOIN_FULL) ch_rel_add_hidden(a->arena, rel, &l[keys[i].left]);
        if (r && kind != CH_JOIN_RIGHT) ch_rel_add_hidden(a->arena, rel, &r[keys[i].right]);
    }
    *out = rel;
    return 0;
}

/* --- conditions ------------------------------------------------------------------------------------------------------
 */

static int join_condition(ch_analysis *a, const ch_plan *plan, const ch_rel *left, const ch_rel *right, ch_expr **out,
                          ch_error *err)
{
    *out = NULL;
    if (!plan->u.join.condition) return 0;
    ch_expr *condition;
    CH_TRY(ch_parse_item(a, plan->u.join.condition, &condition, err));
    ch_scope scope = both_sides(a, left, right);
    scope.allow_aggregate = scope.allow_window = true; /* to name what is refused */
    CH_TRY(ch_check_no_generator(&scope, condition, "Join", err));
    CH_TRY(ch_resolve(&scope, condition, out, err));
    CH_TRY(ch_check_plain(a, *out, err));
    const ch_type *type = (*out)->type;
    if (type->kind == CH_NULL) *out = ch_coerce(a->arena, *out, &ch_type_boolean);
    if (type->kind == CH_BOOLEAN || type->kind == CH_NULL) return 0;
    ch_buf text = {0};
    ch_type_sql(&text, type);
    int status = ch_raise(err, "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE", "joinCondition",
                          ch_sql_quote(a->arena, ch_auto_name(a->arena, *out)), "conditionType",
                          ch_sql_quote(a->arena, ch_buf_text(&text)), (char *)NULL);
    ch_buf_reset(&text);
    return status;
}

static int analyze_sides(ch_analysis *a, const ch_plan *plan, ch_rel **left, ch_rel **right, ch_error *err)
{
    CH_TRY(ch_analyze_plan(a, plan->input, left, err));
    if (!plan->u.join.lateral) return ch_analyze_plan(a, plan->right, right, err);
    ch_scope scope = ch_scope_over(a, *left);
    return ch_analyze_subquery(&scope, plan->right, right, err);
}

int ch_analyze_join(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *left, *right;
    CH_TRY(analyze_sides(a, plan, &left, &right, err));
    size_t n;
    using_key *keys;
    CH_TRY(find_keys(a, plan, left, right, &n, &keys, err));
    ch_join_kind kind = plan->u.join.kind;
    ch_expr *condition;
    if (n) {
        CH_TRY(using_condition(a, left, right, n, keys, &condition, err));
    } else {
        CH_TRY(join_condition(a, plan, left, right, &condition, err));
    }
    if (kind == CH_JOIN_CROSS && condition) kind = CH_JOIN_INNER;
    ch_rel *rel = make_join(a, kind, left, right);
    rel->u.join.condition = condition;
    rel->u.join.lateral = plan->u.join.lateral;
    *out = rel;
    return n ? show_using(a, rel, left, right, n, keys, out, err) : 0;
}
