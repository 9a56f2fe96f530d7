/* filter.h: MLflow's search language: "metrics.rmse < 1 AND params.model = 'tree'" and order_by clauses, as checked
 * clauses and as SQL. Every search of the server (runs, experiments, registered models, versions, logged models) uses
 * it with rules of its own.
 *
 *     filter := clause (AND clause)*
 *     clause := name op value | name [NOT] IN ('a', ...) | name IS [NOT] NULL
 *     name   := [kind.]key       kind: metric(s), param(s), parameter(s), tag(s), attr, attribute(s), run, dataset(s)
 *     key    := letters, digits, _ and dots, or anything `back-ticked`, "quoted" or 'quoted'
 *     op     := = != < <= > >= LIKE ILIKE
 *     order  := name [ASC | DESC]
 */
#ifndef CHERT_TRACK_FILTER_H
#define CHERT_TRACK_FILTER_H

#include "track/call.h"
#include "track/search/select.h"

typedef enum ch_side {
    CH_SIDE_ATTRIBUTE,
    CH_SIDE_METRIC,
    CH_SIDE_PARAM,
    CH_SIDE_TAG,
    CH_SIDE_DATASET,
    CH_SIDE_OWN /* a kind that one search has for itself: it checks the keys and writes the SQL */
} ch_side;

typedef enum ch_comparator {
    CH_CMP_EQ,
    CH_CMP_NE,
    CH_CMP_LT,
    CH_CMP_LE,
    CH_CMP_GT,
    CH_CMP_GE,
    CH_CMP_LIKE,
    CH_CMP_ILIKE,
    CH_CMP_IN,
    CH_CMP_NOT_IN,
    CH_CMP_IS_NULL,
    CH_CMP_IS_NOT_NULL,
    CH_CMP_OTHER /* reads like a comparator but is none of ours: "<>", RLIKE */
} ch_comparator;

typedef enum ch_filter_attribute_flags {
    CH_ATTR_NUMBER = 1,    /* compared with numbers; otherwise with text */
    CH_ATTR_LIST = 2,      /* takes IN and NOT IN */
    CH_ATTR_NULLABLE = 4,  /* nulls are sorted last */
    CH_ATTR_NO_FILTER = 8, /* only in order_by */
    CH_ATTR_NO_ORDER = 16, /* only in filters */
    CH_ATTR_ID = 32,       /* a number that users write as text: experiment_id */
    CH_ATTR_ALIAS = 64     /* not told in messages */
} ch_filter_attribute_flags;

typedef struct ch_filter_attribute {
    const char *name;   /* as users write it */
    const char *column; /* SQL */
    unsigned flags;
} ch_filter_attribute;

/* Rows with a key and a value that belong to what is searched. `join` says to which, with $ for the table's alias:
 * {"tags", "$.run = r.id"}. No table: there are none. */
typedef struct ch_filter_side {
    const char *table, *join;
} ch_filter_side;

/* Whose wording of messages. */
typedef enum ch_filter_style {
    CH_FILTER_RUNS,
    CH_FILTER_EXPERIMENTS,
    CH_FILTER_REGISTRY,
    CH_FILTER_LOGGED_MODELS
} ch_filter_style;

typedef struct ch_filter_rules {
    ch_filter_style style;
    const ch_filter_attribute *attributes; /* up to one without a name */
    /* Kinds of CH_SIDE_OWN, as the attributes, compared with text; NULL: none. CH_ATTR_NULLABLE: takes IS NULL. */
    const ch_filter_attribute *own;
    ch_filter_side metrics; /* a table with value and is_nan */
    ch_filter_side params, tags;
    const char *dataset_run;   /* the column that dataset_inputs.run equals, for dataset.* */
    const char *absent_is_not; /* the tag of which absence counts as being anything else (or 'false'); NULL: none */
    const char *order;         /* SQL when no order_by is given */
    ch_filter_attribute
        ties[3]; /* added to order_by in this order unless it names them; column: SQL with ASC or DESC */
} ch_filter_rules;

typedef struct ch_clause {
    ch_side side;
    const char *key;                      /* as written */
    const ch_filter_attribute *attribute; /* of CH_SIDE_ATTRIBUTE; the kind of CH_SIDE_OWN */
    ch_comparator comparator;
    const char *comparator_text; /* in capitals */
    enum { CH_VALUE_NONE, CH_VALUE_INT, CH_VALUE_DOUBLE, CH_VALUE_TEXT, CH_VALUE_LIST } kind;
    int64_t integer;
    double real; /* also of CH_VALUE_INT */
    const char *text;
    const char **list;
    size_t nlist;
} ch_clause;

typedef struct ch_filter {
    const ch_filter_rules *rules;
    ch_clause *clauses; /* in the request's arena */
    size_t nclause;
} ch_filter;

typedef struct ch_filter_order {
    ch_side side;
    const char *key;
    const ch_filter_attribute *attribute;
    bool descending;
} ch_filter_order;

typedef struct ch_order_list {
    const ch_filter_rules *rules;
    ch_filter_order *orders;
    size_t norder;
} ch_order_list;

enum { CH_FILTER_CLAUSES_MAX = 200, CH_ORDERS_MAX = 30 };

/* Reads and checks a filter; NULL and "" have no clauses. Fails the call with MLflow's message. */
int ch_filter_parse(ch_call *call, const ch_filter_rules *rules, const char *text, ch_filter *out);
/* Appends " AND condition" for every clause. */
void ch_filter_write(const ch_filter *filter, ch_select *query);
/* Appends " AND condition" for one; not for those of CH_SIDE_OWN. */
void ch_clause_write(const ch_filter_rules *rules, const ch_clause *clause, ch_select *query);
/* Appends "column op value". */
void ch_clause_compare(const ch_clause *clause, const char *column, ch_select *query);

/* Reads and checks order_by: a list of texts, or NULL. */
int ch_order_parse(ch_call *call, const ch_filter_rules *rules, json_t *list, ch_order_list *out);
/* Adds one order to a list made by ch_order_parse (logged models name theirs in objects). */
int ch_order_add(ch_call *call, ch_order_list *list, const char *name, bool descending);
/* Appends the joins that the order needs, after FROM ... */
void ch_order_joins(const ch_order_list *list, ch_select *query);
/* ... and, after WHERE, " ORDER BY ...". */
void ch_order_write(const ch_order_list *list, ch_select *query);

#endif
