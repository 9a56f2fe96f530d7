/* write.c: df.write: which format, which columns, and how the target is replaced. Files are written into a hidden
 * folder beside the target and renamed into place at the end, so a failure leaves what was there before. */
#include "frame/io/write_internal.h"

#include "base/log.h"
#include "frame/io/source_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const ch_write_format formats[] = {
    {"parquet", "Parquet", ch_parquet_accepts, ch_write_parquet},
    {"csv", "CSV", ch_csv_accepts, ch_write_csv},
    {"json", "JSON", ch_json_accepts, ch_write_json},
    {"text", "Text", ch_text_accepts, ch_write_text},
};

/* --- files and folders --- */

int ch_io_error(const char *what, const char *path, ch_error *err)
{
    ch_errkind kind = errno == ENOSPC || errno == EDQUOT || errno == ENOMEM ? CH_E_MEMORY : CH_E_IO;
    return ch_failf(err, kind, "%s %s: %s", what, path, strerror(errno));
}

int ch_make_folders(const char *path, ch_error *err)
{
    if (!mkdir(path, 0777) || errno == EEXIST) return 0;
    if (errno != ENOENT) return ch_io_error("Cannot create folder", path, err);
    char *above = strdup(path), *slash = above ? strrchr(above, '/') : NULL;
    int status = above ? 0 : ch_no_memory(err);
    if (!status && (!slash || slash == above)) {
        status = ch_io_error("Cannot create folder", path, err);
    } else if (!status) {
        *slash = '\0';
        status = ch_make_folders(above, err);
    }
    free(above);
    if (status) return status;
    return mkdir(path, 0777) && errno != EEXIST ? ch_io_error("Cannot create folder", path, err) : 0;
}

/* Removes a file or a folder with all in it; links are removed, not followed. */
static int remove_tree(const char *path, ch_error *err)
{
    if (!unlink(path) || errno == ENOENT) return 0;
    DIR *dir = opendir(path);
    if (!dir) return ch_io_error("Cannot remove", path, err);
    int status = 0;
    for (struct dirent *e; !status && (e = readdir(dir));) {
        char *inside;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (asprintf(&inside, "%s/%s", path, e->d_name) < 0) {
            status = ch_no_memory(err);
            break;
        }
        status = remove_tree(inside, err);
        free(inside);
    }
    closedir(dir);
    if (!status && rmdir(path)) status = ch_io_error("Cannot remove", path, err);
    return status;
}

/* Moves everything in `from` into `to`, merging folders. */
static int merge_tree(const char *from, const char *to, ch_error *err)
{
    DIR *dir = opendir(from);
    if (!dir) return ch_io_error("Cannot read", from, err);
    int status = ch_make_folders(to, err);
    for (struct dirent *e; !status && (e = readdir(dir));) {
        char *source = NULL, *target = NULL;
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (asprintf(&source, "%s/%s", from, e->d_name) < 0 || asprintf(&target, "%s/%s", to, e->d_name) < 0) {
            status = ch_no_memory(err);
        } else if (!lstat(source, &st) && S_ISDIR(st.st_mode) && !lstat(target, &st) && S_ISDIR(st.st_mode)) {
            status = merge_tree(source, target, err);
        } else if (rename(source, target)) {
            status = ch_io_error("Cannot write", target, err);
        }
        free(source);
        free(target);
    }
    closedir(dir);
    return status ? status : remove_tree(from, err);
}

/* --- the columns --- */

static int find_partitions(ch_writing *w, const ch_write *spec, ch_error *err)
{
    w->partition = CH_NEW_ARRAY(w->arena, size_t, spec->npartition_by);
    for (size_t i = 0; i < spec->npartition_by; i++) {
        size_t c = 0;
        while (c < w->schema->n && strcasecmp(w->schema->fields[c].name, spec->partition_by[i])) c++;
        if (c == w->schema->n) {
            ch_buf type = {0};
            ch_type_simple(&type, ch_type_struct(w->arena, w->schema->fields, w->schema->n));
            int status = ch_failf(err, CH_E_ANALYSIS, "Partition column `%s` not found in schema %s.",
                                  spec->partition_by[i], ch_buf_text(&type));
            ch_buf_reset(&type);
            return status;
        }
        w->partition[w->npartition++] = c;
    }
    if (w->npartition && w->npartition == w->schema->n)
        return ch_raise(err, "ALL_PARTITION_COLUMNS_NOT_ALLOWED", (char *)NULL);
    return 0;
}

static bool is_partition(const ch_writing *w, size_t column)
{
    for (size_t i = 0; i < w->npartition; i++)
        if (w->partition[i] == column) return true;
    return false;
}

static int check_columns(ch_writing *w, const ch_write_format *format, ch_error *err)
{
    w->data = CH_NEW_ARRAY(w->arena, size_t, w->schema->n);
    for (size_t i = 0; i < w->schema->n; i++) {
        const ch_field *f = &w->schema->fields[i];
        for (size_t j = 0; j < i; j++)
            if (!strcasecmp(f->name, w->schema->fields[j].name)) {
                ch_buf lower = {0};
                for (const char *c = f->name; *c; c++)
                    ch_buf_char(&lower, (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c));
                int status = ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName",
                                      ch_arena_printf(w->arena, "`%s`", ch_buf_text(&lower)), (char *)NULL);
                ch_buf_reset(&lower);
                return status;
            }
        if (is_partition(w, i)) continue;
        w->data[w->ndata++] = i;
        if (!format || format->accepts(f->type)) continue;
        ch_buf type = {0};
        ch_type_sql(&type, f->type);
        int status = ch_raise(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "format", format->shown, "columnName",
                              ch_arena_printf(w->arena, "`%s`", f->name), "columnType",
                              ch_arena_printf(w->arena, "\"%s\"", ch_buf_text(&type)), (char *)NULL);
        ch_buf_reset(&type);
        return status;
    }
    if (!w->ndata && format)
        return ch_raise(err, "EMPTY_SCHEMA_NOT_SUPPORTED_FOR_DATASOURCE", "format", format->shown, (char *)NULL);
    return 0;
}

/* --- the target --- */

static void make_uuid(char out[40])
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) memset(b, (int)getpid(), sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
             b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* Spark refuses to overwrite what the query reads. */
static int check_not_read(ch_writing *w, const ch_query *q, const char *target, ch_error *err)
{
    const char **files;
    size_t n = ch_query_files(q, w->arena, &files), len = strlen(target);
    for (size_t i = 0; i < n; i++) {
        const char *path;
        if (ch_local_path(w->arena, files[i], &path, err)) continue;
        if (!strncmp(path, target, len) && (path[len] == '/' || !path[len]))
            return ch_raise(err, "UNSUPPORTED_OVERWRITE.PATH", "path", ch_arena_printf(w->arena, "file:%s", target),
                            (char *)NULL);
    }
    return 0;
}

/* Puts the finished folder in the target's place. */
static int commit(ch_writing *w, const char *target, ch_save_mode mode, ch_error *err)
{
    struct stat st;
    bool exists = !lstat(target, &st);
    int fd = open(ch_arena_printf(w->arena, "%s/_SUCCESS", w->folder), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) return ch_io_error("Cannot write", w->folder, err);
    close(fd);
    if (exists && mode == CH_SAVE_APPEND) return merge_tree(w->folder, target, err);
    const char *old = ch_arena_printf(w->arena, "%s.old", w->folder);
    if (exists && rename(target, old)) return ch_io_error("Cannot replace", target, err);
    if (rename(w->folder, target)) {
        int status = ch_io_error("Cannot write", target, err);
        if (exists && rename(old, target)) ch_log(CH_LOG_ERROR, "cannot put %s back from %s", target, old);
        return status;
    }
    return exists ? remove_tree(old, err) : 0;
}

static int write_to(ch_writing *w, ch_query *q, const ch_write_format *format, const ch_write *spec, ch_error *err)
{
    const char *target;
    struct stat st;
    CH_TRY(ch_local_path(w->arena, spec->path, &target, err));
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/') len--;
    target = ch_arena_strndup(w->arena, target, len);
    CH_TRY(ch_session_allow(w->session, target, true, err));
    if (!lstat(target, &st)) {
        if (spec->mode == CH_SAVE_IGNORE) return 0;
        if (spec->mode == CH_SAVE_ERROR)
            return ch_raise(err, "PATH_ALREADY_EXISTS", "outputPath", ch_arena_printf(w->arena, "file:%s", target),
                            (char *)NULL);
        if (spec->mode == CH_SAVE_OVERWRITE) CH_TRY(check_not_read(w, q, target, err));
    }
    const char *slash = strrchr(target, '/');
    w->folder = ch_arena_printf(w->arena, "%.*s/.%s.%s", (int)(slash - target), target, slash + 1, w->uuid);
    CH_TRY(ch_make_folders(w->folder, err));
    int status = format->write(w, err);
    if (!status) status = commit(w, target, spec->mode, err);
    if (status) {
        ch_error ignored; /* the first failure is what the user hears */
        (void)remove_tree(w->folder, &ignored);
    }
    return status;
}

/* format("noop"): runs everything, keeps nothing. */
static int run_only(ch_query *q, ch_task *task, ch_error *err)
{
    const ch_batch *batch;
    CH_TRY(ch_query_start(q, task, err));
    do {
        CH_TRY(ch_query_next(q, &batch, err));
    } while (batch);
    return 0;
}

static int write_query(ch_writing *w, ch_query *q, const ch_write *spec, ch_error *err)
{
    const char *name = spec->format ? spec->format : ch_config_find(w->session, w->arena, "spark.sql.sources.default");
    const ch_write_format *format = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(name, formats[i].name)) format = &formats[i];
    bool noop = !strcasecmp(name, "noop");
    if (!format && !noop) return ch_raise(err, "DATA_SOURCE_NOT_FOUND", "provider", name, (char *)NULL);
    if (spec->table)
        return ch_raise(err, "UNSUPPORTED_FEATURE.TABLE_OPERATION", "tableName", spec->table, "operation",
                        "writing to tables of a catalog", (char *)NULL);
    if (!spec->path && !noop)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Expected exactly one path to be specified, but got: ");
    CH_TRY(find_partitions(w, spec, err));
    CH_TRY(check_columns(w, format, err));
    return noop ? run_only(q, w->task, err) : write_to(w, q, format, spec, err);
}

int ch_write_plan(ch_session *s, const ch_plan *plan, const ch_write *spec, ch_task *task, ch_error *err)
{
    ch_query *q;
    CH_TRY(ch_query_open(s, plan, &q, err));
    ch_writing w = {.session = s, .arena = ch_arena_new(), .plan = plan, .schema = ch_query_schema(q), .task = task};
    w.options = (ch_options){spec->noption, spec->options};
    make_uuid(w.uuid);
    int status = write_query(&w, q, spec, err);
    ch_query_close(q);
    ch_arena_free(w.arena);
    return status;
}
