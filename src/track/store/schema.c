/* schema.c: every table of the store, in scripts that build on each other.
 *
 * Version N of the store is what scripts 1 to N make. A released script is never edited: what changes later is a new
 * script at the end of SCRIPTS. Words that start with $ differ between the dialects:
 *
 *     $id       the row's own number, given by the database (SQLite may give the number of a removed row again)
 *     $serial   the same, never given twice: what is visible outside
 *     $text     text that is compared byte by byte whatever the database's locale
 *     $rowless  the table is stored in its primary key's order and has no other copy of its rows
 *
 * Rows that belong to a run are keyed by the run's number (8 bytes at most, usually 2), never by its 32 digits. */
#include "track/store/schema.h"

#include <assert.h>
#include <string.h>

static const char *const VERSION_1[] = {
    /* What there is one of: "schema_version". */
    "CREATE TABLE meta (key $text PRIMARY KEY, value $text NOT NULL)$rowless;",

    /* --- experiments ---- */
    /* Names stay taken while an experiment is only deleted softly. Times are milliseconds since 1970 everywhere. */
    "CREATE TABLE experiments ("
    "  id $serial, name $text NOT NULL UNIQUE, artifact_location $text NOT NULL,"
    "  deleted BIGINT NOT NULL DEFAULT 0, created BIGINT NOT NULL, updated BIGINT NOT NULL);",
    "CREATE TABLE experiment_tags ("
    "  experiment BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL,"
    "  PRIMARY KEY (experiment, key))$rowless;",

    /* --- runs ---- */
    /* `run_id` is the outside's name: 32 hexadecimal digits, or what an import brought. `status` is MLflow's word. */
    "CREATE TABLE runs ("
    "  id $id, run_id $text NOT NULL UNIQUE, experiment BIGINT NOT NULL, name $text NOT NULL DEFAULT '',"
    "  user_id $text NOT NULL DEFAULT '', status $text NOT NULL, start_time BIGINT, end_time BIGINT,"
    "  deleted BIGINT NOT NULL DEFAULT 0, deleted_time BIGINT, artifact_uri $text NOT NULL);",
    /* The order of a run list, with all that decides about membership: a page is read without touching other runs. */
    "CREATE INDEX runs_listed ON runs(experiment, deleted, start_time DESC, run_id);",
    "CREATE TABLE params (run BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL,"
    "  PRIMARY KEY (run, key))$rowless;",
    "CREATE TABLE tags (run BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL,"
    "  PRIMARY KEY (run, key))$rowless;",
    /* The history of a metric lies together and in the order in which it is asked for; logging the same point twice
     * leaves one. NaN is value 0 with is_nan 1 (SQLite stores NaN as null); infinities are the largest doubles. */
    "CREATE TABLE metrics ("
    "  run BIGINT NOT NULL, key $text NOT NULL, timestamp BIGINT NOT NULL, step BIGINT NOT NULL,"
    "  value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL,"
    "  PRIMARY KEY (run, key, timestamp, step, value, is_nan))$rowless;",
    /* The point that is largest by (step, timestamp, value): all that lists, filters and orders look at. */
    "CREATE TABLE latest_metrics ("
    "  run BIGINT NOT NULL, key $text NOT NULL, value DOUBLE PRECISION NOT NULL, timestamp BIGINT NOT NULL,"
    "  step BIGINT NOT NULL, is_nan BIGINT NOT NULL, PRIMARY KEY (run, key))$rowless;",

    /* --- what runs read and made ---- */
    "CREATE TABLE datasets ("
    "  id $id, experiment BIGINT NOT NULL, name $text NOT NULL, digest $text NOT NULL, source_type $text NOT NULL,"
    "  source $text NOT NULL, schema $text, profile $text, UNIQUE (experiment, name, digest));",
    "CREATE TABLE dataset_inputs ("
    "  id $id, run BIGINT NOT NULL, dataset BIGINT NOT NULL, UNIQUE (run, dataset));",
    "CREATE INDEX dataset_inputs_by_dataset ON dataset_inputs(dataset, run);",
    "CREATE TABLE dataset_input_tags ("
    "  input BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (input, key))$rowless;",
    /* Logged models by their outside name; is_output 1: the run made it, 0: it read it. */
    "CREATE TABLE run_models ("
    "  run BIGINT NOT NULL, is_output BIGINT NOT NULL, model_id $text NOT NULL, step BIGINT NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (run, is_output, model_id))$rowless;",

    /* --- logged models ---- */
    /* `model_id` is "m-" and 32 digits; `status` is LoggedModelStatus's number (1 pending, 2 ready, 3 failed). */
    "CREATE TABLE logged_models ("
    "  id $id, model_id $text NOT NULL UNIQUE, experiment BIGINT NOT NULL, name $text NOT NULL,"
    "  artifact_uri $text NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL, status BIGINT NOT NULL,"
    "  deleted BIGINT NOT NULL DEFAULT 0, model_type $text, source_run_id $text, status_message $text);",
    "CREATE INDEX logged_models_listed ON logged_models(experiment, deleted, created DESC, model_id);",
    "CREATE TABLE logged_model_params ("
    "  model BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (model, key))$rowless;",
    "CREATE TABLE logged_model_tags ("
    "  model BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (model, key))$rowless;",
    /* A metric that a run logged for a model, on a dataset or on none (''). NaN as in `metrics`. */
    "CREATE TABLE logged_model_metrics ("
    "  model BIGINT NOT NULL, run_id $text NOT NULL, key $text NOT NULL, timestamp BIGINT NOT NULL,"
    "  step BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL,"
    "  dataset_name $text NOT NULL DEFAULT '', dataset_digest $text NOT NULL DEFAULT '',"
    "  PRIMARY KEY (model, key, run_id, timestamp, step))$rowless;",

    /* --- registry ---- */
    /* next_version: numbers of removed versions are not given again. */
    "CREATE TABLE registered_models ("
    "  id $id, name $text NOT NULL UNIQUE, description $text, created BIGINT NOT NULL, updated BIGINT NOT NULL,"
    "  next_version BIGINT NOT NULL DEFAULT 1);",
    "CREATE INDEX registered_models_updated ON registered_models(updated DESC, name);",
    "CREATE TABLE registered_model_tags ("
    "  model BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (model, key))$rowless;",
    "CREATE TABLE registered_model_aliases ("
    "  model BIGINT NOT NULL, alias $text NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (model, alias))$rowless;",
    /* `source` is what the client gave, `storage_location` where the files are (models:/ sources followed). */
    "CREATE TABLE model_versions ("
    "  model BIGINT NOT NULL, version BIGINT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL,"
    "  description $text, user_id $text, stage $text NOT NULL DEFAULT 'None', source $text NOT NULL,"
    "  storage_location $text, run_id $text, run_link $text, status $text NOT NULL DEFAULT 'READY',"
    "  status_message $text, model_id $text, PRIMARY KEY (model, version))$rowless;",
    "CREATE INDEX model_versions_of_run ON model_versions(run_id) WHERE run_id IS NOT NULL;",
    "CREATE INDEX model_versions_updated ON model_versions(updated DESC);",
    "CREATE TABLE model_version_tags ("
    "  model BIGINT NOT NULL, version BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL,"
    "  PRIMARY KEY (model, version, key))$rowless;",

    /* --- traces ---- */
    "CREATE TABLE traces ("
    "  id $id, trace_id $text NOT NULL UNIQUE, experiment BIGINT NOT NULL, request_time BIGINT NOT NULL,"
    "  duration BIGINT, state $text NOT NULL, client_request_id $text, request_preview $text,"
    "  response_preview $text);",
    "CREATE INDEX traces_listed ON traces(experiment, request_time DESC, trace_id);",
    "CREATE TABLE trace_tags ("
    "  trace BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (trace, key))$rowless;",
    "CREATE TABLE trace_metadata ("
    "  trace BIGINT NOT NULL, key $text NOT NULL, value $text NOT NULL, PRIMARY KEY (trace, key))$rowless;",
    "CREATE TABLE trace_runs (trace BIGINT NOT NULL, run_id $text NOT NULL, PRIMARY KEY (run_id, trace))$rowless;",
    /* `content` is the span as OpenTelemetry's JSON; times are nanoseconds since 1970. */
    "CREATE TABLE spans ("
    "  trace BIGINT NOT NULL, span_id $text NOT NULL, parent_id $text, name $text NOT NULL, type $text,"
    "  status $text NOT NULL, start_ns BIGINT NOT NULL, end_ns BIGINT, content $text NOT NULL,"
    "  PRIMARY KEY (trace, span_id))$rowless;",
    /* `value`, `error` and `metadata` are JSON texts; type is "feedback" or "expectation". */
    "CREATE TABLE assessments ("
    "  id $id, assessment_id $text NOT NULL UNIQUE, trace BIGINT NOT NULL, name $text NOT NULL, type $text NOT NULL,"
    "  value $text, error $text, created BIGINT NOT NULL, updated BIGINT NOT NULL, source_type $text NOT NULL,"
    "  source_id $text, run_id $text, span_id $text, rationale $text, overrides $text,"
    "  valid BIGINT NOT NULL DEFAULT 1, metadata $text);",
    "CREATE INDEX assessments_of_trace ON assessments(trace, created);",

    /* --- users ---- */
    /* `password` is a salted hash as crypt(3) writes it, `secret` the SHA-256 of a random token in hexadecimal; the
     * permissions are MLflow's words. */
    "CREATE TABLE users ("
    "  id $serial, username $text NOT NULL UNIQUE, password $text NOT NULL, is_admin BIGINT NOT NULL DEFAULT 0);",
    "CREATE TABLE user_tokens ("
    "  id $serial, user_number BIGINT NOT NULL, name $text NOT NULL, secret $text NOT NULL UNIQUE,"
    "  created BIGINT NOT NULL, expires BIGINT, last_used BIGINT);",
    "CREATE INDEX user_tokens_of_user ON user_tokens(user_number);",
    "CREATE TABLE experiment_permissions ("
    "  experiment BIGINT NOT NULL, user_number BIGINT NOT NULL, permission $text NOT NULL,"
    "  PRIMARY KEY (experiment, user_number))$rowless;",
    "CREATE TABLE model_permissions ("
    "  model BIGINT NOT NULL, user_number BIGINT NOT NULL, permission $text NOT NULL,"
    "  PRIMARY KEY (model, user_number))$rowless;",
    NULL,
};

static const char *const *const SCRIPTS[] = {VERSION_1};
enum { SCRIPT_COUNT = sizeof SCRIPTS / sizeof *SCRIPTS };

/* What the reset empties: all tables but `meta` and the users. */
static const char *const TABLES[] = {
    "experiments",
    "experiment_tags",
    "runs",
    "params",
    "tags",
    "metrics",
    "latest_metrics",
    "datasets",
    "dataset_inputs",
    "dataset_input_tags",
    "run_models",
    "logged_models",
    "logged_model_params",
    "logged_model_tags",
    "logged_model_metrics",
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
    "traces",
    "trace_tags",
    "trace_metadata",
    "trace_runs",
    "spans",
    "assessments",
    "experiment_permissions",
    "model_permissions",
};
enum { TABLE_COUNT = sizeof TABLES / sizeof *TABLES };

/* The experiment that exists from the start. */
static const char DEFAULT_EXPERIMENT[] = "INSERT INTO experiments(id, name, artifact_location, created, updated)"
                                         " VALUES (0, 'Default', 'mlflow-artifacts:/0', $now, $now);";

typedef struct replacement {
    const char *word, *sqlite, *postgres;
} replacement;

static const replacement REPLACEMENTS[] = {
    {"$id", "INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
    {"$serial", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"},
    {"$text", "TEXT", "TEXT COLLATE \"C\""},
    {"$rowless", " WITHOUT ROWID", ""},
    {"$now", "CAST(strftime('%s', 'now') AS INTEGER) * 1000", "CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)"},
};
enum { REPLACEMENT_COUNT = sizeof REPLACEMENTS / sizeof *REPLACEMENTS };

static const replacement *find_replacement(const char *script)
{
    for (int i = 0; i < REPLACEMENT_COUNT; i++) {
        if (strncmp(script, REPLACEMENTS[i].word, strlen(REPLACEMENTS[i].word)) == 0) return &REPLACEMENTS[i];
    }
    return NULL;
}

static void add_in_dialect(ch_buf *out, ch_dialect dialect, const char *script)
{
    for (;;) {
        size_t plain = strcspn(script, "$");
        ch_buf_add(out, script, plain);
        script += plain;
        if (!*script) return;
        const replacement *found = find_replacement(script);
        assert(found);
        ch_buf_str(out, dialect == CH_SQLITE ? found->sqlite : found->postgres);
        script += strlen(found->word);
    }
}

int ch_schema_version(void)
{
    return SCRIPT_COUNT;
}

void ch_schema_script(int from, ch_dialect dialect, ch_buf *out)
{
    for (const char *const *part = SCRIPTS[from]; *part; part++) add_in_dialect(out, dialect, *part);
    if (from == 0) {
        add_in_dialect(out, dialect, DEFAULT_EXPERIMENT);
        ch_buf_str(out, "INSERT INTO meta(key, value) VALUES ('schema_version', '0');");
    }
    ch_buf_printf(out, "UPDATE meta SET value = '%d' WHERE key = 'schema_version';", from + 1);
}

void ch_schema_reset_script(ch_dialect dialect, ch_buf *out)
{
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (dialect == CH_POSTGRES)
            ch_buf_printf(out, "TRUNCATE %s RESTART IDENTITY;", TABLES[i]);
        else
            ch_buf_printf(out, "DELETE FROM %s;", TABLES[i]);
    }
    if (dialect == CH_SQLITE) ch_buf_str(out, "DELETE FROM sqlite_sequence;");
    add_in_dialect(out, dialect, DEFAULT_EXPERIMENT);
}
