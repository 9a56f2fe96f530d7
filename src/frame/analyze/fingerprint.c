/* fingerprint.c: 128-bit hashes of relations: plans that compute the same have the same. Column ids and user names play
 * no part: a column is its position in the input. */
#include "frame/analyze/rel_internal.h"

#include <string.h>

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void ch_hash_number(uint64_t fingerprint[2], uint64_t number)
{
    fingerprint[0] = mix(fingerprint[0] ^ mix(number + 0x9e3779b97f4a7c15u));
    fingerprint[1] = mix(fingerprint[1] * 0xd6e8feb86659fd93u + number) ^ fingerprint[0] >> 7;
}

void ch_hash_bytes(uint64_t fingerprint[2], const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    ch_hash_number(fingerprint, size);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, at + i, size - i < sizeof word ? size - i : sizeof word);
        ch_hash_number(fingerprint, word);
    }
}

void ch_hash_text(uint64_t fingerprint[2], const char *text)
{
    ch_hash_number(fingerprint, text != NULL);
    if (text) ch_hash_bytes(fingerprint, text, strlen(text));
}

static void hash_expr(ch_rel *rel, const ch_expr *e)
{
    ch_hash_number(rel->fingerprint, e != NULL);
    if (e) ch_hash_expr(rel->fingerprint, e, rel->input, rel->right);
}

static size_t position(const ch_rel *rel, int id)
{
    for (size_t i = 0; i < rel->ncol; i++) {
        if (rel->cols[i].id == id) return i;
    }
    for (size_t i = 0; i < rel->nhidden; i++) {
        if (rel->hidden[i].id == id) return rel->ncol + i;
    }
    return SIZE_MAX;
}

/* Which of its input's columns a relation passes on. Usually all in order, which is quick to see. */
static void hash_columns(ch_rel *rel, const ch_attr *attrs, size_t n)
{
    const ch_rel *in = rel->input;
    ch_hash_number(rel->fingerprint, n);
    for (size_t i = 0; i < n; i++) {
        if (i < in->ncol && in->cols[i].id == attrs[i].id) {
            ch_hash_number(rel->fingerprint, i);
            continue;
        }
        size_t at = position(in, attrs[i].id);
        if (at == SIZE_MAX && rel->right) at = in->ncol + in->nhidden + position(rel->right, attrs[i].id);
        ch_hash_number(rel->fingerprint, at);
    }
}

static void hash_orders(ch_rel *rel)
{
    ch_hash_number(rel->fingerprint, rel->u.sort.n);
    for (size_t i = 0; i < rel->u.sort.n; i++) {
        const ch_order *order = &rel->u.sort.orders[i];
        ch_hash_number(rel->fingerprint, (uint64_t)(order->descending + 2 * order->nulls_last));
        hash_expr(rel, order->expr);
    }
}

static void hash_projection(ch_rel *rel)
{
    ch_hash_number(rel->fingerprint, rel->ncol);
    for (size_t i = 0; i < rel->ncol; i++) {
        const ch_expr *e = rel->u.exprs[i];
        if (e->kind == CH_EX_COLUMN && i < rel->input->ncol && rel->input->cols[i].id == e->u.column.id) {
            ch_hash_number(rel->fingerprint, i); /* a column in its old place: the bulk of wide projections */
        } else {
            hash_expr(rel, e);
        }
    }
}

static void hash_aggregate(ch_rel *rel)
{
    ch_hash_number(rel->fingerprint, rel->u.aggregate.nkey);
    for (size_t i = 0; i < rel->u.aggregate.nkey; i++) hash_expr(rel, rel->u.aggregate.keys[i]);
    ch_hash_number(rel->fingerprint, rel->u.aggregate.nagg);
    for (size_t i = 0; i < rel->u.aggregate.nagg; i++) hash_expr(rel, rel->u.aggregate.aggs[i]);
    ch_hash_number(rel->fingerprint, rel->u.aggregate.nset);
    for (size_t i = 0; i < rel->u.aggregate.nset; i++) {
        ch_hash_number(rel->fingerprint, rel->u.aggregate.set_size[i]);
        for (size_t j = 0; j < rel->u.aggregate.set_size[i]; j++) {
            ch_hash_number(rel->fingerprint, rel->u.aggregate.sets[i][j]);
        }
    }
    ch_hash_number(rel->fingerprint, rel->u.aggregate.grouping_id >= 0);
}

static void hash_values(ch_rel *rel)
{
    ch_hash_number(rel->fingerprint, rel->u.values.nrow);
    for (size_t i = 0; i < rel->u.values.nrow; i++) {
        for (size_t j = 0; j < rel->ncol; j++) hash_expr(rel, rel->u.values.rows[i][j]);
    }
}

static void hash_own(ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SOURCE: break;
    case CH_REL_VALUES: hash_values(rel); break;
    case CH_REL_PROJECT: hash_projection(rel); break;
    case CH_REL_FILTER: hash_expr(rel, rel->u.condition); break;
    case CH_REL_AGGREGATE: hash_aggregate(rel); break;
    case CH_REL_JOIN:
        ch_hash_number(rel->fingerprint, rel->u.join.kind);
        hash_expr(rel, rel->u.join.condition);
        break;
    case CH_REL_SET_OP: ch_hash_number(rel->fingerprint, (uint64_t)rel->u.set_op.kind * 2 + rel->u.set_op.all); break;
    case CH_REL_SORT: hash_orders(rel); break;
    case CH_REL_LIMIT:
        ch_hash_number(rel->fingerprint, (uint64_t)rel->u.limit.limit);
        ch_hash_number(rel->fingerprint, (uint64_t)rel->u.limit.offset);
        ch_hash_number(rel->fingerprint, rel->u.limit.tail);
        break;
    case CH_REL_DISTINCT:
        ch_hash_number(rel->fingerprint, rel->u.distinct.nkey);
        for (size_t i = 0; i < rel->u.distinct.nkey; i++) {
            ch_hash_number(rel->fingerprint, position(rel->input, rel->u.distinct.keys[i]));
        }
        break;
    case CH_REL_ROW_NUMBER: break;
    case CH_REL_GENERATE:
        hash_expr(rel, rel->u.generate.array);
        ch_hash_number(rel->fingerprint, (uint64_t)(rel->u.generate.outer + 2 * rel->u.generate.position));
        ch_hash_number(rel->fingerprint, rel->u.generate.nout);
        break;
    }
}

/* Do the relation's columns come from its input as they are, so that which ones matters? */
static bool passes_columns(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_FILTER:
    case CH_REL_JOIN:
    case CH_REL_SORT:
    case CH_REL_LIMIT:
    case CH_REL_DISTINCT: return true;
    default: return false;
    }
}

/* A projection that shows its input just as it is, under another table name perhaps. */
static bool is_identity(const ch_rel *rel)
{
    if (rel->kind != CH_REL_PROJECT || rel->ncol != rel->input->ncol || rel->nhidden != rel->input->nhidden)
        return false;
    for (size_t i = 0; i < rel->ncol; i++) {
        const ch_expr *e = rel->u.exprs[i];
        if (e->kind != CH_EX_COLUMN || e->u.column.id != rel->input->cols[i].id) return false;
        if (rel->cols[i].id != e->u.column.id) return false;
    }
    for (size_t i = 0; i < rel->nhidden; i++) {
        if (rel->hidden[i].id != rel->input->hidden[i].id) return false;
    }
    return true;
}

void ch_rel_fingerprints(ch_rel *rel)
{
    if (!rel || rel->kind == CH_REL_SOURCE) return;
    ch_rel_fingerprints(rel->input);
    ch_rel_fingerprints(rel->right);
    if (is_identity(rel)) {
        memcpy(rel->fingerprint, rel->input->fingerprint, sizeof rel->fingerprint);
        return;
    }
    rel->fingerprint[0] = rel->fingerprint[1] = (uint64_t)rel->kind + 1;
    if (rel->input) ch_hash_bytes(rel->fingerprint, rel->input->fingerprint, sizeof rel->fingerprint);
    if (rel->right) ch_hash_bytes(rel->fingerprint, rel->right->fingerprint, sizeof rel->fingerprint);
    hash_own(rel);
    if (passes_columns(rel)) hash_columns(rel, rel->cols, rel->ncol);
    if (rel->input) hash_columns(rel, rel->hidden, rel->nhidden);
}
