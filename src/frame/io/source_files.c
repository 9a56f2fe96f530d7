/* source_files.c: listing the files of a data source. Partition folders are in partition.c. */
#include "frame/io/source_files.h"

#include "frame/io/partition.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, FILES_MAX = 10000000 };

int ch_local_path(ch_arena *arena, const char *path, const char **out, ch_error *err)
{
    const char *colon = strchr(path, ':'), *slash = strchr(path, '/');
    if (colon && slash == colon + 1) {
        size_t len = (size_t)(colon - path);
        if (len != 4 || strncmp(path, "file", 4) != 0) {
            return ch_failf(err, CH_E_IO, "No FileSystem for scheme \"%.*s\"", (int)(len < 50 ? len : 50), path);
        }
        path = colon + 1;
        if (path[1] == '/') { /* file://authority/path, where the authority is nothing */
            path += 2;
            if (*path != '/')
                return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Wrong FS: file://%s, expected: file:///", path);
        }
    }
    char *full;
    if (*path == '/') {
        full = ch_arena_strdup(arena, path);
    } else {
        char cwd[PATH_MAX];
        if (!getcwd(cwd, sizeof cwd)) return ch_failf(err, CH_E_IO, "The working directory is gone");
        full = ch_arena_printf(arena, "%s/%s", cwd, path);
    }
    /* no doubled or last slashes, no "." */
    char *to = full;
    for (const char *at = full; *at;) {
        if (at[0] == '/' && at[1] == '/') {
            at++;
        } else if (at[0] == '/' && at[1] == '.' && (at[2] == '/' || !at[2])) {
            at += 2;
        } else {
            *to++ = *at++;
        }
    }
    while (to > full + 1 && to[-1] == '/') to--;
    *to = '\0';
    if (!*full) full = ch_arena_strdup(arena, "/");
    *out = full;
    return 0;
}

/* --- walking ---------------------------------------------------------------------------------------------------------
 */

typedef struct walk {
    ch_arena *arena;
    const char *name_filter; /* pathGlobFilter */
    bool recursive;          /* recursiveFileLookup: no partitions, folders of any name */
    size_t n, cap;
    ch_file *files;
    const char **folders; /* the folder each file is in */
} walk;

/* Names that are not data: hidden ones, but "_a=b" may be a partition. */
static bool hidden(const char *name)
{
    if (name[0] == '.') return true;
    if (name[0] == '_' && !strchr(name, '=')) return true;
    size_t len = strlen(name);
    static const char COPYING[] = "._COPYING_";
    return len > sizeof COPYING - 1 && strcmp(name + len - (sizeof COPYING - 1), COPYING) == 0;
}

static int add_file(walk *w, const char *folder, const char *path, const char *name, const struct stat *st,
                    ch_error *err)
{
    if (hidden(name) || (w->name_filter && fnmatch(w->name_filter, name, 0) != 0)) return 0;
    if (w->n == FILES_MAX) return ch_failf(err, CH_E_SPARK, "More than %d files to read", FILES_MAX);
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 16;
        w->files = ch_arena_grow(w->arena, w->files, sizeof *w->files, w->n, cap);
        w->folders = ch_arena_grow(w->arena, w->folders, sizeof *w->folders, w->n, cap);
        w->cap = cap;
    }
    w->folders[w->n] = folder;
    w->files[w->n++] = (ch_file){
        .path = path, .size = st->st_size, .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec};
    return 0;
}

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Every data file below a folder, by name; links that lead back in a circle end at DEPTH_MAX. */
static int walk_folder(walk *w, const char *folder, int depth, ch_error *err)
{
    struct dirent **entries;
    if (depth > DEPTH_MAX) return ch_failf(err, CH_E_IO, "%s is nested too deeply", folder);
    int n = scandir(folder, &entries, no_dots, alphasort);
    if (n < 0) return ch_failf(err, CH_E_IO, "%s: %s", folder, strerror(errno));
    int status = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        const char *path = ch_arena_printf(w->arena, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
        struct stat st;
        if (!status && stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode)) {
                if (!hidden(name)) status = walk_folder(w, path, depth + 1, err);
            } else if (S_ISREG(st.st_mode)) {
                status = add_file(w, folder, path, ch_arena_strdup(w->arena, name), &st, err);
            }
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int not_found(const char *path, ch_error *err)
{
    char uri[PATH_MAX + 8];
    snprintf(uri, sizeof uri, "file:%s", path);
    return ch_raise(err, "PATH_NOT_FOUND", "path", uri, (char *)NULL);
}

typedef struct roots {
    size_t n, cap;
    const char **items;
} roots;

static void add_root(ch_arena *arena, roots *r, const char *path)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 8;
        r->items = ch_arena_grow(arena, r->items, sizeof *r->items, r->n, cap);
        r->cap = cap;
    }
    r->items[r->n++] = path;
}

/* What a path of the user stands for: itself, or the matches of a glob. */
static int expand_path(ch_arena *arena, roots *r, const char *path, ch_error *err)
{
    const char *full;
    CH_TRY(ch_local_path(arena, path, &full, err));
    struct stat st;
    if (!strpbrk(full, "{}[]*?\\") || stat(full, &st) == 0) {
        if (stat(full, &st) != 0) return not_found(full, err);
        add_root(arena, r, full);
        return 0;
    }
    glob_t found = {0};
    int code = glob(full, GLOB_BRACE, NULL, &found);
    for (size_t i = 0; code == 0 && i < found.gl_pathc; i++) {
        add_root(arena, r, ch_arena_strdup(arena, found.gl_pathv[i]));
    }
    size_t n = found.gl_pathc;
    globfree(&found);
    return code != 0 || n == 0 ? not_found(full, err) : 0;
}

static int walk_root(walk *w, const char *root, ch_error *err)
{
    struct stat st;
    if (stat(root, &st) != 0) return not_found(root, err);
    if (S_ISDIR(st.st_mode)) return walk_folder(w, root, 0, err);
    const char *slash = strrchr(root, '/');
    const char *folder = slash == root ? "/" : ch_arena_strndup(w->arena, root, (size_t)(slash - root));
    return add_file(w, folder, root, slash + 1, &st, err);
}

/* Without partitions only the files right in the roots count. */
static void keep_top_level(walk *w, const roots *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        bool top = false;
        for (size_t k = 0; k < r->n && !top; k++) {
            top = strcmp(w->folders[i], r->items[k]) == 0 || strcmp(w->files[i].path, r->items[k]) == 0;
        }
        if (top) w->files[kept++] = w->files[i];
    }
    w->n = kept;
}

int ch_files_find(ch_session *s, ch_arena *arena, size_t npath, const char **paths, const ch_options *options,
                  const ch_schema *schema, ch_files *out, ch_error *err)
{
    *out = (ch_files){0};
    walk w = {.arena = arena, .name_filter = ch_option_get(options, "pathGlobFilter")};
    roots r = {0};
    CH_TRY(ch_option_bool(options, "recursiveFileLookup", false, &w.recursive, err));
    for (size_t i = 0; i < npath; i++) CH_TRY(expand_path(arena, &r, paths[i], err));
    const char *single = ch_option_get(options, "path");
    if (!npath && single) CH_TRY(expand_path(arena, &r, single, err));
    for (size_t i = 0; i < r.n; i++) CH_TRY(ch_session_allow(s, r.items[i], false, err));
    for (size_t i = 0; i < r.n; i++) CH_TRY(walk_root(&w, r.items[i], err));
    for (size_t i = 0; i < w.n; i++) CH_TRY(ch_session_allow(s, w.files[i].path, false, err));
    out->nroot = r.n;
    out->roots = r.items;
    if (!w.recursive) {
        const char *base = ch_option_get(options, "basePath");
        if (base) CH_TRY(ch_local_path(arena, base, &base, err));
        CH_TRY(
            ch_partitions_find(s, arena, w.n, w.files, w.folders, r.n, r.items, base, schema, &out->partitions, err));
        if (out->partitions.n) {
            size_t kept = 0; /* files beside the partition folders are no data */
            for (size_t i = 0; i < w.n; i++) {
                if (w.files[i].values) w.files[kept++] = w.files[i];
            }
            w.n = kept;
        } else {
            keep_top_level(&w, &r);
        }
    }
    out->n = w.n;
    out->files = w.files;
    return 0;
}

void ch_files_stamp(const ch_files *files, ch_buf *out)
{
    for (size_t i = 0; i < files->n; i++) {
        const ch_file *f = &files->files[i];
        ch_buf_printf(out, "%s|%lld|%lld\n", f->path, (long long)f->size, (long long)f->mtime_ns);
    }
}
