/* rel.c: making relations and their columns. */
#include "base/log.h"
#include "frame/analyze/analyze_internal.h"

#include <string.h>

ch_rel *ch_rel_new(ch_arena *arena, ch_rel_kind kind, ch_rel *input, size_t ncol)
{
    ch_rel *rel = CH_NEW(arena, ch_rel);
    rel->kind = kind;
    rel->input = input;
    rel->ncol = ncol;
    rel->cols = CH_NEW_ARRAY(arena, ch_attr, ncol);
    return rel;
}

ch_attr *ch_attrs_copy(ch_arena *arena, const ch_attr *attrs, size_t n)
{
    ch_attr *copy = ch_arena_dup(arena, attrs, n * sizeof *attrs);
    for (size_t i = 0; i < n; i++) {
        copy[i].name = ch_arena_strdup(arena, attrs[i].name);
        copy[i].type = ch_type_copy(arena, attrs[i].type);
        copy[i].metadata = ch_arena_strdup(arena, attrs[i].metadata);
        copy[i].qualifier = ch_arena_dup(arena, attrs[i].qualifier, attrs[i].nqualifier * sizeof(char *));
        for (size_t j = 0; j < attrs[i].nqualifier; j++) {
            copy[i].qualifier[j] = ch_arena_strdup(arena, attrs[i].qualifier[j]);
        }
    }
    return copy;
}

void ch_rel_seal(ch_rel *rel)
{
    for (size_t i = 0; i < rel->ncol; i++) {
        if (!rel->cols[i].name_hash) rel->cols[i].name_hash = ch_name_hash(rel->cols[i].name);
    }
    for (size_t i = 0; i < rel->nhidden; i++) {
        if (!rel->hidden[i].name_hash) rel->hidden[i].name_hash = ch_name_hash(rel->hidden[i].name);
    }
}

void ch_rel_add_plan_id(ch_arena *arena, ch_rel *rel, int64_t plan_id)
{
    rel->plan_ids = ch_arena_grow(arena, rel->plan_ids, sizeof plan_id, rel->nplan_id, rel->nplan_id + 1);
    rel->plan_ids[rel->nplan_id++] = plan_id;
}

void ch_rel_add_hidden(ch_arena *arena, ch_rel *rel, const ch_attr *attr)
{
    rel->hidden = ch_arena_grow(arena, rel->hidden, sizeof *attr, rel->nhidden, rel->nhidden + 1);
    rel->hidden[rel->nhidden++] = *attr;
}

const ch_attr *ch_attr_find(const ch_rel *rel, int id)
{
    for (size_t i = 0; i < rel->ncol; i++) {
        if (rel->cols[i].id == id) return &rel->cols[i];
    }
    for (size_t i = 0; i < rel->nhidden; i++) {
        if (rel->hidden[i].id == id) return &rel->hidden[i];
    }
    return NULL;
}

ch_expr *ch_column_of(ch_arena *arena, const ch_attr *attr)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_COLUMN);
    e->type = attr->type;
    e->nullable = attr->nullable;
    e->u.column.id = attr->id;
    e->u.column.name = attr->name;
    return e;
}

ch_attr ch_attr_for(ch_analysis *a, const char *name, const ch_expr *e, const char *metadata)
{
    return (ch_attr){
        .id = (*a->next_id)++, .name = name, .type = e->type, .nullable = e->nullable, .metadata = metadata};
}

ch_rel *ch_rel_same(ch_arena *arena, ch_rel_kind kind, ch_rel *input)
{
    ch_rel *rel = ch_rel_new(arena, kind, input, 0);
    rel->ncol = input->ncol;
    rel->cols = input->cols;
    rel->nhidden = input->nhidden;
    rel->hidden = input->hidden;
    rel->ordered = input->ordered;
    return rel;
}

/* A plain column keeps its id, as it keeps its value; one that the user gave a name is another column, as in Spark. */
ch_rel *ch_rel_project(ch_analysis *a, ch_rel *input, size_t n, const ch_named *items)
{
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_PROJECT, input, n);
    rel->nhidden = input->nhidden;
    rel->hidden = input->hidden;
    rel->ordered = input->ordered;
    rel->u.exprs = CH_NEW_ARRAY(a->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) {
        const ch_named *item = &items[i];
        ch_expr *e = item->expr;
        rel->u.exprs[i] = e;
        rel->cols[i] = (ch_attr){.name = item->name,
                                 .type = e->type,
                                 .nullable = e->nullable,
                                 .metadata = item->metadata,
                                 .nqualifier = item->nqualifier,
                                 .qualifier = item->qualifier};
        bool same = e->kind == CH_EX_COLUMN && !item->nnames;
        rel->cols[i].id = same ? e->u.column.id : (*a->next_id)++;
    }
    ch_rel_seal(rel);
    return rel;
}

ch_rel *ch_rel_number(ch_analysis *a, ch_rel *input, int id)
{
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_ROW_NUMBER, input, input->ncol + 1);
    memcpy(rel->cols, input->cols, input->ncol * sizeof *rel->cols);
    rel->cols[input->ncol] = (ch_attr){.id = id, .name = CH_NO_NAME, .type = &ch_type_long};
    rel->nhidden = input->nhidden;
    rel->hidden = input->hidden;
    rel->ordered = input->ordered;
    rel->u.row_number_id = id;
    ch_rel_seal(rel);
    return rel;
}
