/* hash_expr.c: structural hashes of resolved expressions, for fingerprints of relations. Columns count by their place
 * in the inputs and lambda parameters by their place among those around them, so that two analyses of one plan agree.
 */
#include "frame/analyze/resolve.h"

#include <string.h>

typedef struct hasher {
    uint64_t *fingerprint;
    const ch_rel *input, *right;
    const int *ids[64]; /* of lambdas around, outermost first */
    size_t counts[64], depth;
} hasher;

static void hash_expr(hasher *h, const ch_expr *e);

static uint64_t place_in(const ch_rel *rel, int id)
{
    for (size_t i = 0; i < rel->ncol; i++)
        if (rel->cols[i].id == id) return i;
    for (size_t i = 0; i < rel->nhidden; i++)
        if (rel->hidden[i].id == id) return rel->ncol + i;
    return UINT64_MAX;
}

static void hash_column(hasher *h, int id)
{
    uint64_t place = h->input ? place_in(h->input, id) : UINT64_MAX;
    if (place == UINT64_MAX && h->right) {
        place = place_in(h->right, id);
        if (place != UINT64_MAX) place += UINT64_C(1) << 32;
    }
    ch_hash_number(h->fingerprint, place == UINT64_MAX ? (uint64_t)id << 33 : place);
}

static void hash_variable(hasher *h, int id)
{
    for (size_t i = h->depth; i-- > 0;) {
        for (size_t j = 0; j < h->counts[i]; j++) {
            if (h->ids[i][j] != id) continue;
            ch_hash_number(h->fingerprint, (uint64_t)i << 16 | j);
            return;
        }
    }
}

static void hash_type(hasher *h, const ch_type *t)
{
    if (!t) return;
    ch_hash_number(h->fingerprint, (uint64_t)t->kind << 16 | (uint64_t)t->precision << 8 | (uint64_t)t->scale);
    for (size_t i = 0; i < t->nfield; i++) {
        ch_hash_text(h->fingerprint, t->fields[i].name);
        hash_type(h, t->fields[i].type);
    }
}

static void hash_literal(hasher *h, const ch_literal *v)
{
    hash_type(h, v->type);
    ch_hash_number(h->fingerprint, v->is_null);
    if (v->is_null) return;
    switch (v->type->kind) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: ch_hash_bytes(h->fingerprint, v->v.bytes.data, v->v.bytes.len); break;
    case CH_FLOAT:
    case CH_DOUBLE: ch_hash_bytes(h->fingerprint, &v->v.real, sizeof v->v.real); break;
    case CH_DECIMAL: ch_hash_bytes(h->fingerprint, &v->v.decimal, sizeof v->v.decimal); break;
    case CH_BOOLEAN: ch_hash_number(h->fingerprint, v->v.boolean); break;
    case CH_INTERVAL_CALENDAR: ch_hash_bytes(h->fingerprint, &v->v.interval, sizeof v->v.interval); break;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX:
        ch_hash_number(h->fingerprint, v->v.list.n);
        for (size_t i = 0; i < v->v.list.n; i++) hash_literal(h, &v->v.list.items[i]);
        break;
    default: ch_hash_number(h->fingerprint, (uint64_t)v->v.integer); break;
    }
}

static void hash_call(hasher *h, const ch_expr *e)
{
    ch_hash_text(h->fingerprint, e->u.call.fn ? e->u.call.fn->name : e->u.call.name);
    ch_hash_number(h->fingerprint,
                   (uint64_t)e->u.call.lenient << 2 | (uint64_t)e->u.call.distinct << 1 | e->u.call.ignore_nulls);
    ch_hash_text(h->fingerprint, e->zone);
    ch_hash_number(h->fingerprint, e->u.call.n);
    for (size_t i = 0; i < e->u.call.n; i++) hash_expr(h, e->u.call.args[i]);
    if (e->u.call.filter) hash_expr(h, e->u.call.filter);
}

static void hash_bound(hasher *h, const ch_bound *b)
{
    ch_hash_number(h->fingerprint, b->kind);
    if (b->kind == CH_BOUND_VALUE) hash_expr(h, b->value);
}

static void hash_window(hasher *h, const ch_window *w)
{
    hash_expr(h, w->function);
    ch_hash_number(h->fingerprint, w->npartition);
    for (size_t i = 0; i < w->npartition; i++) hash_expr(h, w->partition[i]);
    ch_hash_number(h->fingerprint, w->norder);
    for (size_t i = 0; i < w->norder; i++) {
        hash_expr(h, w->order[i].expr);
        ch_hash_number(h->fingerprint, (uint64_t)w->order[i].descending << 1 | w->order[i].nulls_last);
    }
    ch_hash_number(h->fingerprint, (uint64_t)w->has_frame << 1 | w->rows);
    if (!w->has_frame) return;
    hash_bound(h, &w->lower);
    hash_bound(h, &w->upper);
}

static void hash_lambda(hasher *h, const ch_expr *e)
{
    bool pushed = h->depth < sizeof h->ids / sizeof *h->ids;
    if (pushed) {
        h->ids[h->depth] = e->u.lambda.ids;
        h->counts[h->depth++] = e->u.lambda.n;
    }
    hash_expr(h, e->u.lambda.body);
    h->depth -= pushed;
}

static void hash_subquery(hasher *h, const ch_expr *e)
{
    ch_hash_number(h->fingerprint, e->u.subquery.kind);
    for (size_t i = 0; i < e->u.subquery.nvalues; i++) hash_expr(h, e->u.subquery.values[i]);
    if (!e->u.subquery.rel) return;
    ch_rel_fingerprints(e->u.subquery.rel);
    ch_hash_number(h->fingerprint, e->u.subquery.rel->fingerprint[0]);
    ch_hash_number(h->fingerprint, e->u.subquery.rel->fingerprint[1]);
}

static void hash_expr(hasher *h, const ch_expr *e)
{
    ch_hash_number(h->fingerprint, e->kind);
    switch (e->kind) {
    case CH_EX_LITERAL: hash_literal(h, &e->u.literal); break;
    case CH_EX_COLUMN: hash_column(h, e->u.column.id); break;
    case CH_EX_VARIABLE: hash_variable(h, e->u.variable.id); break;
    case CH_EX_CALL: hash_call(h, e); break;
    case CH_EX_CAST:
        hash_type(h, e->u.cast.to);
        ch_hash_number(h->fingerprint, e->u.cast.mode);
        ch_hash_text(h->fingerprint, e->zone);
        hash_expr(h, e->u.cast.child);
        break;
    case CH_EX_WINDOW: hash_window(h, &e->u.window); break;
    case CH_EX_LAMBDA: hash_lambda(h, e); break;
    case CH_EX_FIELD:
        ch_hash_number(h->fingerprint, e->u.field.ordinal);
        hash_expr(h, e->u.field.child);
        break;
    case CH_EX_NATIVE:
        if (e->u.native.identity) {
            ch_hash_text(h->fingerprint, e->u.native.identity);
        } else {
            ch_hash_number(h->fingerprint, e->u.native.fn->id);
        }
        for (size_t i = 0; i < e->u.native.n; i++) hash_expr(h, e->u.native.args[i]);
        break;
    case CH_EX_SUBQUERY: hash_subquery(h, e); break;
    default: break;
    }
}

void ch_hash_expr(uint64_t fingerprint[2], const ch_expr *e, const ch_rel *input, const ch_rel *right)
{
    hasher h = {.fingerprint = fingerprint, .input = input, .right = right};
    hash_expr(&h, e);
}
