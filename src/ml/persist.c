/* persist.c: Spark's folders: metadata lines, Parquet tables, renaming into place. */
#include "ml/persist.h"

#include "frame/engine/query.h"
#include "ml/literal.h"
#include "ml/schema.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    TABLE_BATCH = 1024,         /* rows that go to the encoder at a time */
    LARGEST_METADATA = 64 << 20 /* bytes of a metadata line we read */
};

/* ---- the file system ---- */

/* A path or file: URI as a path of this machine without trailing slashes. err: other schemes. */
static int local_path(ch_arena *arena, const char *path, const char **out, ch_error *err)
{
    if (!*path) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Can not create a Path from an empty string");
    if (strncmp(path, "file:", 5) == 0) {
        path += 5;
        while (path[0] == '/' && path[1] == '/') path++;
    }
    size_t scheme = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    if (scheme > 1 && path[scheme] == ':') {
        return ch_failf(err, CH_E_UNSUPPORTED, "No FileSystem for scheme \"%.*s\"", (int)scheme, path);
    }
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') len--;
    *out = ch_arena_strndup(arena, path, len);
    return 0;
}

static int io_error(ch_error *err, const char *what, const char *path)
{
    int code = errno;
    return ch_failf(err, code == ENOSPC || code == EDQUOT ? CH_E_MEMORY : CH_E_IO, "%s %s: %s", what, path,
                    strerror(code));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_folders(char *path, ch_error *err)
{
    for (char *at = path + 1;; at++) {
        char c = *at;
        if (c && c != '/') continue;
        *at = '\0';
        bool failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        if (failed) io_error(err, "Cannot create folder", path);
        *at = c;
        if (failed) return CH_E_IO;
        if (!c) return 0;
    }
}

static int already_exists(ch_error *err, const char *path)
{
    return ch_failf(
        err, CH_E_IO,
        "Path %s already exists. To overwrite it, please use write.overwrite().save(path) for Scala and use "
        "write().overwrite().save(path) for Java and Python.",
        path);
}

int ch_handle_overwrite(const char *path, bool overwrite, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    const char *local;
    int status = local_path(arena, path, &local, err);
    struct stat info;
    if (!status && lstat(local, &info) == 0) {
        if (!overwrite) {
            status = already_exists(err, path);
        } else if (remove_tree(local) != 0) {
            status = io_error(err, "Cannot remove", path);
        }
    }
    ch_arena_free(arena);
    return status;
}

static int write_file(const char *path, const char *text, size_t len, ch_error *err)
{
    FILE *f = fopen(path, "wbe");
    if (!f) return io_error(err, "Cannot create", path);
    bool good = fwrite(text, 1, len, f) == len;
    good = fclose(f) == 0 && good;
    return good ? 0 : io_error(err, "Cannot write", path);
}

/* ---- tables ---- */

void ch_saver_extra_int(ch_saver *saver, const char *name, int64_t value)
{
    ch_buf_printf(&saver->extra, ",\"%s\":%lld", name, (long long)value);
}

struct ch_table_writer {
    ch_saver *saver;
    const char *name;
    ch_schema schema;
    ch_arrow_encoder *encoder;
    ch_column **cols;
    size_t rows; /* in cols */
};

static bool new_columns(ch_table_writer *t)
{
    bool good = true;
    for (size_t i = 0; i < t->schema.n; i++) {
        ch_column_free(t->cols[i]);
        t->cols[i] = ch_column_new(t->schema.fields[i].type, TABLE_BATCH);
        good = good && t->cols[i];
    }
    t->rows = 0;
    return good;
}

int ch_table_open(ch_saver *saver, const char *name, const ch_field *fields, size_t n, ch_table_writer **out,
                  ch_error *err)
{
    ch_table_writer *t = CH_NEW(saver->arena, ch_table_writer);
    t->saver = saver;
    t->name = name;
    t->schema.n = n;
    t->schema.fields = ch_arena_dup(saver->arena, fields, n * sizeof *fields);
    t->cols = CH_NEW_ARRAY(saver->arena, ch_column *, n);
    t->encoder = ch_arrow_encoder_new(&t->schema, "UTC");
    if (t->encoder && new_columns(t)) {
        *out = t;
        return 0;
    }
    ch_table_abandon(t);
    return ch_no_memory(err);
}

void ch_table_abandon(ch_table_writer *table)
{
    if (!table) return;
    ch_arrow_encoder_free(table->encoder);
    for (size_t i = 0; i < table->schema.n; i++) ch_column_free(table->cols[i]);
}

/* Puts a literal into a row of a column of its type. */
static int put(ch_column *c, size_t row, const ch_literal *value, ch_error *err)
{
    if (value->is_null) {
        ch_column_set_null(c, row);
        return 0;
    }
    switch (c->type->kind) {
    case CH_BOOLEAN: ((uint8_t *)c->data)[row] = value->v.boolean; return 0;
    case CH_BYTE: ((int8_t *)c->data)[row] = (int8_t)value->v.integer; return 0;
    case CH_INT: ((int32_t *)c->data)[row] = (int32_t)value->v.integer; return 0;
    case CH_LONG: ((int64_t *)c->data)[row] = value->v.integer; return 0;
    case CH_DOUBLE: ((double *)c->data)[row] = value->v.real; return 0;
    case CH_STRING: ch_column_set_string(c, row, value->v.bytes.data, value->v.bytes.len); return 0;
    case CH_ARRAY: {
        size_t used = c->child[0].rows, n = value->v.list.n;
        ((ch_list *)c->data)[row] = (ch_list){used, n};
        CH_TRY(ch_column_resize_list(c, used + n, err));
        for (size_t i = 0; i < n; i++) CH_TRY(put(&c->child[0], used + i, &value->v.list.items[i], err));
        return 0;
    }
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX:
        for (size_t i = 0; i < c->nchild && i < value->v.list.n; i++) {
            CH_TRY(put(&c->child[i], row, &value->v.list.items[i], err));
        }
        return 0;
    default: return ch_bug(err, "models do not store values of this type");
    }
}

/* Hands the rows collected to the encoder. */
static int flush(ch_table_writer *t, ch_error *err)
{
    ch_batch batch = {.rows = t->rows, .ncol = t->schema.n};
    batch.cols = CH_NEW_ARRAY(t->saver->arena, ch_column, t->schema.n);
    for (size_t i = 0; i < t->schema.n; i++) {
        batch.cols[i] = *t->cols[i];
        batch.cols[i].rows = t->rows;
    }
    CH_TRY(ch_arrow_encoder_add(t->encoder, &batch, err));
    return new_columns(t) ? 0 : ch_no_memory(err);
}

int ch_table_add(ch_table_writer *table, const ch_literal *row, ch_error *err)
{
    if (table->rows == TABLE_BATCH) CH_TRY(flush(table, err));
    for (size_t i = 0; i < table->schema.n; i++) CH_TRY(put(table->cols[i], table->rows, &row[i], err));
    table->rows++;
    return 0;
}

/* Writes what the encoder holds as a Parquet folder, through a plan over local rows. */
static int write_table(ch_table_writer *t, ch_error *err)
{
    ch_saver *saver = t->saver;
    if (t->rows) CH_TRY(flush(t, err));
    ch_buf ipc = {0}, schema = {0};
    int status = ch_arrow_encoder_finish(t->encoder, &ipc, err);
    if (!status) {
        ch_schema_json(&schema, &t->schema);
        ch_plan *plan = ch_plan_new(saver->arena, CH_PLAN_LOCAL, NULL);
        plan->u.local.data = ipc.data;
        plan->u.local.size = ipc.len;
        plan->u.local.schema = ch_buf_text(&schema);
        ch_write w = {.format = "parquet",
                      .path = ch_arena_printf(saver->arena, "%s/%s", saver->path, t->name),
                      .mode = CH_SAVE_ERROR};
        status = ch_write_plan(saver->session, plan, &w, saver->task, err);
    }
    ch_buf_reset(&ipc);
    ch_buf_reset(&schema);
    return status;
}

int ch_table_close(ch_table_writer *table, ch_error *err)
{
    int status = write_table(table, err);
    ch_table_abandon(table);
    return status;
}

int ch_save_row(ch_saver *saver, const char *name, const ch_field *fields, const ch_literal *row, size_t n,
                ch_error *err)
{
    ch_table_writer *table;
    CH_TRY(ch_table_open(saver, name, fields, n, &table, err));
    int status = ch_table_add(table, row, err);
    if (!status) return ch_table_close(table, err);
    ch_table_abandon(table);
    return status;
}

/* ---- saving ---- */

void ch_metadata_json(const char *class_name, const char *uid, const ch_param_map *params, const char *extra,
                      ch_buf *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ch_buf_str(out, "{\"class\":");
    ch_buf_json_string(out, class_name);
    ch_buf_printf(out, ",\"timestamp\":%lld,\"sparkVersion\":\"%s\",\"uid\":",
                  (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, CH_SPARK_VERSION);
    ch_buf_json_string(out, uid);
    ch_buf_str(out, ",\"paramMap\":");
    ch_param_map_json(params, false, out);
    ch_buf_str(out, ",\"defaultParamMap\":");
    ch_param_map_json(params, true, out);
    ch_buf_str(out, extra);
    ch_buf_char(out, '}');
}

static int write_metadata(ch_saver *saver, const ch_stage *stage, const char *uid, const ch_param_map *params,
                          ch_error *err)
{
    char *folder = ch_arena_printf(saver->arena, "%s/metadata", saver->path), part[64];
    CH_TRY(make_folders(folder, err));
    ch_random_uid("part-00000", part, sizeof part);
    ch_buf line = {0};
    ch_metadata_json(stage->class_name, uid, params, ch_buf_text(&saver->extra), &line);
    ch_buf_char(&line, '\n');
    int status = write_file(ch_arena_printf(saver->arena, "%s/%s-c000.txt", folder, part), line.data, line.len, err);
    ch_buf_reset(&line);
    return status ? status : write_file(ch_arena_printf(saver->arena, "%s/_SUCCESS", folder), "", 0, err);
}

/* Moves the finished folder to its place; what was there goes last. */
static int move_into_place(ch_arena *arena, const char *from, const char *to, const char *shown, bool overwrite,
                           ch_error *err)
{
    struct stat info;
    const char *old = NULL;
    if (lstat(to, &info) == 0) {
        if (!overwrite) return already_exists(err, shown);
        old = ch_arena_printf(arena, "%s.old", from);
        if (rename(to, old) != 0) return io_error(err, "Cannot replace", to);
    }
    if (rename(from, to) != 0) {
        int status = io_error(err, "Cannot create", to);
        if (old && rename(old, to) != 0) return io_error(err, "Cannot restore", to);
        return status;
    }
    if (old) remove_tree(old);
    return 0;
}

int ch_save(ch_session *session, const ch_stage *stage, const ch_object *model, const ch_param_map *params,
            const char *path, bool overwrite, ch_task *task, ch_error *err)
{
    ch_saver saver = {.session = session, .task = task, .arena = ch_arena_new()};
    const char *target;
    struct stat info;
    int status = local_path(saver.arena, path, &target, err);
    if (!status && !overwrite && lstat(target, &info) == 0) status = already_exists(err, path);
    if (status) {
        ch_arena_free(saver.arena);
        return status;
    }
    const char *slash = strrchr(target, '/');
    char temp[48];
    ch_random_uid(".chert", temp, sizeof temp);
    char *folder = ch_arena_printf(saver.arena, "%.*s%s", slash ? (int)(slash - target) + 1 : 0, target, temp);
    saver.path = folder;
    status = make_folders(folder, err);
    if (!status && stage->save && model) status = stage->save(&saver, model, err);
    if (!status) status = write_metadata(&saver, stage, ch_param_map_uid(params), params, err);
    if (!status) status = move_into_place(saver.arena, folder, target, path, overwrite, err);
    if (status) remove_tree(folder);
    ch_buf_reset(&saver.extra);
    ch_arena_free(saver.arena);
    return status;
}

/* ---- metadata, reading ---- */

int ch_metadata_parse(const char *text, size_t len, ch_metadata *out, ch_error *err)
{
    *out = (ch_metadata){0};
    json_error_t where;
    out->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    if (!out->json) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Cannot read the metadata of a model: %s", where.text);
    }
    out->class_name = json_string_value(json_object_get(out->json, "class"));
    out->uid = json_string_value(json_object_get(out->json, "uid"));
    out->spark_version = json_string_value(json_object_get(out->json, "sparkVersion"));
    if (!out->class_name || !out->uid || !out->spark_version) {
        ch_metadata_reset(out);
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Cannot recognize JSON metadata: class, uid or sparkVersion missing.");
    }
    out->spark_major = atoi(out->spark_version);
    return 0;
}

void ch_metadata_reset(ch_metadata *metadata)
{
    json_decref(metadata->json);
    *metadata = (ch_metadata){0};
}

int ch_metadata_int(const ch_metadata *metadata, const char *name, int64_t least, int64_t *out, ch_error *err)
{
    const json_t *value = json_object_get(metadata->json, name);
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= least && *out <= INT32_MAX) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the metadata of a %s have no usable %s", metadata->class_name, name);
}

int ch_metadata_params(const ch_metadata *metadata, const ch_stage *stage, ch_param_map *map, ch_error *err)
{
    CH_TRY(ch_param_map_read(map, json_object_get(metadata->json, "paramMap"), false, stage->skip_on_load, err));
    const json_t *defaults = json_object_get(metadata->json, "defaultParamMap");
    /* Before 2.4 there was no such section. */
    return defaults ? ch_param_map_read(map, defaults, true, stage->skip_on_load, err) : 0;
}

static int path_not_found(ch_arena *arena, const char *path, ch_error *err)
{
    char *full = realpath(path, NULL);
    char cwd[4096];
    const char *shown = path;
    if (full) {
        shown = ch_arena_strdup(arena, full);
    } else if (path[0] != '/' && getcwd(cwd, sizeof cwd)) {
        shown = ch_arena_printf(arena, "%s/%s", cwd, path);
    }
    free(full);
    return ch_raise(err, "PATH_NOT_FOUND", "path", ch_arena_printf(arena, "file:%s", shown), (char *)NULL);
}

/* The name of the first part file in a folder, by name; NULL when there is none. */
static const char *first_part(ch_arena *arena, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) return NULL;
    const char *best = NULL;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strncmp(e->d_name, "part-", 5) != 0) continue;
        if (!best || strcmp(e->d_name, best) < 0) best = ch_arena_strdup(arena, e->d_name);
    }
    closedir(dir);
    return best ? ch_arena_printf(arena, "%s/%s", folder, best) : NULL;
}

int ch_metadata_read(ch_arena *arena, const char *path, ch_metadata *out, ch_error *err)
{
    const char *folder = ch_arena_printf(arena, "%s/metadata", path), *part = first_part(arena, folder);
    if (!part) return path_not_found(arena, folder, err);
    FILE *f = fopen(part, "rbe");
    if (!f) return io_error(err, "Cannot open", part);
    ch_buf text = {0};
    char chunk[8192];
    int status = 0;
    for (size_t n; !status && (n = fread(chunk, 1, sizeof chunk, f)) > 0;) {
        ch_buf_add(&text, chunk, n);
        if (text.len > LARGEST_METADATA) status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is too long", part);
    }
    if (!status && ferror(f)) status = io_error(err, "Cannot read", part);
    fclose(f);
    if (!status) {
        const char *line = ch_buf_text(&text);
        status = ch_metadata_parse(line, strcspn(line, "\n"), out, err);
    }
    ch_buf_reset(&text);
    return status;
}

/* ---- tables, reading ---- */

/* Scalars are cast to what is wanted; the rest must have the type already. */
static bool is_scalar(const ch_type *type)
{
    return ch_type_is_numeric(type) || type->kind == CH_BOOLEAN || ch_type_is_string(type);
}

static ch_plan *read_plan(const ch_loader *loader, const char *name)
{
    ch_plan *read = ch_plan_new(loader->arena, CH_PLAN_READ, NULL);
    read->u.read.format = "parquet";
    read->u.read.npath = 1;
    read->u.read.paths = CH_NEW(loader->arena, const char *);
    read->u.read.paths[0] = ch_arena_printf(loader->arena, "%s/%s", loader->path, name);
    return read;
}

int ch_table_has_column(ch_loader *loader, const char *name, const char *column, bool *out, ch_error *err)
{
    ch_query *query;
    CH_TRY(ch_query_open(loader->session, read_plan(loader, name), &query, err));
    const ch_schema *schema = ch_query_schema(query);
    *out = false;
    for (size_t i = 0; i < schema->n; i++) *out |= strcmp(schema->fields[i].name, column) == 0;
    ch_query_close(query);
    return 0;
}

static int table_plan(ch_loader *loader, const char *name, const ch_field *fields, size_t n, ch_plan **out,
                      ch_error *err)
{
    ch_projection p = ch_project(loader->arena, read_plan(loader, name));
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_project_column(&p, fields[i].name, is_scalar(fields[i].type) ? fields[i].type : NULL, NULL, err));
    }
    *out = p.plan;
    return 0;
}

static int check_table(ch_query *query, const char *name, const ch_field *fields, size_t n, ch_error *err)
{
    const ch_schema *schema = ch_query_schema(query);
    for (size_t i = 0; i < n && i < schema->n; i++) {
        if (ch_type_equal(schema->fields[i].type, fields[i].type, false)) continue;
        ch_buf text = {0};
        ch_type_simple(&text, schema->fields[i].type);
        int status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "column %s of a model's table %s is of type %s",
                              fields[i].name, name, ch_buf_text(&text));
        ch_buf_reset(&text);
        return status;
    }
    return schema->n == n ? 0 : ch_bug(err, "a projection lost columns");
}

int ch_load_rows(ch_loader *loader, const char *name, const ch_field *fields, size_t n,
                 int (*take)(void *context, const ch_batch *batch, ch_error *err), void *context, ch_error *err)
{
    ch_plan *plan;
    CH_TRY(table_plan(loader, name, fields, n, &plan, err));
    ch_query *query;
    CH_TRY(ch_query_open(loader->session, plan, &query, err));
    int status = check_table(query, name, fields, n, err);
    if (!status) status = ch_query_start(query, loader->task, err);
    while (!status) {
        const ch_batch *batch;
        status = ch_query_next(query, &batch, err);
        if (status || !batch) break;
        status = take(context, batch, err);
    }
    ch_query_close(query);
    return status;
}

int ch_load_row(ch_loader *loader, const char *name, const ch_field *fields, size_t n, ch_literal **row, ch_error *err)
{
    ch_plan *plan;
    size_t ncol;
    CH_TRY(table_plan(loader, name, fields, n, &plan, err));
    ch_plan *limit = ch_plan_new(loader->arena, CH_PLAN_LIMIT, plan);
    limit->u.count = 1;
    CH_TRY(ch_query_row(loader->session, limit, loader->task, loader->arena, &ncol, row, err));
    if (!*row || ncol != n) return ch_failf(err, CH_E_NOT_FOUND, "a model's table %s is empty", name);
    for (size_t i = 0; i < n; i++) {
        if (!(*row)[i].is_null && is_scalar(fields[i].type) == is_scalar((*row)[i].type)) continue;
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "column %s of a model's table %s cannot be used", fields[i].name,
                        name);
    }
    return 0;
}

/* ---- loading ---- */

static int load_stage(ch_loader *loader, const ch_stage *stage, ch_param_map *map, void **data, ch_error *err)
{
    CH_TRY(ch_metadata_params(loader->metadata, stage, map, err));
    loader->params = map;
    return stage->load ? stage->load(loader, data, err) : 0;
}

int ch_load(ch_session *session, ch_arena *arena, const ch_stage *stage, const char *path, ch_task *task,
            const char **uid, ch_param_map **params, void **data, ch_error *err)
{
    ch_metadata metadata = {0};
    ch_loader loader = {.session = session, .arena = arena, .task = task, .metadata = &metadata};
    CH_TRY(local_path(arena, path, &loader.path, err));
    CH_TRY(ch_metadata_read(arena, loader.path, &metadata, err));
    int status;
    *data = NULL;
    *params = NULL;
    if (strcmp(metadata.class_name, stage->class_name) != 0) {
        status = ch_require_failed(err, "Error loading metadata: Expected class name %s but found class name %s",
                                   stage->class_name, metadata.class_name);
    } else {
        *uid = ch_arena_strdup(arena, metadata.uid);
        *params = ch_param_map_new(stage, *uid);
        status = load_stage(&loader, stage, *params, data, err);
        if (status) {
            ch_param_map_release(*params);
            *params = NULL;
        }
    }
    ch_metadata_reset(&metadata);
    return status;
}
