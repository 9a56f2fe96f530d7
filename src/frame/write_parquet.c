/* write_parquet.c: Parquet files by the engine's own writer, with the footer keys by which Spark knows its types.
 *
 * partitionBy: the engine splits rows by one extra column, the hexadecimal text of the partition values; the folders it
 * makes of that are then renamed to Spark's key=value form, whose escaping is not the engine's. */
#include "frame/rel_internal.h"
#include "frame/source_files.h"
#include "frame/write_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PART_COLUMN       "__chert_partition"
#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

bool ch_parquet_accepts(const ch_type *type)
{
    switch (type->kind) {
    case CH_NULL:
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return false;
    default:
        for (size_t i = 0; i < type->nfield; i++)
            if (!ch_parquet_accepts(type->fields[i].type)) return false;
        return true;
    }
}

typedef struct codec {
    const char *name, *engine, *suffix;
} codec;

static int find_codec(ch_writing *w, const codec **out, ch_error *err)
{
    static const codec codecs[] = {
        {"snappy", "snappy", ".snappy"},  {"none", "uncompressed", ""}, {"uncompressed", "uncompressed", ""},
        {"gzip", "gzip", ".gz"},          {"zstd", "zstd", ".zstd"},    {"lz4_raw", "lz4_raw", ".lz4raw"},
        {"lz4raw", "lz4_raw", ".lz4raw"}, {"brotli", "brotli", ".br"}};
    const char *name = ch_option_get(&w->options, "compression");
    if (!name) name = ch_option_get(&w->options, "parquet.compression");
    if (!name) name = ch_config_find(w->session, w->arena, "spark.sql.parquet.compression.codec");
    if (!name) name = "snappy";
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (!strcasecmp(name, codecs[i].name)) {
            *out = &codecs[i];
            return 0;
        }
    return ch_raise(err, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "codecName", name, "availableCodecs",
                    "brotli, uncompressed, snappy, lz4_raw, none, zstd, gzip", (char *)NULL);
}

/* The texts around the SELECT: COPY (SELECT * FROM (...) t("a", "b")) TO ... */
static void copy_texts(ch_writing *w, const codec *c, bool partitioned, ch_buf *before, ch_buf *after)
{
    ch_field *fields = CH_NEW_ARRAY(w->arena, ch_field, w->ndata);
    ch_buf json = {0}, path = {0};
    ch_buf_str(before, "COPY (SELECT * FROM (");
    ch_buf_str(after, ") t(");
    for (size_t i = 0; i < w->ndata; i++) {
        fields[i] = w->schema->fields[w->data[i]];
        ch_buf_str(after, i ? ", " : "");
        ch_buf_sql_name(after, fields[i].name);
    }
    if (partitioned) ch_buf_str(after, ", \"" PART_COLUMN "\"");
    ch_buf_str(after, ")) TO ");
    ch_schema schema = {w->ndata, fields};
    ch_schema_json(&json, &schema);
    if (partitioned)
        ch_buf_str(&path, w->folder);
    else
        ch_buf_printf(&path, "%s/part-00000-%s-c000%s.parquet", w->folder, w->uuid, c->suffix);
    ch_buf_sql_string(after, ch_buf_text(&path));
    ch_buf_printf(after,
                  " (FORMAT parquet, COMPRESSION %s, KV_METADATA {'org.apache.spark.version': '4.1.3', "
                  "'org.apache.spark.sql.parquet.row.metadata': ",
                  c->engine);
    ch_buf_sql_string(after, ch_buf_text(&json));
    ch_buf_char(after, '}');
    if (partitioned)
        ch_buf_printf(after,
                      ", PARTITION_BY (\"" PART_COLUMN
                      "\"), OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'part-{i}-%s', FILE_EXTENSION 'c000%s.parquet'",
                      w->uuid, c->suffix);
    ch_buf_char(after, ')');
    ch_buf_reset(&json);
    ch_buf_reset(&path);
}

/* concat_ws('_', hex(text of the first value), ...): a null becomes an empty text, as folder names treat both alike. */
static ch_expr *partition_expr(ch_writing *w)
{
    ch_expr *call = ch_expr_new(w->arena, CH_EX_CALL);
    call->u.call.name = "concat_ws";
    call->u.call.n = w->npartition + 2;
    call->u.call.args = CH_NEW_ARRAY(w->arena, ch_expr *, w->npartition + 2);
    call->u.call.args[0] = ch_expr_string(w->arena, "_");
    for (size_t i = 0; i < w->npartition; i++) {
        ch_expr *value = ch_expr_name(w->arena, w->schema->fields[w->partition[i]].name);
        value = ch_expr_cast(w->arena, value, &ch_type_string);
        value = ch_expr_call(w->arena, "coalesce", 2, value, ch_expr_string(w->arena, ""));
        call->u.call.args[i + 1] = ch_expr_call(w->arena, "hex", 1, value);
    }
    /* A last constant keeps the text from being empty, which the engine would take for null. */
    call->u.call.args[w->npartition + 1] = ch_expr_string(w->arena, "z");
    return ch_expr_alias(w->arena, call, PART_COLUMN);
}

static bool hex_pair(const char *s, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *high = s[0] ? strchr(digits, s[0]) : NULL, *low = high && s[1] ? strchr(digits, s[1]) : NULL;
    if (!low) return false;
    *out = (char)((high - digits) * 16 + (low - digits));
    return true;
}

/* "6162_31_z" -> "p=ab/q=1" */
static bool folder_of(ch_writing *w, const char *code, ch_buf *out)
{
    for (size_t i = 0; i < w->npartition; i++) {
        ch_buf value = {0};
        char c;
        for (; hex_pair(code, &c); code += 2) ch_buf_char(&value, c);
        ch_buf_str(out, i ? "/" : "");
        ch_escape_path(out, w->schema->fields[w->partition[i]].name);
        ch_buf_char(out, '=');
        if (value.len)
            ch_escape_path(out, ch_buf_text(&value));
        else
            ch_buf_str(out, DEFAULT_PARTITION);
        ch_buf_reset(&value);
        if (*code++ != '_') return false;
    }
    return !strcmp(code, "z");
}

static int rename_folders(ch_writing *w, ch_error *err)
{
    static const char prefix[] = PART_COLUMN "=";
    DIR *dir = opendir(w->folder);
    if (!dir) return ch_io_error("Cannot read", w->folder, err);
    int status = 0;
    for (struct dirent *e; !status && (e = readdir(dir));) {
        ch_buf folder = {0};
        if (strncmp(e->d_name, prefix, sizeof prefix - 1)) continue;
        const char *from = ch_arena_printf(w->arena, "%s/%s", w->folder, e->d_name);
        if (!folder_of(w, e->d_name + sizeof prefix - 1, &folder)) {
            status = ch_bug(err, "partition folder %s", e->d_name);
        } else {
            char *to = ch_arena_printf(w->arena, "%s/%s", w->folder, ch_buf_text(&folder));
            char *slash = strrchr(to, '/');
            *slash = '\0';
            status = ch_make_folders(to, err);
            *slash = '/';
            if (!status && rename(from, to)) status = ch_io_error("Cannot rename to", to, err);
        }
        ch_buf_reset(&folder);
    }
    closedir(dir);
    return status;
}

int ch_write_parquet(ch_writing *w, ch_error *err)
{
    const codec *c;
    ch_query *q;
    CH_TRY(find_codec(w, &c, err));
    const ch_plan *plan = w->plan;
    if (w->npartition) {
        ch_plan *project = ch_plan_new(w->arena, CH_PLAN_PROJECT, (ch_plan *)plan);
        project->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, w->ndata + 1);
        for (size_t i = 0; i < w->ndata; i++)
            project->u.project.exprs[project->u.project.n++] =
                ch_expr_name(w->arena, w->schema->fields[w->data[i]].name);
        project->u.project.exprs[project->u.project.n++] = partition_expr(w);
        plan = project;
    }
    CH_TRY(ch_query_open(w->session, plan, &q, err));
    ch_buf before = {0}, after = {0};
    copy_texts(w, c, w->npartition > 0, &before, &after);
    int status = ch_query_run_inside(q, ch_buf_text(&before), ch_buf_text(&after), w->task, err);
    ch_buf_reset(&before);
    ch_buf_reset(&after);
    ch_query_close(q);
    return status || !w->npartition ? status : rename_folders(w, err);
}
