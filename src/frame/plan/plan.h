/* plan.h: a DataFrame as the user wrote it, before analysis.
 *
 * The protocol decoder (connect/), the SQL parser and the C API build this tree; frame/analyze turns it into relations
 * of resolved columns (frame/analyze/rel.h). Everything lives in an arena and is never changed once built, so one plan
 * may be part of several others and be analysed many times, from several threads.
 */
#ifndef CHERT_FRAME_PLAN_H
#define CHERT_FRAME_PLAN_H

#include "frame/plan/expr.h"

typedef struct ch_plan ch_plan;

typedef enum ch_plan_kind {
    CH_PLAN_READ,          /* files of a data source */
    CH_PLAN_TABLE,         /* a view or table by name */
    CH_PLAN_SQL,           /* text of a query */
    CH_PLAN_LOCAL,         /* rows sent by the client as Arrow IPC */
    CH_PLAN_CACHED_LOCAL,  /* the same, sent earlier as an artifact */
    CH_PLAN_CACHED_REMOTE, /* result of a checkpoint */
    CH_PLAN_RANGE,
    CH_PLAN_VALUES, /* rows of expressions (SQL VALUES, answers to commands); one empty row: SELECT without FROM */
    CH_PLAN_PROJECT,
    CH_PLAN_FILTER,
    CH_PLAN_WITH_COLUMNS,
    CH_PLAN_RENAME,
    CH_PLAN_DROP,
    CH_PLAN_TO_DF,
    CH_PLAN_TO_SCHEMA,
    CH_PLAN_ALIAS,
    CH_PLAN_AGGREGATE, /* groupBy, rollup, cube, grouping sets, pivot */
    CH_PLAN_JOIN,
    CH_PLAN_SET_OP,
    CH_PLAN_SORT,
    CH_PLAN_LIMIT,
    CH_PLAN_OFFSET,
    CH_PLAN_TAIL,
    CH_PLAN_DEDUPLICATE,
    CH_PLAN_SAMPLE,
    CH_PLAN_REPARTITION, /* rows unchanged: one machine */
    CH_PLAN_HINT,        /* rows unchanged */
    CH_PLAN_TRANSFORM,   /* a lazily applied ch_transform (ML) */
    CH_PLAN_DESCRIBE,
    CH_PLAN_SUMMARY,
    CH_PLAN_CROSSTAB,
    CH_PLAN_COV,
    CH_PLAN_CORR,
    CH_PLAN_APPROX_QUANTILE,
    CH_PLAN_FREQ_ITEMS,
    CH_PLAN_SAMPLE_BY,
    CH_PLAN_NA_FILL,
    CH_PLAN_NA_DROP,
    CH_PLAN_NA_REPLACE,
    CH_PLAN_SHOW_STRING,
    CH_PLAN_HTML_STRING,
    CH_PLAN_UNPIVOT,
    CH_PLAN_TRANSPOSE,
    CH_PLAN_PARSE, /* spark.read.json(df) / csv(df) */
    CH_PLAN_COLLECT_METRICS,
    CH_PLAN_WITH, /* common table expressions: names visible in `input` */
    CH_PLAN_REL   /* an already analysed relation, as expand.c puts it below what it builds */
} ch_plan_kind;

typedef struct ch_option {
    const char *key, *value;
} ch_option;

typedef enum ch_group_kind { CH_GROUP_BY, CH_GROUP_ROLLUP, CH_GROUP_CUBE, CH_GROUP_PIVOT, CH_GROUP_SETS } ch_group_kind;

typedef enum ch_join_kind {
    CH_JOIN_INNER,
    CH_JOIN_FULL,
    CH_JOIN_LEFT,
    CH_JOIN_RIGHT,
    CH_JOIN_SEMI,
    CH_JOIN_ANTI,
    CH_JOIN_CROSS
} ch_join_kind;

typedef enum ch_set_kind { CH_SET_UNION, CH_SET_INTERSECT, CH_SET_EXCEPT } ch_set_kind;

struct ch_plan {
    ch_plan_kind kind;
    int64_t plan_id; /* the client's id of this DataFrame; -1: none */
    ch_plan *input;  /* the child, or the left one of two */
    ch_plan *right;
    union {
        struct {
            const char *format; /* "csv", "parquet", ...; NULL: the session's default source */
            const char *schema; /* DDL or JSON text, or NULL */
            size_t noption, npath;
            ch_option *options;
            const char **paths;
            bool streaming;
        } read;
        struct {
            size_t nparts;
            const char **parts;
            size_t noption;
            ch_option *options;
        } table;
        struct {
            const char *query;
            size_t npos, nnamed;
            ch_expr **pos;          /* arguments of ? */
            const char **arg_names; /* arguments of :name */
            ch_expr **named;
        } sql;
        struct {
            const void *data; /* Arrow IPC stream; NULL: no rows */
            size_t size;
            const char *schema; /* JSON or DDL, or NULL: as in data */
        } local;
        struct {
            size_t nhash;
            const char **hashes;     /* of the data, in order */
            const char *schema_hash; /* "": as in data; NULL: 4.0's single artifact holds a whole LocalRelation */
        } cached_local;
        const char *remote_id;
        struct {
            int64_t start, end, step;
            int partitions; /* 0: default */
        } range;
        struct {
            size_t nrow, ncol;
            ch_expr ***rows;
            const char **names; /* NULL: col1, col2, ... */
        } values;
        struct {
            size_t n;
            ch_expr **exprs;
        } project;          /* also TO_DF's names are in names; WITH_COLUMNS: exprs are ALIAS nodes */
        ch_expr *condition; /* FILTER */
        struct {
            size_t n;
            const char **from, **to;
        } rename;
        struct {
            size_t ncol, nname;
            ch_expr **cols;
            const char **names;
        } drop;
        struct {
            size_t n;
            const char **names;
        } names;                  /* TO_DF; DEDUPLICATE: keys, none = all columns */
        const ch_type *to_schema; /* STRUCT */
        struct {
            size_t nparts;
            const char **parts; /* qualifier ..., alias */
        } alias;
        struct {
            ch_group_kind kind;
            size_t ngroup, nagg;
            ch_expr **groups;
            ch_expr **aggs;
            ch_expr *having; /* SQL's HAVING, or NULL */
            bool sql_select; /* aggs is a whole SELECT list (group columns only where listed), as SQL has it */
            ch_expr *pivot;  /* PIVOT */
            size_t nvalue;
            ch_literal *values;    /* none: found by a query */
            bool other_groups;     /* SQL's PIVOT: the groups are the columns that aggs and pivot do not mention */
            ch_expr **value_exprs; /* SQL's: nvalue constants instead of values, with names or NULL */
            const char **value_names;
            size_t nset;
            size_t *set_size;
            ch_expr ***sets;
        } aggregate;
        struct {
            ch_join_kind kind;
            ch_expr *condition; /* NULL: none */
            size_t nusing;
            const char **using_columns;
            bool natural, lateral;
        } join;
        struct {
            ch_set_kind kind;
            bool all, by_name, allow_missing;
        } set_op;
        struct {
            size_t n;
            ch_order *orders;
            bool global;
        } sort;
        int64_t count; /* LIMIT, OFFSET, TAIL, HINT */
        struct {
            double lower, upper;
            bool with_replacement, deterministic_order, has_seed;
            int64_t seed;
        } sample;
        ch_transform *transform; /* held by the arena */
        struct {
            size_t ncol;
            const char **cols;
            size_t nstat;
            const char **stats; /* SUMMARY */
            size_t nprob;
            double *probs; /* APPROX_QUANTILE */
            double error, support;
        } stat; /* DESCRIBE, SUMMARY, CROSSTAB (2 cols), COV, CORR (2 cols), APPROX_QUANTILE, FREQ_ITEMS */
        struct {
            ch_expr *col;
            size_t n;
            ch_literal *strata;
            double *fractions;
            int64_t seed;
        } sample_by;
        struct {
            size_t ncol;
            const char **cols; /* none: all that fit */
            size_t nvalue;
            ch_literal *values; /* FILL: one for all, or one a column; REPLACE: old, new, old, new ... */
            int min_non_nulls;  /* DROP; -1: all */
        } na;
        struct {
            int rows, truncate;
            bool vertical;
        } show;
        struct {
            size_t nid, nvalue;
            ch_expr **ids, **values;
            bool has_values;
            bool other_ids;           /* SQL's UNPIVOT: the ids are the columns that are no values */
            const char **value_names; /* of the values, or NULL */
            const char *variable, *value;
        } unpivot;
        struct {
            size_t n;
            ch_expr **index;
        } transpose;
        struct {
            const char *format; /* "csv", "json" */
            const ch_type *schema;
            size_t noption;
            ch_option *options;
        } parse;
        struct {
            size_t n;
            const char **names;
            ch_plan **plans;
            bool recursive;
        } with;
        struct {
            const char *name;
            size_t n;
            ch_expr **exprs;
        } metrics;
        struct ch_rel *rel; /* REL: analysis gives just this, the first time; where it stands a second time, `input`,
                             * from which it came, is analysed again so that its columns get ids of their own */
    } u;
};

ch_plan *ch_plan_new(ch_arena *arena, ch_plan_kind kind, ch_plan *input); /* plan_id -1 */

#endif
