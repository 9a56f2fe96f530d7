/* db_driver.h: what db.c asks of a kind of database. Private to db*.c. */
#ifndef CHERT_TRACK_DB_DRIVER_H
#define CHERT_TRACK_DB_DRIVER_H

#include "track/store/db.h"

typedef struct ch_db_driver ch_db_driver;

/* A driver's connection begins with this. */
struct ch_db {
    const ch_db_driver *driver;
    ch_db *next; /* in a list of free connections */
};

struct ch_db_driver {
    ch_dialect dialect;
    /* One writer at a time, whose transaction many functions share; otherwise each writer has a connection. */
    bool one_writer;
    const char *begin_read, *begin_write;

    /* What all connections share: `store` as given to ch_db_open. */
    int (*open)(const char *store, bool read_only, void **shared, ch_error *err);
    void (*close)(void *shared, bool discard); /* discard: remove the store's files, if it has any */
    int (*connect)(void *shared, bool writes, ch_db **out, ch_error *err);
    void (*disconnect)(ch_db *db);
    bool (*is_broken)(const ch_db *db);         /* no use keeping the connection */
    bool (*in_transaction)(const ch_db *db);    /* false: an error has undone it already */
    bool (*should_retry)(const ch_error *err);  /* undone because of another transaction */
    void (*committed)(void *shared, ch_db *db); /* told after a write; may be NULL */

    int (*script)(ch_db *db, const char *sql, ch_error *err); /* statements without parameters or rows */
    void (*sql)(ch_db *db, const char *sql, bool once);
    void (*bind_int)(ch_db *db, int parameter, int64_t value);
    void (*bind_double)(ch_db *db, int parameter, double value);
    void (*bind_text)(ch_db *db, int parameter, const char *text);
    int (*run)(ch_db *db, ch_error *err);
    void (*begin_bulk)(ch_db *db); /* may be NULL, with end_bulk */
    int (*end_bulk)(ch_db *db, ch_error *err);
    int64_t (*changes)(const ch_db *db);
    int (*next_row)(ch_db *db, bool *more, ch_error *err);
    int64_t (*get_int)(const ch_db *db, int column);
    double (*get_double)(const ch_db *db, int column);
    const char *(*get_text)(const ch_db *db, int column);
    bool (*is_null)(const ch_db *db, int column);
};

extern const ch_db_driver ch_db_sqlite;
extern const ch_db_driver ch_db_postgres;

/* The condition that marks an error of a row whose key was there already (see ch_db_is_duplicate). */
#define CH_DB_DUPLICATE "STORE_DUPLICATE_KEY"

#endif
