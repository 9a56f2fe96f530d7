/* write_internal.h: what the files of df.write share. */
#ifndef CHERT_FRAME_WRITE_INTERNAL_H
#define CHERT_FRAME_WRITE_INTERNAL_H

#include "frame/engine/query.h"
#include "frame/text/text_options.h"

typedef struct ch_writing {
    ch_session *session;
    ch_arena *arena;
    const ch_plan *plan;
    const ch_schema *schema; /* of the plan */
    ch_options options;
    size_t ndata;
    size_t *data; /* columns that go into the files */
    size_t npartition;
    size_t *partition;  /* columns that name folders */
    const char *folder; /* the hidden folder the files go into */
    char uuid[40];
    ch_task *task;
} ch_writing;

typedef struct ch_write_format {
    const char *name;                     /* "parquet" */
    const char *shown;                    /* "Parquet": in errors */
    bool (*accepts)(const ch_type *type); /* can it store a column of this type? */
    int (*write)(ch_writing *w, ch_error *err);
} ch_write_format;

/* Makes a folder and those above it, below w->folder. */
int ch_make_folders(const char *path, ch_error *err);
int ch_io_error(const char *what, const char *path, ch_error *err); /* with errno's text; CH_E_MEMORY for a full disk */

bool ch_parquet_accepts(const ch_type *type);
bool ch_csv_accepts(const ch_type *type);
bool ch_json_accepts(const ch_type *type);
bool ch_text_accepts(const ch_type *type);
int ch_write_parquet(ch_writing *w, ch_error *err);
int ch_write_csv(ch_writing *w, ch_error *err);
int ch_write_json(ch_writing *w, ch_error *err);
int ch_write_text(ch_writing *w, ch_error *err);

#endif
