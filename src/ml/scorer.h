/* scorer.h: scoring rows in memory, without plans and SQL: the stages' own batch functions, one after the other.
 *
 * Making a scorer binds every stage to the schema so far, as the analyzer does for a query; what is left is a list of
 * steps (function, argument columns, result columns). A scorer is immutable and serves any number of threads:
 *
 *     ch_scoring s;
 *     if (!ch_scoring_init(&s, scorer, rows, &err)) {
 *         ... fill s.columns[0 .. ninput) ...
 *         status = ch_scoring_run(&s, &err);
 *         ... read s.columns[...], s.rows of them ...
 *     }
 *     ch_scoring_reset(&s);
 */
#ifndef CHERT_ML_SCORER_H
#define CHERT_ML_SCORER_H

#include "frame/engine/native.h"
#include "frame/type/type.h"

typedef struct ch_scorer ch_scorer;

/* Stages are applied in order to columns of the schema `inputs`; nothing given is kept. err: what binding the stages
 * says; a stage that works on whole tables; a column that would have to be cast in a way not offered here. */
int ch_scorer_new(ch_transform *const *stages, size_t nstage, const ch_schema *inputs, ch_scorer **out, ch_error *err);
void ch_scorer_free(ch_scorer *scorer); /* NULL is fine */
/* The inputs' columns, then those that the stages append; valid as long as the scorer. */
ch_schema ch_scorer_schema(const ch_scorer *scorer);
/* Index in that schema of the last column of this name (len bytes) without regard to case; SIZE_MAX: none. */
size_t ch_scorer_find(const ch_scorer *scorer, const char *name, size_t len);

/* One batch of rows at work. */
typedef struct ch_scoring {
    const ch_scorer *scorer;
    ch_column *columns; /* one for each field of the scorer's schema: the inputs' for the caller to fill */
    size_t rows;        /* given at first; after the run: how many no stage has left out */
    uint32_t *source;   /* (rows) which row given each of them was; NULL: none was left out */
    ch_column **own;    /* columns to free */
    size_t nown;
} ch_scoring;

/* Columns for the inputs: room for `rows` (at most UINT32_MAX) rows, zeroed, all valid. err: memory. */
int ch_scoring_init(ch_scoring *s, const ch_scorer *scorer, size_t rows, ch_error *err);
/* Fills the other columns. err: what the stages say of the rows. */
int ch_scoring_run(ch_scoring *s, ch_error *err);
void ch_scoring_reset(ch_scoring *s); /* also after init failed */

/* Reading results. A number of any kind but decimal as a double; the row must be valid. */
bool ch_scored_is_number(const ch_type *type);
double ch_scored_number(const ch_column *c, size_t row);

#endif
