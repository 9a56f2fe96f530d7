/* decode_relation.c: relations out of messages: reading, and the operations on rows. The derived ones (statistics,
 * missing values, show) are in decode_derived.c. */
#include "connect/decode.h"
#include "connect/decode_internal.h"
#include "connect/errors.h"
#include "connect/paths.h"
#include "connect/wire.h"

#include <string.h>
#include <zstd.h>

/* --- references --------------------------------------------------------------------------------------------------- */

ch_plan *ch_find_reference(const ch_decoder *d, int64_t plan_id)
{
    for (const ch_reference *r = d->references; r; r = r->next) {
        if (r->plan_id == plan_id) return r->plan;
    }
    return NULL;
}

static void add_reference(ch_decoder *d, int64_t plan_id, ch_plan *plan)
{
    ch_reference *r = CH_NEW(d->arena, ch_reference);
    *r = (ch_reference){plan_id, plan, d->references};
    d->references = r;
}

/* References are either DataFrames named in SQL text (SubqueryAlias) or plans of subquery expressions, by plan id. */
static int decode_with_relations(ch_decoder *d, const PB(WithRelations) *in, ch_plan **out, ch_error *err)
{
    ch_reference *before = d->references;
    size_t n = 0;
    const char **names = CH_NEW_ARRAY(d->arena, const char *, in->n_references);
    ch_plan **plans = CH_NEW_ARRAY(d->arena, ch_plan *, in->n_references);
    for (size_t i = 0; i < in->n_references; i++) {
        const PB(Relation) *r = in->references[i];
        ch_plan *plan;
        CH_TRY(ch_decode_relation(d, r, &plan, err));
        add_reference(d, plan->plan_id, plan);
        if (r->rel_type_case == SPARK__CONNECT__RELATION__REL_TYPE_SUBQUERY_ALIAS) {
            names[n] = r->subquery_alias->alias;
            plans[n++] = plan->input;
        }
    }
    ch_plan *root;
    CH_TRY(ch_decode_relation(d, in->root, &root, err));
    d->references = before;
    *out = ch_plan_new(d->arena, n ? CH_PLAN_WITH : CH_PLAN_HINT, root); /* a hint changes nothing but carries the id */
    if (!n) return CH_OK;
    (*out)->u.with.n = n;
    (*out)->u.with.names = names;
    (*out)->u.with.plans = plans;
    return CH_OK;
}

/* --- helpers ------------------------------------------------------------------------------------------------------ */

int ch_decode_unary(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, ch_plan **out, ch_error *err)
{
    ch_plan *child;
    CH_TRY(ch_decode_relation(d, input, &child, err));
    *out = ch_plan_new(d->arena, kind, child);
    return CH_OK;
}

const char **ch_borrow_names(ch_decoder *d, size_t n, char *const *names)
{
    const char **out = CH_NEW_ARRAY(d->arena, const char *, n);
    for (size_t i = 0; i < n; i++) out[i] = names[i];
    return out;
}

static int binary(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *left, const PB(Relation) *right, ch_plan **out,
                  ch_error *err)
{
    CH_TRY(ch_decode_unary(d, kind, left, out, err));
    return ch_decode_relation(d, right, &(*out)->right, err);
}

/* --- sources ------------------------------------------------------------------------------------------------------ */

static int decode_data_source(ch_decoder *d, const PB(Read__DataSource) *in, bool streaming, ch_plan **out,
                              ch_error *err)
{
    if (in->n_predicates) return ch_unsupported(err, "Reading by predicates (JDBC)");
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_READ, NULL);
    p->u.read.format = in->_format_case && in->format[0] ? in->format : NULL;
    p->u.read.schema = in->_schema_case && in->schema[0] ? in->schema : NULL;
    p->u.read.streaming = streaming;
    p->u.read.npath = in->n_paths;
    p->u.read.paths = ch_borrow_names(d, in->n_paths, in->paths);
    for (size_t i = 0; i < in->n_paths; i++) {
        CH_TRY(ch_path_to_read(d->track, d->user, d->arena, in->paths[i], &p->u.read.paths[i], err));
    }
    CH_DECODE_OPTIONS(d, in->n_options, in->options, &p->u.read.noption, &p->u.read.options);
    return CH_OK;
}

static int decode_read(ch_decoder *d, const PB(Read) *in, ch_plan **out, ch_error *err)
{
    switch (in->read_type_case) {
    case SPARK__CONNECT__READ__READ_TYPE_DATA_SOURCE:
        return decode_data_source(d, in->data_source, in->is_streaming != 0, out, err);
    case SPARK__CONNECT__READ__READ_TYPE_NAMED_TABLE: {
        if (in->is_streaming) return ch_unsupported(err, "Streaming reads of tables");
        ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_TABLE, NULL);
        const PB(Read__NamedTable) *table = in->named_table;
        CH_DECODE_OPTIONS(d, table->n_options, table->options, &p->u.table.noption, &p->u.table.options);
        return ch_split_name(d->arena, table->unparsed_identifier, &p->u.table.nparts, &p->u.table.parts, err);
    }
    default: return ch_oneof_unset(err, PB_TYPE(read), "READTYPE");
    }
}

static int literal_expr(ch_decoder *d, const PB(Expression__Literal) *literal, ch_expr **out, ch_error *err)
{
    *out = ch_expr_new(d->arena, CH_EX_LITERAL);
    return ch_decode_literal(d->arena, literal, &(*out)->u.literal, err);
}

/* Arguments come as expressions, or from older clients as literals. */
static int decode_sql(ch_decoder *d, const PB(SQL) *in, ch_plan **out, ch_error *err)
{
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_SQL, NULL);
    p->u.sql.query = in->query;
    p->u.sql.npos = in->n_pos_arguments + in->n_pos_args;
    p->u.sql.pos = CH_NEW_ARRAY(d->arena, ch_expr *, p->u.sql.npos);
    p->u.sql.nnamed = in->n_named_arguments + in->n_args;
    p->u.sql.named = CH_NEW_ARRAY(d->arena, ch_expr *, p->u.sql.nnamed);
    p->u.sql.arg_names = CH_NEW_ARRAY(d->arena, const char *, p->u.sql.nnamed);
    size_t at = 0;
    for (size_t i = 0; i < in->n_pos_arguments; i++) {
        CH_TRY(ch_decode_expression(d, in->pos_arguments[i], &p->u.sql.pos[at++], err));
    }
    for (size_t i = 0; i < in->n_pos_args; i++) CH_TRY(literal_expr(d, in->pos_args[i], &p->u.sql.pos[at++], err));
    at = 0;
    for (size_t i = 0; i < in->n_named_arguments; i++) {
        p->u.sql.arg_names[at] = in->named_arguments[i]->key;
        CH_TRY(ch_decode_expression(d, in->named_arguments[i]->value, &p->u.sql.named[at++], err));
    }
    for (size_t i = 0; i < in->n_args; i++) {
        p->u.sql.arg_names[at] = in->args[i]->key;
        CH_TRY(literal_expr(d, in->args[i]->value, &p->u.sql.named[at++], err));
    }
    return CH_OK;
}

static int decode_local(ch_decoder *d, const PB(LocalRelation) *in, ch_plan **out, ch_error *err)
{
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_LOCAL, NULL);
    p->u.local.schema = in->_schema_case && in->schema[0] ? in->schema : NULL;
    if (in->_data_case) {
        p->u.local.data = in->data.len ? in->data.data : NULL;
        p->u.local.size = in->data.len;
    } else if (!p->u.local.schema) {
        return ch_invalid_plan(err, "Schema for LocalRelation is required when the input data is not provided.");
    }
    return CH_OK;
}

static int need_blob(ch_decoder *d, const char *hash, ch_error *err)
{
    const char *name = ch_arena_printf(d->arena, "cache/%s", hash);
    if (d->session && ch_blob_has(d->session, name)) return CH_OK;
    return ch_invalid_plan(err, "Cannot find a cached local relation for hash: %s", hash);
}

static int decode_chunked_local(ch_decoder *d, const PB(ChunkedCachedLocalRelation) *in, ch_plan **out, ch_error *err)
{
    for (size_t i = 0; i < in->n_datahashes; i++) CH_TRY(need_blob(d, in->datahashes[i], err));
    if (in->_schema_hash_case) CH_TRY(need_blob(d, in->schemahash, err));
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_CACHED_LOCAL, NULL);
    p->u.cached_local.nhash = in->n_datahashes;
    p->u.cached_local.hashes = ch_borrow_names(d, in->n_datahashes, in->datahashes);
    p->u.cached_local.schema_hash = in->_schema_hash_case ? in->schemahash : "";
    return CH_OK;
}

static int decode_cached_local(ch_decoder *d, const PB(CachedLocalRelation) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(need_blob(d, in->hash, err));
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_CACHED_LOCAL, NULL);
    p->u.cached_local.nhash = 1;
    p->u.cached_local.hashes = ch_borrow_names(d, 1, &in->hash);
    return CH_OK;
}

static int decode_range(ch_decoder *d, const PB(Range) *in, ch_plan **out, ch_error *err)
{
    if (in->step == 0) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: step (0) cannot be 0");
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_RANGE, NULL);
    p->u.range.start = in->_start_case ? in->start : 0;
    p->u.range.end = in->end;
    p->u.range.step = in->step;
    p->u.range.partitions = in->_num_partitions_case ? in->num_partitions : 0;
    return CH_OK;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static int decode_project(ch_decoder *d, const PB(Project) *in, ch_plan **out, ch_error *err)
{
    ch_plan *input;
    if (in->input) {
        CH_TRY(ch_decode_relation(d, in->input, &input, err));
    } else { /* one row without columns */
        input = ch_plan_new(d->arena, CH_PLAN_VALUES, NULL);
        input->u.values.nrow = 1;
        input->u.values.rows = CH_NEW_ARRAY(d->arena, ch_expr **, 1);
        input->u.values.rows[0] = CH_NEW_ARRAY(d->arena, ch_expr *, 0);
    }
    ch_plan *p = *out = ch_plan_new(d->arena, CH_PLAN_PROJECT, input);
    p->u.project.n = in->n_expressions;
    return ch_decode_expressions(d, in->n_expressions, in->expressions, &p->u.project.exprs, err);
}

static int decode_with_columns(ch_decoder *d, const PB(WithColumns) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_WITH_COLUMNS, in->input, out, err));
    ch_plan *p = *out;
    p->u.project.n = in->n_aliases;
    p->u.project.exprs = CH_NEW_ARRAY(d->arena, ch_expr *, in->n_aliases);
    for (size_t i = 0; i < in->n_aliases; i++) {
        PB(Expression__Alias) *alias = in->aliases[i];
        if (alias->n_name != 1) {
            return ch_invalid_plan(err, "WithColumns require column name only contains one name part, but got %zu.",
                                   alias->n_name);
        }
        PB(Expression) *e = PB_NEW(d->arena, expression);
        e->expr_type_case = SPARK__CONNECT__EXPRESSION__EXPR_TYPE_ALIAS;
        e->alias = alias;
        CH_TRY(ch_decode_expression(d, e, &p->u.project.exprs[i], err));
    }
    return CH_OK;
}

static int decode_renamed(ch_decoder *d, const PB(WithColumnsRenamed) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_RENAME, in->input, out, err));
    ch_plan *p = *out;
    size_t n = in->n_renames + in->n_rename_columns_map, at = 0;
    p->u.rename.n = n;
    p->u.rename.from = CH_NEW_ARRAY(d->arena, const char *, n);
    p->u.rename.to = CH_NEW_ARRAY(d->arena, const char *, n);
    for (size_t i = 0; i < in->n_renames; i++, at++) {
        p->u.rename.from[at] = in->renames[i]->col_name;
        p->u.rename.to[at] = in->renames[i]->new_col_name;
    }
    for (size_t i = 0; i < in->n_rename_columns_map; i++, at++) {
        p->u.rename.from[at] = in->rename_columns_map[i]->key;
        p->u.rename.to[at] = in->rename_columns_map[i]->value;
    }
    return CH_OK;
}

static int decode_drop(ch_decoder *d, const PB(Drop) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_DROP, in->input, out, err));
    ch_plan *p = *out;
    p->u.drop.ncol = in->n_columns;
    p->u.drop.nname = in->n_column_names;
    p->u.drop.names = ch_borrow_names(d, in->n_column_names, in->column_names);
    return ch_decode_expressions(d, in->n_columns, in->columns, &p->u.drop.cols, err);
}

static int decode_to_df(ch_decoder *d, const PB(ToDF) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_TO_DF, in->input, out, err));
    (*out)->u.names.n = in->n_column_names;
    (*out)->u.names.names = ch_borrow_names(d, in->n_column_names, in->column_names);
    return CH_OK;
}

static int decode_to_schema(ch_decoder *d, const PB(ToSchema) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_TO_SCHEMA, in->input, out, err));
    CH_TRY(ch_decode_type(d->arena, in->schema, &(*out)->u.to_schema, err));
    if ((*out)->u.to_schema->kind == CH_STRUCT) return CH_OK;
    return ch_invalid_plan(err, "The schema of a ToSchema is no struct.");
}

static int decode_alias(ch_decoder *d, const PB(SubqueryAlias) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_ALIAS, in->input, out, err));
    size_t n = in->n_qualifier;
    const char **parts = CH_NEW_ARRAY(d->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) parts[i] = in->qualifier[i];
    parts[n] = in->alias;
    (*out)->u.alias.nparts = n + 1;
    (*out)->u.alias.parts = parts;
    return CH_OK;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static int decode_filter(ch_decoder *d, const PB(Filter) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_FILTER, in->input, out, err));
    return ch_decode_expression(d, in->condition, &(*out)->u.condition, err);
}

static int decode_sort(ch_decoder *d, const PB(Sort) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_SORT, in->input, out, err));
    ch_plan *p = *out;
    p->u.sort.n = in->n_order;
    p->u.sort.orders = CH_NEW_ARRAY(d->arena, ch_order, in->n_order);
    p->u.sort.global = in->_is_global_case && in->is_global;
    for (size_t i = 0; i < in->n_order; i++) CH_TRY(ch_decode_sort_order(d, in->order[i], &p->u.sort.orders[i], err));
    return CH_OK;
}

static int decode_count(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, int count, ch_plan **out,
                        ch_error *err)
{
    CH_TRY(ch_decode_unary(d, kind, input, out, err));
    (*out)->u.count = count;
    return CH_OK;
}

static int decode_deduplicate(ch_decoder *d, const PB(Deduplicate) *in, ch_plan **out, ch_error *err)
{
    if (in->_within_watermark_case && in->within_watermark) {
        return ch_unsupported(err, "Deduplication within a watermark");
    }
    bool all = in->_all_columns_as_keys_case && in->all_columns_as_keys;
    if (all && in->n_column_names) {
        return ch_invalid_plan(err, "Cannot deduplicate on both all columns and a subset of columns");
    }
    if (!all && !in->n_column_names) {
        return ch_invalid_plan(err, "Deduplicate requires to either deduplicate on all columns or a subset of columns");
    }
    CH_TRY(ch_decode_unary(d, CH_PLAN_DEDUPLICATE, in->input, out, err));
    (*out)->u.names.n = in->n_column_names;
    (*out)->u.names.names = ch_borrow_names(d, in->n_column_names, in->column_names);
    return CH_OK;
}

static int decode_sample(ch_decoder *d, const PB(Sample) *in, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decode_unary(d, CH_PLAN_SAMPLE, in->input, out, err));
    ch_plan *p = *out;
    p->u.sample.lower = in->lower_bound;
    p->u.sample.upper = in->upper_bound;
    p->u.sample.with_replacement = in->_with_replacement_case && in->with_replacement;
    p->u.sample.deterministic_order = in->deterministic_order != 0;
    p->u.sample.has_seed = in->_seed_case != 0;
    p->u.sample.seed = in->_seed_case ? in->seed : 0;
    return CH_OK;
}

static int decode_repartition(ch_decoder *d, const PB(Relation) *input, int n, ch_plan **out, ch_error *err)
{
    if (n <= 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Number of partitions (%d) must be positive.",
                        n);
    }
    return ch_decode_unary(d, CH_PLAN_REPARTITION, input, out, err);
}

/* --- several rows or relations ------------------------------------------------------------------------------------ */

static int join_kind(int type, ch_join_kind *out, ch_error *err)
{
    switch (type) {
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_INNER: *out = CH_JOIN_INNER; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_FULL_OUTER: *out = CH_JOIN_FULL; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_OUTER: *out = CH_JOIN_LEFT; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_RIGHT_OUTER: *out = CH_JOIN_RIGHT; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_SEMI: *out = CH_JOIN_SEMI; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_LEFT_ANTI: *out = CH_JOIN_ANTI; return CH_OK;
    case SPARK__CONNECT__JOIN__JOIN_TYPE__JOIN_TYPE_CROSS: *out = CH_JOIN_CROSS; return CH_OK;
    default: return ch_enum_invalid(err, PB_TYPE(join__join_type), type);
    }
}

static int decode_join(ch_decoder *d, const PB(Join) *in, ch_plan **out, ch_error *err)
{
    if (in->_join_data_type_case) return ch_unsupported(err, "Joins into pairs (joinWith)");
    if (in->join_condition && in->n_using_columns) {
        return ch_invalid_plan(err, "Using columns or join conditions cannot be set at the same time in Join");
    }
    ch_join_kind kind;
    CH_TRY(join_kind((int)in->join_type, &kind, err));
    CH_TRY(binary(d, CH_PLAN_JOIN, in->left, in->right, out, err));
    ch_plan *p = *out;
    p->u.join.kind = kind;
    p->u.join.nusing = in->n_using_columns;
    p->u.join.using_columns = ch_borrow_names(d, in->n_using_columns, in->using_columns);
    return in->join_condition ? ch_decode_expression(d, in->join_condition, &p->u.join.condition, err) : CH_OK;
}

static int decode_lateral_join(ch_decoder *d, const PB(LateralJoin) *in, ch_plan **out, ch_error *err)
{
    ch_join_kind kind;
    CH_TRY(join_kind((int)in->join_type, &kind, err));
    CH_TRY(binary(d, CH_PLAN_JOIN, in->left, in->right, out, err));
    (*out)->u.join.kind = kind;
    (*out)->u.join.lateral = true;
    return in->join_condition ? ch_decode_expression(d, in->join_condition, &(*out)->u.join.condition, err) : CH_OK;
}

static int decode_set_op(ch_decoder *d, const PB(SetOperation) *in, ch_plan **out, ch_error *err)
{
    bool by_name = in->_by_name_case && in->by_name;
    bool missing = in->_allow_missing_columns_case && in->allow_missing_columns;
    ch_set_kind kind;
    switch (in->set_op_type) {
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_UNION: kind = CH_SET_UNION; break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_INTERSECT: kind = CH_SET_INTERSECT; break;
    case SPARK__CONNECT__SET_OPERATION__SET_OP_TYPE__SET_OP_TYPE_EXCEPT: kind = CH_SET_EXCEPT; break;
    default: return ch_enum_invalid(err, PB_TYPE(set_operation__set_op_type), (int)in->set_op_type);
    }
    if (kind != CH_SET_UNION && by_name) {
        return ch_invalid_plan(err, "%s does not support union_by_name",
                               kind == CH_SET_EXCEPT ? "Except" : "Intersect");
    }
    if (missing && !by_name) {
        return ch_invalid_plan(err, "UnionByName `allowMissingCol` can be true only if `byName` is true.");
    }
    CH_TRY(binary(d, CH_PLAN_SET_OP, in->left_input, in->right_input, out, err));
    (*out)->u.set_op.kind = kind;
    (*out)->u.set_op.all = in->_is_all_case && in->is_all;
    (*out)->u.set_op.by_name = by_name;
    (*out)->u.set_op.allow_missing = missing;
    return CH_OK;
}

static int decode_pivot(ch_decoder *d, const PB(Aggregate__Pivot) *in, ch_plan *p, ch_error *err)
{
    if (!in) return ch_invalid_plan(err, "Aggregate with GROUP_TYPE_PIVOT requires a pivot");
    CH_TRY(ch_decode_expression(d, in->col, &p->u.aggregate.pivot, err));
    p->u.aggregate.nvalue = in->n_values;
    p->u.aggregate.values = CH_NEW_ARRAY(d->arena, ch_literal, in->n_values);
    for (size_t i = 0; i < in->n_values; i++) {
        CH_TRY(ch_decode_literal(d->arena, in->values[i], &p->u.aggregate.values[i], err));
    }
    return CH_OK;
}

static int decode_grouping_sets(ch_decoder *d, const PB(Aggregate) *in, ch_plan *p, ch_error *err)
{
    size_t n = in->n_grouping_sets;
    p->u.aggregate.nset = n;
    p->u.aggregate.set_size = CH_NEW_ARRAY(d->arena, size_t, n);
    p->u.aggregate.sets = CH_NEW_ARRAY(d->arena, ch_expr **, n);
    for (size_t i = 0; i < n; i++) {
        const PB(Aggregate__GroupingSets) *set = in->grouping_sets[i];
        p->u.aggregate.set_size[i] = set->n_grouping_set;
        CH_TRY(ch_decode_expressions(d, set->n_grouping_set, set->grouping_set, &p->u.aggregate.sets[i], err));
    }
    return CH_OK;
}

static int decode_aggregate(ch_decoder *d, const PB(Aggregate) *in, ch_plan **out, ch_error *err)
{
    static const ch_group_kind KINDS[] = {
        [SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_GROUPBY] = CH_GROUP_BY,
        [SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_ROLLUP] = CH_GROUP_ROLLUP,
        [SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_CUBE] = CH_GROUP_CUBE,
        [SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_PIVOT] = CH_GROUP_PIVOT,
        [SPARK__CONNECT__AGGREGATE__GROUP_TYPE__GROUP_TYPE_GROUPING_SETS] = CH_GROUP_SETS,
    };
    int type = (int)in->group_type;
    if (type <= 0 || type >= (int)(sizeof KINDS / sizeof *KINDS)) {
        return ch_enum_invalid(err, PB_TYPE(aggregate__group_type), type);
    }
    CH_TRY(ch_decode_unary(d, CH_PLAN_AGGREGATE, in->input, out, err));
    ch_plan *p = *out;
    p->u.aggregate.kind = KINDS[type];
    p->u.aggregate.ngroup = in->n_grouping_expressions;
    p->u.aggregate.nagg = in->n_aggregate_expressions;
    CH_TRY(ch_decode_expressions(d, in->n_grouping_expressions, in->grouping_expressions, &p->u.aggregate.groups, err));
    CH_TRY(ch_decode_expressions(d, in->n_aggregate_expressions, in->aggregate_expressions, &p->u.aggregate.aggs, err));
    if (p->u.aggregate.kind == CH_GROUP_PIVOT) return decode_pivot(d, in->pivot, p, err);
    if (p->u.aggregate.kind == CH_GROUP_SETS) return decode_grouping_sets(d, in, p, err);
    return CH_OK;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int decode_cached_remote(ch_decoder *d, const PB(CachedRemoteRelation) *in, ch_plan **out)
{
    *out = ch_plan_new(d->arena, CH_PLAN_CACHED_REMOTE, NULL);
    (*out)->u.remote_id = in->relation_id;
    return CH_OK;
}

static int decode_any(ch_decoder *d, const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    switch (in->rel_type_case) {
    case SPARK__CONNECT__RELATION__REL_TYPE_READ: return decode_read(d, in->read, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SQL: return decode_sql(d, in->sql, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION: return decode_local(d, in->local_relation, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CACHED_LOCAL_RELATION:
        return decode_cached_local(d, in->cached_local_relation, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CHUNKED_CACHED_LOCAL_RELATION:
        return decode_chunked_local(d, in->chunked_cached_local_relation, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CACHED_REMOTE_RELATION:
        return decode_cached_remote(d, in->cached_remote_relation, out);
    case SPARK__CONNECT__RELATION__REL_TYPE_RANGE: return decode_range(d, in->range, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_PROJECT: return decode_project(d, in->project, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_FILTER: return decode_filter(d, in->filter, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_COLUMNS: return decode_with_columns(d, in->with_columns, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_COLUMNS_RENAMED:
        return decode_renamed(d, in->with_columns_renamed, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DROP: return decode_drop(d, in->drop, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TO_DF: return decode_to_df(d, in->to_df, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TO_SCHEMA: return decode_to_schema(d, in->to_schema, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SUBQUERY_ALIAS: return decode_alias(d, in->subquery_alias, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_AGGREGATE: return decode_aggregate(d, in->aggregate, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_JOIN: return decode_join(d, in->join, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_LATERAL_JOIN: return decode_lateral_join(d, in->lateral_join, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SET_OP: return decode_set_op(d, in->set_op, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SORT: return decode_sort(d, in->sort, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_LIMIT:
        return decode_count(d, CH_PLAN_LIMIT, in->limit->input, in->limit->limit, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_OFFSET:
        return decode_count(d, CH_PLAN_OFFSET, in->offset->input, in->offset->offset, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_TAIL:
        return decode_count(d, CH_PLAN_TAIL, in->tail->input, in->tail->limit, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_DEDUPLICATE: return decode_deduplicate(d, in->deduplicate, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_SAMPLE: return decode_sample(d, in->sample, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPARTITION:
        return decode_repartition(d, in->repartition->input, in->repartition->num_partitions, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_REPARTITION_BY_EXPRESSION: {
        const PB(RepartitionByExpression) *r = in->repartition_by_expression;
        return decode_repartition(d, r->input, r->_num_partitions_case ? r->num_partitions : 1, out, err);
    }
    case SPARK__CONNECT__RELATION__REL_TYPE_HINT: return ch_decode_unary(d, CH_PLAN_HINT, in->hint->input, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_WATERMARK: /* means nothing outside streams */
        return ch_decode_unary(d, CH_PLAN_HINT, in->with_watermark->input, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_WITH_RELATIONS:
        return decode_with_relations(d, in->with_relations, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_CATALOG: return ch_catalog_call(d, in->catalog, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_ML_RELATION: return ch_decode_ml_relation(d, in->ml_relation, out, err);
    case SPARK__CONNECT__RELATION__REL_TYPE_EXTENSION: return ch_invalid_plan(err, "No handler found for extension");
    case SPARK__CONNECT__RELATION__REL_TYPE_UNKNOWN:
        return ch_invalid_plan(err,
                               "This oneOf field message in spark.connect.Relation is not supported: UNKNOWN(999)");
    case SPARK__CONNECT__RELATION__REL_TYPE__NOT_SET: return ch_oneof_unset(err, PB_TYPE(relation), "RELTYPE");
    default: return ch_decode_derived(d, in, out, err);
    }
}

int ch_decode_relation(ch_decoder *d, const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    if (!in) return ch_oneof_unset(err, PB_TYPE(relation), "RELTYPE");
    CH_TRY(decode_any(d, in, out, err));
    if (in->common && in->common->_plan_id_case) (*out)->plan_id = in->common->plan_id;
    return CH_OK;
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

static int decompress(ch_arena *arena, const PB(Plan__CompressedOperation) *in, void **bytes, size_t *size,
                      ch_error *err)
{
    if (in->compression_codec != SPARK__CONNECT__COMPRESSION_CODEC__COMPRESSION_CODEC_ZSTD) {
        return ch_enum_invalid(err, PB_TYPE(compression_codec), (int)in->compression_codec);
    }
    unsigned long long full = ZSTD_getFrameContentSize(in->data.data, in->data.len);
    if (full == ZSTD_CONTENTSIZE_UNKNOWN || full == ZSTD_CONTENTSIZE_ERROR || full > CH_WIRE_MESSAGE_MAX) {
        return ch_raise(err, "CONNECT_INVALID_PLAN.CANNOT_PARSE", "errorMsg", "its size is unknown or too large",
                        (char *)NULL);
    }
    *bytes = ch_arena_alloc(arena, (size_t)full);
    *size = ZSTD_decompress(*bytes, (size_t)full, in->data.data, in->data.len);
    if (!ZSTD_isError(*size)) return CH_OK;
    return ch_raise(err, "CONNECT_INVALID_PLAN.CANNOT_PARSE", "errorMsg", ZSTD_getErrorName(*size), (char *)NULL);
}

int ch_decompress_plan(ch_arena *arena, const PB(Plan) *plan, const PB(Plan) **out, ch_error *err)
{
    *out = plan;
    if (!plan || plan->op_type_case != SPARK__CONNECT__PLAN__OP_TYPE_COMPRESSED_OPERATION) return CH_OK;
    const PB(Plan__CompressedOperation) *in = plan->compressed_operation;
    void *bytes;
    size_t size;
    CH_TRY(decompress(arena, in, &bytes, &size, err));
    PB(Plan) *whole = PB_NEW(arena, plan);
    ProtobufCMessage *message;
    switch (in->op_type) {
    case SPARK__CONNECT__PLAN__COMPRESSED_OPERATION__OP_TYPE__OP_TYPE_RELATION:
        CH_TRY(ch_wire_unpack(arena, PB_TYPE(relation), bytes, size, &message, err));
        whole->op_type_case = SPARK__CONNECT__PLAN__OP_TYPE_ROOT;
        whole->root = (void *)message;
        break;
    case SPARK__CONNECT__PLAN__COMPRESSED_OPERATION__OP_TYPE__OP_TYPE_COMMAND:
        CH_TRY(ch_wire_unpack(arena, PB_TYPE(command), bytes, size, &message, err));
        whole->op_type_case = SPARK__CONNECT__PLAN__OP_TYPE_COMMAND;
        whole->command = (void *)message;
        break;
    default: return ch_enum_invalid(err, PB_TYPE(plan__compressed_operation__op_type), (int)in->op_type);
    }
    *out = whole;
    return CH_OK;
}

int ch_decode_plan(ch_decoder *d, const PB(Plan) *plan, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_decompress_plan(d->arena, plan, &plan, err));
    bool relation = plan && plan->op_type_case == SPARK__CONNECT__PLAN__OP_TYPE_ROOT;
    return ch_decode_relation(d, relation ? plan->root : NULL, out, err);
}
