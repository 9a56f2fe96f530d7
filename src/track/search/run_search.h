/* run_search.h: which runs a request asks for, and in what order: shared by runs/search and the pages' table. */
#ifndef CHERT_TRACK_RUN_SEARCH_H
#define CHERT_TRACK_RUN_SEARCH_H

#include "track/run/run_data.h"
#include "track/search/filter.h"

typedef struct ch_run_search {
    int64_t *experiments;
    size_t nexperiment;
    int deleted; /* 0: active runs, 1: deleted ones, -1: both */
    ch_filter filter;
    ch_order_list order;
} ch_run_search;

extern const ch_filter_rules ch_run_rules;

/* Reads experiment_ids, filter, run_view_type and order_by of a request. */
int ch_run_search_read(ch_call *call, ch_run_search *out);
/* Appends " WHERE ..." about a table `runs r`. */
void ch_run_search_where(const ch_run_search *search, ch_select *query);
/* The whole statement, with CH_RUN_COLUMNS. */
void ch_run_search_write(const ch_run_search *search, ch_select *query, int64_t limit, int64_t offset);
/* All rows of the chosen statement. */
int ch_runs_collect(ch_db *db, ch_arena *arena, ch_run **runs, size_t *count, ch_error *err);

#endif
