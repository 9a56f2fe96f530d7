/* config.c: a session's configuration: the keys chert knows, with the defaults of Spark 4.1, and what was set. */
#include "base/log.h"
#include "frame/session/session_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum config_type { TEXT, BOOLEAN, INTEGER, POSITIVE, BYTES, CHOICE, ZONE } config_type;

/* SESSION keys may be set at any time; STATIC ones (Spark's static SQL configurations) and CORE ones (of the process,
 * the JVM or the cluster) may not: they are fixed when the server starts, and have no effect here. */
typedef enum config_scope { SESSION, STATIC, CORE } config_scope;

typedef struct config_row {
    const char *key;
    const char *value; /* default; NULL: none */
    config_type type;
    config_scope scope;
    const char *doc; /* what it does in chert; for CHOICE the allowed values come first, as "A, B: text" */
} config_row;

static const char NO_EFFECT[] = "accepted; has no effect";

static const config_row ROWS[] = {
    {"spark.sql.session.timeZone", NULL, ZONE, SESSION, "zone in which timestamps are read and shown"},
    {"spark.sql.ansi.enabled", "true", BOOLEAN, SESSION, "overflow and bad casts raise errors; off: wrap, give NULL"},
    {"spark.sql.caseSensitive", "false", BOOLEAN, SESSION, "column names differ by case"},
    {"spark.sql.sources.default", "parquet", TEXT, SESSION, "format of reads and writes that name none"},
    {"spark.sql.timestampType", "TIMESTAMP_LTZ", CHOICE, SESSION,
     "TIMESTAMP_LTZ, TIMESTAMP_NTZ: what TIMESTAMP means in SQL and schemas"},
    {"spark.sql.shuffle.partitions", "200", POSITIVE, SESSION, NO_EFFECT},
    {"spark.sql.pivotMaxValues", "10000", INTEGER, SESSION, "most columns a pivot without values may make"},
    {"spark.sql.groupByOrdinal", "true", BOOLEAN, SESSION, "numbers in GROUP BY are positions in the select list"},
    {"spark.sql.groupByAliases", "true", BOOLEAN, SESSION, "GROUP BY may name aliases of the select list"},
    {"spark.sql.orderByOrdinal", "true", BOOLEAN, SESSION, "numbers in ORDER BY are positions in the select list"},
    {"spark.sql.crossJoin.enabled", "true", BOOLEAN, SESSION, "joins may lack a condition"},
    {"spark.sql.mapKeyDedupPolicy", "EXCEPTION", CHOICE, SESSION,
     "EXCEPTION, LAST_WIN: what a map with equal keys does"},
    {"spark.sql.storeAssignmentPolicy", "ANSI", CHOICE, SESSION, "ANSI, LEGACY, STRICT: casts of inserted columns"},
    {"spark.sql.debug.maxToStringFields", "25", INTEGER, SESSION, "fields shown of wide schemas in plans"},
    {"spark.sql.execution.arrow.maxRecordsPerBatch", "10000", INTEGER, SESSION, "most rows in one Arrow batch"},
    {"spark.sql.execution.arrow.useLargeVarTypes", "false", BOOLEAN, SESSION, "clients' Arrow string type"},
    {"spark.sql.execution.arrow.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.execution.arrow.pyspark.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.execution.arrow.pyspark.fallback.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.execution.arrow.pyspark.selfDestruct.enabled", "false", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.execution.pandas.convertToArrowArraySafely", "true", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.execution.pandas.inferPandasDictAsMap", "false", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.execution.pandas.structHandlingMode", "legacy", TEXT, SESSION, "read by the client"},
    {"spark.sql.execution.pyspark.binaryAsBytes", "true", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.execution.pythonUDF.arrow.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.execution.pythonUDTF.arrow.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.python.sql.dataFrameDebugging.enabled", "true", BOOLEAN, STATIC, "read by the client"},
    {"spark.sql.pyspark.inferNestedDictAsStruct.enabled", "false", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "false", BOOLEAN, SESSION,
     "read by the client"},
    {"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled", "false", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.pyspark.jvmStacktrace.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.pyspark.plotting.max_rows", "1000", INTEGER, SESSION, "read by the client"},
    {"spark.sql.pyspark.udf.profiler", NULL, TEXT, SESSION, NO_EFFECT},
    {"spark.sql.repl.eagerEval.enabled", "false", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.repl.eagerEval.maxNumRows", "20", INTEGER, SESSION, "read by the client"},
    {"spark.sql.repl.eagerEval.truncate", "20", INTEGER, SESSION, "read by the client"},
    {"spark.sql.session.localRelationCacheThreshold", "1048576", INTEGER, SESSION,
     "rows of more bytes are sent ahead as artifacts"},
    {"spark.sql.session.localRelationChunkSizeBytes", "16777216", BYTES, SESSION, "read by the client"},
    {"spark.sql.session.localRelationChunkSizeRows", "10000", INTEGER, SESSION, "read by the client"},
    {"spark.sql.session.localRelationBatchOfChunksSizeBytes", "1073741824", BYTES, SESSION, "read by the client"},
    {"spark.sql.connect.serverStacktrace.enabled", "true", BOOLEAN, SESSION, "read by the client"},
    {"spark.sql.connect.enrichError.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.connect.session.planCompression.threshold", "-1", INTEGER, SESSION,
     "plans of more bytes are compressed by the client; -1: none"},
    {"spark.connect.session.planCompression.defaultAlgorithm", "NONE", TEXT, SESSION, "read by the client"},
    {"spark.connect.session.connectML.mlCache.memoryControl.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.connect.grpc.arrow.maxBatchSize", "134217728b", BYTES, CORE, NO_EFFECT},
    {"spark.connect.grpc.maxInboundMessageSize", "134217728b", BYTES, CORE, NO_EFFECT},
    {"spark.sql.legacy.timeParserPolicy", "CORRECTED", CHOICE, SESSION,
     "EXCEPTION, LEGACY, CORRECTED: only CORRECTED is done"},
    {"spark.sql.legacy.sizeOfNull", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.legacy.setopsPrecedence.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.legacy.statisticalAggregate", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.legacy.createEmptyCollectionUsingStringType", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.decimalOperations.allowPrecisionLoss", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.lateralColumnAlias.enableImplicitResolution", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.columnNameOfCorruptRecord", "_corrupt_record", TEXT, SESSION, "column for rows that do not parse"},
    {"spark.sql.jsonGenerator.ignoreNullFields", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.csv.parser.columnPruning.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.files.maxPartitionBytes", "134217728b", BYTES, SESSION, NO_EFFECT},
    {"spark.sql.files.ignoreMissingFiles", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.files.ignoreCorruptFiles", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.parquet.compression.codec", "snappy", TEXT, SESSION, "compression of Parquet files written"},
    {"spark.sql.parquet.mergeSchema", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.parquet.outputTimestampType", "INT96", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.orc.compression.codec", "zstd", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.avro.compression.codec", "snappy", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.sources.partitionOverwriteMode", "STATIC", CHOICE, SESSION,
     "STATIC, DYNAMIC: what overwriting a partitioned folder removes"},
    {"spark.sql.sources.partitionColumnTypeInference.enabled", "true", BOOLEAN, SESSION,
     "partition folders' values get types"},
    {"spark.sql.inMemoryColumnarStorage.compressed", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.inMemoryColumnarStorage.batchSize", "10000", INTEGER, SESSION, NO_EFFECT},
    {"spark.sql.adaptive.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.adaptive.coalescePartitions.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.adaptive.skewJoin.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.adaptive.localShuffleReader.enabled", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.adaptive.advisoryPartitionSizeInBytes", "67108864b", BYTES, SESSION, NO_EFFECT},
    {"spark.sql.autoBroadcastJoinThreshold", "10485760b", BYTES, SESSION, NO_EFFECT},
    {"spark.sql.broadcastTimeout", "300000ms", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.join.preferSortMergeJoin", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.cbo.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.codegen.wholeStage", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.optimizer.maxIterations", "100", INTEGER, SESSION, NO_EFFECT},
    {"spark.sql.selfJoinAutoResolveAmbiguity", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.statistics.histogram.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.ui.explainMode", "FORMATTED", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.maxPlanStringLength", "2147483632b", BYTES, SESSION, NO_EFFECT},
    {"spark.sql.variable.substitute", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.datetime.java8API.enabled", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.charAsVarchar", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.readSideCharPadding", "true", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.ansi.doubleQuotedIdentifiers", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.ansi.enforceReservedKeywords", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.defaultCatalog", "spark_catalog", TEXT, SESSION, NO_EFFECT},
    {"spark.sql.streaming.checkpointLocation", NULL, TEXT, SESSION, "where streaming queries keep their state"},
    {"spark.sql.streaming.forceDeleteTempCheckpointLocation", "false", BOOLEAN, SESSION, NO_EFFECT},
    {"spark.sql.streaming.schemaInference", "false", BOOLEAN, SESSION, "streams of files may lack a schema"},
    {"spark.sql.catalogImplementation", "in-memory", TEXT, STATIC, NO_EFFECT},
    {"spark.sql.globalTempDatabase", "global_temp", TEXT, STATIC, "the schema of global temporary views"},
    {"spark.sql.warehouse.dir", "spark-warehouse", TEXT, STATIC, NO_EFFECT},
    {"spark.sql.extensions", NULL, TEXT, STATIC, NO_EFFECT},
    {"spark.master", "local[*]", TEXT, CORE, NO_EFFECT},
    {"spark.app.id", "local-chert", TEXT, CORE, NO_EFFECT},
    {"spark.submit.deployMode", "client", TEXT, CORE, NO_EFFECT},
    {"spark.driver.host", "localhost", TEXT, CORE, NO_EFFECT},
    {"spark.driver.memory", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.driver.cores", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.driver.maxResultSize", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.driver.extraClassPath", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.driver.extraJavaOptions", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.executor.memory", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.executor.cores", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.executor.instances", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.executor.memoryOverhead", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.memory.fraction", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.memory.storageFraction", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.memory.offHeap.enabled", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.memory.offHeap.size", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.serializer", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.kryoserializer.buffer.max", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.rdd.compress", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.default.parallelism", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.dynamicAllocation.enabled", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.speculation", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.network.timeout", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.eventLog.enabled", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.ui.enabled", "false", BOOLEAN, CORE, NO_EFFECT},
    {"spark.ui.port", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.jars", "", TEXT, CORE, NO_EFFECT},
    {"spark.jars.packages", NULL, TEXT, CORE, NO_EFFECT},
    {"spark.app.name", "chert", TEXT, SESSION, "shown in logs"},
};

enum { NROWS = sizeof ROWS / sizeof *ROWS };

static const config_row *find_row(const char *key)
{
    for (size_t i = 0; i < NROWS; i++) {
        if (strcmp(ROWS[i].key, key) == 0) return &ROWS[i];
    }
    return NULL;
}

/* The machine's time zone, as the JVM finds its default: TZ, else what /etc/localtime leads to. */
static void find_host_zone(char out[64])
{
    const char *tz = getenv("TZ");
    char link[256], name[128];
    snprintf(out, 64, "Etc/UTC");
    if (tz && *tz == ':') tz++;
    if (!tz || !*tz) {
        ssize_t n = readlink("/etc/localtime", link, sizeof link - 1);
        if (n <= 0) return;
        link[n] = '\0';
        const char *zones = strstr(link, "zoneinfo/");
        if (!zones) return;
        tz = zones + strlen("zoneinfo/");
    }
    if (ch_engine_zone(tz, name, sizeof name) && strlen(tz) < 64) snprintf(out, 64, "%s", tz);
}

static char host_zone[64];
static pthread_once_t host_zone_once = PTHREAD_ONCE_INIT;

static void init_host_zone(void)
{
    find_host_zone(host_zone);
}

static const char *default_value(const config_row *row)
{
    if (row->type != ZONE) return row->value;
    pthread_once(&host_zone_once, init_host_zone);
    return host_zone;
}

const char *ch_config_find(ch_session *s, ch_arena *arena, const char *key)
{
    pthread_mutex_lock(&s->lock);
    char *value = ch_arena_strdup(arena, ch_map_get(s->config, key));
    pthread_mutex_unlock(&s->lock);
    if (value) return value;
    const config_row *row = find_row(key);
    return row ? ch_arena_strdup(arena, default_value(row)) : NULL;
}

int ch_config_get(ch_session *s, ch_arena *arena, const char *key, const char **value, ch_error *err)
{
    *value = ch_config_find(s, arena, key);
    const config_row *row = find_row(key);
    if (*value || (row && row->scope != CORE)) return 0;
    ch_buf quoted = {0};
    ch_buf_printf(&quoted, "\"%s\"", key);
    int status = ch_raise(err, "SQL_CONF_NOT_FOUND", "sqlConf", ch_buf_text(&quoted), (char *)NULL);
    ch_buf_reset(&quoted);
    return status;
}

bool ch_config_bool(ch_session *s, const char *key)
{
    ch_arena *arena = ch_arena_new();
    const char *value = ch_config_find(s, arena, key);
    bool yes = value && strcasecmp(value, "true") == 0;
    ch_arena_free(arena);
    return yes;
}

bool ch_config_modifiable(ch_session *s, const char *key)
{
    const config_row *row = find_row(key);
    if (row) return row->scope == SESSION && strcmp(key, "spark.app.name") != 0;
    pthread_mutex_lock(&s->lock);
    bool set = ch_map_get(s->config, key) != NULL;
    pthread_mutex_unlock(&s->lock);
    return set && strncmp(key, "spark.sql.", 10) == 0;
}

static int bad_value(const char *part, const char *key, const char *value, const char *name, const char *text,
                     ch_error *err)
{
    char condition[80];
    snprintf(condition, sizeof condition, "INVALID_CONF_VALUE.%s", part);
    return ch_raise(err, condition, "confValue", value, "confName", key, name, text, (char *)NULL);
}

static bool is_integer(const char *value, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(value, &end, 10);
    return end != value && !*end && !errno;
}

/* Is `value`, whatever its case, among "A, B, C: text"? */
static bool is_choice(const char *doc, const char *value)
{
    size_t len = strlen(value);
    const char *at = doc, *end = strchr(doc, ':');
    while (at < end) {
        size_t n = strcspn(at, ",:");
        if (n == len && strncasecmp(at, value, n) == 0) return true;
        at += n + strspn(at + n, ", ");
        if (*(at - 1) == ':') break;
    }
    return false;
}

static int check_zone(ch_session *s, const char *key, const char *value, ch_error *err)
{
    char name[128];
    bool known = ch_engine_zone(value, name, sizeof name);
    duckdb_connection con;
    if (known && duckdb_connect(s->engine->db, &con) == DuckDBSuccess) {
        ch_buf sql = {0};
        ch_buf_str(&sql, "SET TimeZone = ");
        ch_buf_sql_string(&sql, name);
        known = ch_engine_run(con, ch_buf_text(&sql), err) == 0;
        ch_buf_reset(&sql);
        duckdb_disconnect(&con);
    }
    return known ? 0 : bad_value("TIME_ZONE", key, value, "zone", value, err);
}

static int check_value(ch_session *s, const config_row *row, const char *value, ch_error *err)
{
    long long number;
    switch (row->type) {
    case TEXT:
    case BYTES: return 0;
    case BOOLEAN:
        if (strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0) return 0;
        return bad_value("TYPE_MISMATCH", row->key, value, "confType", "boolean", err);
    case INTEGER:
    case POSITIVE:
        if (!is_integer(value, &number)) return bad_value("TYPE_MISMATCH", row->key, value, "confType", "int", err);
        if (row->type == POSITIVE && number <= 0) {
            char text[128];
            snprintf(text, sizeof text, "The value of %s must be positive", row->key);
            return bad_value("REQUIREMENT", row->key, value, "confRequirement", text, err);
        }
        return 0;
    case CHOICE: {
        if (is_choice(row->doc, value)) return 0;
        char options[128];
        snprintf(options, sizeof options, "%.*s", (int)strcspn(row->doc, ":"), row->doc);
        return bad_value("OUT_OF_RANGE_OF_OPTIONS", row->key, value, "confOptions", options, err);
    }
    case ZONE: return check_zone(s, row->key, value, err);
    }
    return 0;
}

static int check_modifiable(const char *key, const config_row *row, ch_error *err)
{
    if (!row || row->scope == SESSION) return 0;
    ch_buf quoted = {0};
    ch_buf_printf(&quoted, "\"%s\"", key);
    const char *condition = row->scope == STATIC ? "CANNOT_MODIFY_STATIC_CONFIG" : "CANNOT_MODIFY_CONFIG";
    int status = ch_raise(err, condition, "key", ch_buf_text(&quoted), (char *)NULL);
    ch_buf_reset(&quoted);
    return status;
}

/* Stores a copy of value, or removes the key if value is NULL. */
static void store(ch_session *s, const config_row *row, const char *key, const char *value)
{
    pthread_mutex_lock(&s->lock);
    free(value ? ch_map_put(s->config, key, strdup(value)) : ch_map_remove(s->config, key));
    if (row && row->type == ZONE) s->zone_version++;
    pthread_mutex_unlock(&s->lock);
}

int ch_config_set(ch_session *s, const char *key, const char *value, ch_error *err)
{
    const config_row *row = find_row(key);
    CH_TRY(check_modifiable(key, row, err));
    if (row) CH_TRY(check_value(s, row, value, err));
    store(s, row, key, value);
    return 0;
}

int ch_config_unset(ch_session *s, const char *key, ch_error *err)
{
    const config_row *row = find_row(key);
    CH_TRY(check_modifiable(key, row, err));
    store(s, row, key, NULL);
    return 0;
}

void ch_config_all(ch_session *s, ch_arena *arena, const char *prefix, size_t *n, ch_option **out)
{
    size_t len = prefix ? strlen(prefix) : 0;
    *n = 0;
    pthread_mutex_lock(&s->lock);
    *out = CH_NEW_ARRAY(arena, ch_option, ch_map_size(s->config));
    const char *key;
    void *value;
    for (size_t at = 0; ch_map_next(s->config, &at, &key, &value);) {
        if (prefix && strncmp(key, prefix, len) != 0) continue;
        (*out)[(*n)++] = (ch_option){ch_arena_strdup(arena, key), ch_arena_strdup(arena, value)};
    }
    pthread_mutex_unlock(&s->lock);
}
