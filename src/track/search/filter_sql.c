/* filter_sql.c: checked clauses and orders as SQL. What a user wrote goes into the statement as a value only. */
#include "track/search/filter.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends the join with the table's alias in the place of $. */
static void write_join(ch_select *query, const char *join, const char *alias)
{
    for (const char *at = join; *at; at++) {
        if (*at == '$')
            ch_buf_str(&query->text, alias);
        else
            ch_buf_char(&query->text, *at);
    }
}

static void write_value(ch_select *query, const ch_clause *clause)
{
    switch (clause->kind) {
    case CH_VALUE_INT: ch_select_int(query, clause->integer); break;
    case CH_VALUE_DOUBLE: ch_select_double(query, clause->real); break;
    default: ch_select_text(query, clause->text); break;
    }
}

static void write_list(ch_select *query, const ch_clause *clause, bool as_ids)
{
    for (size_t i = 0; i < clause->nlist; i++) {
        ch_select_sql(query, i ? ", " : "(");
        if (as_ids)
            ch_select_int(query, strtoll(clause->list[i], NULL, 10));
        else
            ch_select_text(query, clause->list[i]);
    }
    ch_select_sql(query, ")");
}

void ch_clause_compare(const ch_clause *clause, const char *column, ch_select *query)
{
    static const char *const SIGNS[] = {
        [CH_CMP_EQ] = "=",  [CH_CMP_NE] = "<>", [CH_CMP_LT] = "<",
        [CH_CMP_LE] = "<=", [CH_CMP_GT] = ">",  [CH_CMP_GE] = ">=",
    };
    bool is_id = clause->attribute && clause->attribute->flags & CH_ATTR_ID;
    switch (clause->comparator) {
    case CH_CMP_LIKE:
        ch_select_sqlf(query, "%s LIKE ", column);
        write_value(query, clause);
        break;
    case CH_CMP_ILIKE:
        ch_select_sqlf(query, "LOWER(%s) LIKE LOWER(", column);
        write_value(query, clause);
        ch_select_sql(query, ")");
        break;
    case CH_CMP_IN:
    case CH_CMP_NOT_IN:
        ch_select_sqlf(query, "%s %s ", column, clause->comparator == CH_CMP_IN ? "IN" : "NOT IN");
        write_list(query, clause, is_id);
        return;
    default:
        ch_select_sqlf(query, "%s %s ", column, SIGNS[clause->comparator]);
        if (is_id)
            ch_select_int(query, strtoll(clause->text, NULL, 10));
        else
            write_value(query, clause);
        return;
    }
    /* SQLite knows no escapes in patterns unless told to, as MLflow has it */
    if (query->dialect == CH_POSTGRES) ch_select_sql(query, " ESCAPE ''");
}

static void write_metric(const ch_filter_rules *rules, const ch_clause *clause, ch_select *query)
{
    ch_select_sqlf(query, "EXISTS (SELECT 1 FROM %s m WHERE ", rules->metrics.table);
    write_join(query, rules->metrics.join, "m");
    ch_select_sql(query, " AND m.key = ");
    ch_select_text(query, clause->key);
    /* every comparison with NaN is false but != */
    ch_select_sql(query, clause->comparator == CH_CMP_NE ? " AND (m.is_nan = 1 OR m.value <> "
                                                         : " AND (m.is_nan = 0 AND m.value ");
    if (clause->comparator != CH_CMP_NE) ch_select_sqlf(query, "%s ", clause->comparator_text);
    ch_select_double(query, clause->real);
    ch_select_sql(query, "))");
}

/* Whether a row without the tag matches, too: whoever asks for what is not a prompt means models without the tag. */
static bool takes_absent(const ch_filter_rules *rules, const ch_clause *clause)
{
    if (!rules->absent_is_not || clause->side != CH_SIDE_TAG || strcmp(clause->key, rules->absent_is_not) != 0) {
        return false;
    }
    return (clause->comparator == CH_CMP_NE && strcmp(clause->text, "true") == 0) ||
           (clause->comparator == CH_CMP_EQ && strcmp(clause->text, "false") == 0);
}

static void write_keyed(const ch_filter_rules *rules, const ch_clause *clause, ch_select *query)
{
    const ch_filter_side *side = clause->side == CH_SIDE_TAG ? &rules->tags : &rules->params;
    bool absent = takes_absent(rules, clause);
    bool negated = clause->comparator == CH_CMP_IS_NULL || absent;
    ch_select_sqlf(query, "%sEXISTS (SELECT 1 FROM %s k WHERE ", negated ? "NOT " : "", side->table);
    write_join(query, side->join, "k");
    ch_select_sql(query, " AND k.key = ");
    ch_select_text(query, clause->key);
    if (absent) {
        ch_select_sql(query, clause->comparator == CH_CMP_NE ? " AND k.value = " : " AND k.value <> ");
        ch_select_text(query, clause->text);
    } else if (clause->kind != CH_VALUE_NONE) {
        ch_select_sql(query, " AND ");
        ch_clause_compare(clause, "k.value", query);
    }
    ch_select_sql(query, ")");
}

static void write_dataset(const ch_filter_rules *rules, const ch_clause *clause, ch_select *query)
{
    ch_select_sql(query, "EXISTS (SELECT 1 FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset ");
    if (strcmp(clause->key, "context") == 0) {
        ch_select_sql(query, "JOIN dataset_input_tags g ON g.input = i.id AND g.key = 'mlflow.data.context' ");
    }
    ch_select_sqlf(query, "WHERE i.run = %s AND ", rules->dataset_run);
    ch_clause_compare(clause,
                      strcmp(clause->key, "context") == 0 ? "g.value"
                      : strcmp(clause->key, "name") == 0  ? "d.name"
                                                          : "d.digest",
                      query);
    ch_select_sql(query, ")");
}

void ch_clause_write(const ch_filter_rules *rules, const ch_clause *clause, ch_select *query)
{
    ch_select_sql(query, " AND ");
    switch (clause->side) {
    case CH_SIDE_ATTRIBUTE: ch_clause_compare(clause, clause->attribute->column, query); break;
    case CH_SIDE_METRIC: write_metric(rules, clause, query); break;
    case CH_SIDE_PARAM:
    case CH_SIDE_TAG: write_keyed(rules, clause, query); break;
    case CH_SIDE_DATASET: write_dataset(rules, clause, query); break;
    case CH_SIDE_OWN: assert(clause->side != CH_SIDE_OWN); break; /* written by its search */
    }
}

void ch_filter_write(const ch_filter *filter, ch_select *query)
{
    for (size_t i = 0; i < filter->nclause; i++) ch_clause_write(filter->rules, &filter->clauses[i], query);
}

/* --- order ---- */

static const ch_filter_side *side_of(const ch_order_list *list, const ch_filter_order *order)
{
    return order->side == CH_SIDE_METRIC  ? &list->rules->metrics
           : order->side == CH_SIDE_PARAM ? &list->rules->params
                                          : &list->rules->tags;
}

void ch_order_joins(const ch_order_list *list, ch_select *query)
{
    for (size_t i = 0; i < list->norder; i++) {
        const ch_filter_order *order = &list->orders[i];
        if (order->side == CH_SIDE_ATTRIBUTE) continue;
        const ch_filter_side *side = side_of(list, order);
        char alias[32];
        snprintf(alias, sizeof alias, "o%zu", i);
        ch_select_sqlf(query, " LEFT JOIN %s %s ON ", side->table, alias);
        write_join(query, side->join, alias);
        ch_select_sqlf(query, " AND %s.key = ", alias);
        ch_select_text(query, order->key);
    }
}

static void write_order(const ch_filter_order *order, size_t number, ch_select *query)
{
    const char *direction = order->descending ? " DESC" : "";
    if (order->side == CH_SIDE_METRIC) { /* numbers, then NaN, then runs without the metric */
        ch_select_sqlf(query, "CASE WHEN o%zu.value IS NULL THEN 2 ELSE o%zu.is_nan END, o%zu.value%s", number, number,
                       number, direction);
    } else if (order->side == CH_SIDE_ATTRIBUTE) {
        const char *column = order->attribute->column;
        if (order->attribute->flags & CH_ATTR_NULLABLE) ch_select_sqlf(query, "%s IS NULL, ", column);
        ch_select_sqlf(query, "%s%s", column, direction);
    } else {
        ch_select_sqlf(query, "o%zu.value IS NULL, o%zu.value%s", number, number, direction);
    }
}

static bool orders_by(const ch_order_list *list, const char *attribute)
{
    for (size_t i = 0; i < list->norder; i++) {
        if (list->orders[i].attribute && strcmp(list->orders[i].attribute->name, attribute) == 0) return true;
    }
    return false;
}

void ch_order_write(const ch_order_list *list, ch_select *query)
{
    const ch_filter_rules *rules = list->rules;
    ch_select_sql(query, " ORDER BY ");
    if (list->norder == 0 && rules->order) {
        ch_select_sql(query, rules->order);
        return;
    }
    bool first = true;
    for (size_t i = 0; i < list->norder; i++) {
        if (!first) ch_select_sql(query, ", ");
        write_order(&list->orders[i], i, query);
        first = false;
    }
    for (size_t i = 0; i < sizeof rules->ties / sizeof *rules->ties && rules->ties[i].name; i++) {
        if (orders_by(list, rules->ties[i].name)) continue;
        if (!first) ch_select_sql(query, ", ");
        ch_select_sql(query, rules->ties[i].column);
        first = false;
    }
}
