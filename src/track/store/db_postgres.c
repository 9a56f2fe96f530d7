/* db_postgres.c: the store in a PostgreSQL database, through libpq.
 *
 * Writers run side by side, each with a connection of its own, in transactions of isolation REPEATABLE READ: where two
 * get in each other's way, PostgreSQL fails one, and db.c runs its function again. Statements are prepared once for
 * each connection. Between ch_db_begin_bulk and ch_db_end_bulk they are sent without waiting for their outcomes. */
#include "track/store/db_driver.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARAMETERS_MAX = 1100,
    NUMBER_MAX = 40,    /* bytes of a number's text */
    PIPELINE_MAX = 128, /* statements on their way: their outcomes always fit the socket's buffer */
    ONCE_MAX = 100      /* statements made up for one query that a connection keeps prepared */
};

/* PostgreSQL's numbers of types; ANY lets it find out, which it must for null. */
enum { ANY = 0, INT8 = 20, TEXT = 25, FLOAT8 = 701 };

#define RETRY "STORE_RETRY" /* the condition of an error that another transaction caused */

typedef struct connection {
    ch_db base;
    PGconn *pg;
    ch_map *prepared; /* text with the types of its parameters -> name */
    ch_buf text;      /* of the current statement, with $1 */
    int nprepared, nonce;
    bool once;

    int nparameter; /* PARAMETERS_MAX + 1: there were too many */
    Oid types[PARAMETERS_MAX];
    const char *values[PARAMETERS_MAX];
    char numbers[PARAMETERS_MAX][NUMBER_MAX];

    PGresult *result; /* of the current statement */
    int row;
    bool bulk;
    int pending; /* outcomes not yet looked at */
} connection;

static connection *of(const ch_db *db)
{
    return (connection *)(void *)(uintptr_t)db;
}

/* --- errors ---- */

/* The first line of a message. */
static int line_of(const char *text)
{
    return (int)strcspn(text, "\n");
}

static int report(const connection *c, const PGresult *result, ch_error *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorMessage(result) : PQerrorMessage(c->pg);
    if (!state) state = "";
    int len = line_of(text);
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0) {
        int status = ch_failf(err, CH_E_IO, "the store was too busy: %.*s", len, text);
        snprintf(err->condition, sizeof err->condition, RETRY);
        return status;
    }
    if (strcmp(state, "23505") == 0) {
        int status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the store has such a row already: %.*s", len, text);
        snprintf(err->condition, sizeof err->condition, "%s", CH_DB_DUPLICATE);
        return status;
    }
    if (strcmp(state, "53100") == 0)
        return ch_failf(err, CH_E_MEMORY, "the disk of the store is full: %.*s", len, text);
    if (strncmp(state, "42", 2) == 0) return ch_bug(err, "the store refused a statement: %.*s", len, text);
    if (strncmp(state, "22", 2) == 0 || strncmp(state, "54", 2) == 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the store cannot hold this value: %.*s", len, text);
    }
    return ch_failf(err, CH_E_IO, "the store failed: %.*s", len, text);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* --- statements ---- */

/* The text with $1 in the place of ?1. */
static void convert(ch_buf *out, const char *sql)
{
    ch_buf_clear(out);
    for (;;) {
        size_t plain = strcspn(sql, "?");
        ch_buf_add(out, sql, plain);
        sql += plain;
        if (!*sql) return;
        ch_buf_char(out, '$');
        sql++;
    }
}

static void drop_result(connection *c)
{
    PQclear(c->result);
    c->result = NULL;
    c->row = -1;
}

static void choose(ch_db *db, const char *sql, bool once)
{
    connection *c = of(db);
    drop_result(c);
    convert(&c->text, sql);
    c->once = once;
    for (int i = 0; i < c->nparameter && i < PARAMETERS_MAX; i++) {
        c->types[i] = ANY;
        c->values[i] = NULL;
    }
    c->nparameter = 0;
}

static bool make_room(connection *c, int parameter)
{
    if (parameter > c->nparameter) c->nparameter = parameter <= PARAMETERS_MAX ? parameter : PARAMETERS_MAX + 1;
    return parameter <= PARAMETERS_MAX;
}

static void bind_int(ch_db *db, int parameter, int64_t value)
{
    connection *c = of(db);
    if (!make_room(c, parameter)) return;
    snprintf(c->numbers[parameter - 1], NUMBER_MAX, "%lld", (long long)value);
    c->types[parameter - 1] = INT8;
    c->values[parameter - 1] = c->numbers[parameter - 1];
}

static void bind_double(ch_db *db, int parameter, double value)
{
    connection *c = of(db);
    if (!make_room(c, parameter)) return;
    snprintf(c->numbers[parameter - 1], NUMBER_MAX, "%.17g", value);
    c->types[parameter - 1] = FLOAT8;
    c->values[parameter - 1] = c->numbers[parameter - 1];
}

static void bind_text(ch_db *db, int parameter, const char *text)
{
    connection *c = of(db);
    if (!make_room(c, parameter)) return;
    c->types[parameter - 1] = text ? TEXT : ANY;
    c->values[parameter - 1] = text;
}

/* What a prepared statement is found by: its text and the types of its parameters. */
static void add_types(connection *c)
{
    ch_buf_str(&c->text, " --");
    for (int i = 0; i < c->nparameter; i++) {
        Oid type = c->types[i];
        ch_buf_char(&c->text, type == INT8 ? 'i' : type == FLOAT8 ? 'd' : type == TEXT ? 't' : 'n');
    }
}

static void forget_all(connection *c)
{
    ch_map_free(c->prepared, free);
    c->prepared = ch_map_new();
    c->nonce = 0;
}

/* The name of the current statement, which is prepared when it is not yet. In bulk, the outcome of that is pending. */
static int find_name(connection *c, const char **name, ch_error *err)
{
    if (c->nparameter > PARAMETERS_MAX) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a request can have at most %d values in a filter", PARAMETERS_MAX);
    }
    add_types(c);
    *name = ch_map_get(c->prepared, c->text.data);
    if (*name) return 0;
    if (c->once && ++c->nonce > ONCE_MAX && !c->bulk) {
        PQclear(PQexec(c->pg, "DEALLOCATE ALL"));
        forget_all(c);
    }
    char *made = NULL;
    if (asprintf(&made, "s%d", c->nprepared++) < 0) return ch_no_memory(err);
    if (c->bulk) {
        if (!PQsendPrepare(c->pg, made, c->text.data, c->nparameter, c->types)) {
            free(made);
            return report(c, NULL, err);
        }
        c->pending++;
    } else {
        PGresult *result = PQprepare(c->pg, made, c->text.data, c->nparameter, c->types);
        int status = is_good(result) ? 0 : report(c, result, err);
        PQclear(result);
        if (status) {
            free(made);
            return status;
        }
    }
    ch_map_put(c->prepared, c->text.data, made);
    *name = made;
    return 0;
}

static int execute(connection *c, ch_error *err)
{
    const char *name;
    CH_TRY(find_name(c, &name, err));
    c->result = PQexecPrepared(c->pg, name, c->nparameter, c->values, NULL, NULL, 0);
    if (is_good(c->result)) return 0;
    int status = report(c, c->result, err);
    drop_result(c);
    return status;
}

/* --- without waiting ---- */

/* Looks at all outcomes that are pending; the first failure is the bulk's. */
static int drain(connection *c, ch_error *err)
{
    int status = 0;
    if (c->pending == 0) return 0;
    if (!PQpipelineSync(c->pg)) return report(c, NULL, err);
    for (; c->pending > 0; c->pending--) {
        PGresult *result = PQgetResult(c->pg);
        if (!status && !is_good(result)) status = report(c, result, err);
        PQclear(result);
        PQclear(PQgetResult(c->pg)); /* the null that ends it */
    }
    PQclear(PQgetResult(c->pg)); /* the sync's own */
    if (status) forget_all(c);   /* what was to be prepared behind the failure was not */
    return status;
}

static int send(connection *c, ch_error *err)
{
    const char *name;
    CH_TRY(find_name(c, &name, err));
    if (!PQsendQueryPrepared(c->pg, name, c->nparameter, c->values, NULL, NULL, 0)) return report(c, NULL, err);
    c->pending++;
    return c->pending < PIPELINE_MAX ? 0 : drain(c, err);
}

static void begin_bulk(ch_db *db)
{
    connection *c = of(db);
    drop_result(c);
    c->bulk = PQenterPipelineMode(c->pg);
}

static int end_bulk(ch_db *db, ch_error *err)
{
    connection *c = of(db);
    if (!c->bulk) return 0;
    int status = drain(c, err);
    PQexitPipelineMode(c->pg);
    c->bulk = false;
    return status;
}

/* --- rows ---- */

static int run(ch_db *db, ch_error *err)
{
    connection *c = of(db);
    drop_result(c);
    if (c->bulk) return send(c, err);
    CH_TRY(execute(c, err));
    if (PQresultStatus(c->result) == PGRES_COMMAND_OK) return 0;
    drop_result(c);
    return ch_bug(err, "a statement of the store gave rows to nobody");
}

static int64_t changes(const ch_db *db)
{
    const connection *c = of(db);
    return c->result ? strtoll(PQcmdTuples(c->result), NULL, 10) : 0;
}

static int next_row(ch_db *db, bool *more, ch_error *err)
{
    connection *c = of(db);
    if (!c->result) {
        CH_TRY(execute(c, err));
        c->row = -1;
    }
    *more = ++c->row < PQntuples(c->result);
    if (!*more) drop_result(c);
    return 0;
}

static bool is_null(const ch_db *db, int column)
{
    return PQgetisnull(of(db)->result, of(db)->row, column) != 0;
}

static const char *get_text(const ch_db *db, int column)
{
    return is_null(db, column) ? NULL : PQgetvalue(of(db)->result, of(db)->row, column);
}

static int64_t get_int(const ch_db *db, int column)
{
    return strtoll(PQgetvalue(of(db)->result, of(db)->row, column), NULL, 10);
}

static double get_double(const ch_db *db, int column)
{
    return strtod(PQgetvalue(of(db)->result, of(db)->row, column), NULL);
}

static int script(ch_db *db, const char *sql, ch_error *err)
{
    connection *c = of(db);
    drop_result(c);
    PGresult *result = PQexec(c->pg, sql);
    int status = is_good(result) ? 0 : report(c, result, err);
    PQclear(result);
    return status;
}

/* --- connections ---- */

static bool in_transaction(const ch_db *db)
{
    return PQtransactionStatus(of(db)->pg) != PQTRANS_IDLE;
}

static bool is_broken(const ch_db *db)
{
    return PQstatus(of(db)->pg) != CONNECTION_OK || in_transaction(db) || of(db)->bulk;
}

static bool should_retry(const ch_error *err)
{
    return strcmp(err->condition, RETRY) == 0;
}

static void disconnect(ch_db *db)
{
    connection *c = of(db);
    drop_result(c);
    PQfinish(c->pg);
    ch_map_free(c->prepared, free);
    ch_buf_reset(&c->text);
    free(c);
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    ch_log(CH_LOG_DEBUG, "PostgreSQL: %.*s", line_of(PQresultErrorMessage(result)), PQresultErrorMessage(result));
}

static int connect_database(void *shared, bool writes, ch_db **out, ch_error *err)
{
    (void)writes;
    connection *c = calloc(1, sizeof *c);
    if (!c) return ch_no_memory(err);
    c->base.driver = &ch_db_postgres;
    c->row = -1;
    c->prepared = ch_map_new();
    c->pg = PQconnectdb(shared);
    if (PQstatus(c->pg) != CONNECTION_OK) {
        const char *text = PQerrorMessage(c->pg);
        int status = ch_failf(err, CH_E_IO, "the store cannot be reached: %.*s", line_of(text), text);
        disconnect(&c->base);
        return status;
    }
    PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
    PQsetClientEncoding(c->pg, "UTF8");
    *out = &c->base;
    return 0;
}

static int open_store(const char *store, bool read_only, void **shared, ch_error *err)
{
    (void)read_only; /* reads are transactions that only read */
    *shared = strdup(store);
    return *shared ? 0 : ch_no_memory(err);
}

static void close_store(void *shared, bool discard)
{
    (void)discard; /* the database is not ours to remove */
    free(shared);
}

const ch_db_driver ch_db_postgres = {
    .dialect = CH_POSTGRES,
    .begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    .begin_write = "BEGIN ISOLATION LEVEL REPEATABLE READ",
    .open = open_store,
    .close = close_store,
    .connect = connect_database,
    .disconnect = disconnect,
    .is_broken = is_broken,
    .in_transaction = in_transaction,
    .should_retry = should_retry,
    .script = script,
    .sql = choose,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .bind_text = bind_text,
    .run = run,
    .begin_bulk = begin_bulk,
    .end_bulk = end_bulk,
    .changes = changes,
    .next_row = next_row,
    .get_int = get_int,
    .get_double = get_double,
    .get_text = get_text,
    .is_null = is_null,
};
