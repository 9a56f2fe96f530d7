/* import_copy.c: where the artifacts of an import are and go, and copying them. */
#include "base/log.h"
#include "track/artifact/artifact_store.h"
#include "track/import/import_sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MOST = 4096, DEPTH_MOST = 60 };

/* --- places ---- */

const char *ch_sink_below(const char *root, const char *uri)
{
    size_t len = strlen(root);
    while (len > 0 && root[len - 1] == '/') len--;
    if (!len || strncmp(uri, root, len) != 0 || (uri[len] && uri[len] != '/')) return NULL;
    return uri + len;
}

static const char *without_percents(ch_arena *arena, const char *text)
{
    char *out = ch_arena_strdup(arena, text), *to = out;
    for (const char *at = text; *at; at++) {
        unsigned code;
        if (*at == '%' && sscanf(at + 1, "%2x", &code) == 1 && code) {
            *to++ = (char)code;
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
    return out;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* The path that a URI says, there or not; NULL for what is no path. */
static const char *path_of(const ch_sink *sink, ch_arena *arena, const char *uri)
{
    static const char PROXY[] = "mlflow-artifacts:/";
    if (strncmp(uri, PROXY, sizeof PROXY - 1) == 0) {
        uri += sizeof PROXY - 1;
        while (*uri == '/') uri++;
        const char *clean = ch_artifact_clean(arena, uri);
        return sink->options->artifacts && clean && *clean
                   ? ch_arena_printf(arena, "%s/%s", sink->options->artifacts, clean)
                   : NULL;
    }
    bool is_file = strncmp(uri, "file:", 5) == 0;
    if (!is_file && strstr(uri, ":/")) return NULL;
    if (is_file) uri += strncmp(uri, "file://", 7) == 0 ? 7 : 5;
    const char *path = *uri == '/' ? uri : ch_arena_printf(arena, "%s/%s", sink->folder, uri);
    return is_file && !is_there(path) ? without_percents(arena, path) : path;
}

const char *ch_sink_local(const ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *uri)
{
    if (!uri || !*uri) return NULL;
    const char *path = path_of(sink, arena, uri), *rest = of ? ch_sink_below(of->old_location, uri) : NULL;
    if (path && is_there(path)) return path;
    if (!rest || !of->folder) return NULL;
    path = ch_arena_printf(arena, "%s%s", of->folder, rest);
    return is_there(path) ? path : NULL;
}

const char *ch_sink_moved(ch_arena *arena, const ch_sink_experiment *of, const char *uri)
{
    const char *rest = uri && of ? ch_sink_below(of->old_location, uri) : NULL;
    return rest ? ch_arena_printf(arena, "%s%s", of->location, rest) : uri;
}

const char *ch_sink_moved_anywhere(const ch_sink *sink, ch_arena *arena, const char *uri)
{
    for (const ch_sink_experiment *e = sink->experiments; e && uri; e = e->next) {
        if (ch_sink_below(e->old_location, uri)) return ch_sink_moved(arena, e, uri);
    }
    return uri;
}

/* --- copying ---- */

static int failed(const char *path, ch_error *err)
{
    return ch_failf(err, errno == ENOSPC ? CH_E_MEMORY : CH_E_IO, "%s: %s", path, strerror(errno));
}

static int make_folders(const char *path, ch_error *err)
{
    char copy[PATH_MOST];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST) return failed(copy, err);
        if (!slash) return 0;
        *slash = '/';
    }
}

static int copy_bytes(int in, int out, const char *to, ch_error *err)
{
    char block[1 << 16];
    for (;;) {
        ssize_t n = read(in, block, sizeof block);
        if (n == 0) return 0;
        if (n < 0) return failed(to, err);
        for (ssize_t done = 0; done < n;) {
            ssize_t wrote = write(out, block + done, (size_t)(n - done));
            if (wrote < 0) return failed(to, err);
            done += wrote;
        }
    }
}

/* What is being copied, and whether the files may be moved instead. */
typedef struct copying {
    bool take;
    int64_t *files;
} copying;

static int copy_file(const copying *c, const char *from, const char *to, ch_error *err)
{
    if (c->take && rename(from, to) == 0) {
        *c->files += 1;
        return 0;
    }
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0) return failed(from, err);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int status = out < 0 ? failed(to, err) : copy_bytes(in, out, to, err);
    close(in);
    if (out >= 0 && close(out) && !status) status = failed(to, err);
    *c->files += status == 0;
    return status;
}

static int copy(const copying *c, const char *from, const char *to, int depth, ch_error *err);

static int copy_folder(const copying *c, const char *from, const char *to, int depth, ch_error *err)
{
    DIR *folder = opendir(from);
    if (!folder) return failed(from, err);
    int status = make_folders(to, err);
    for (const struct dirent *entry; !status && (entry = readdir(folder));) {
        char source[PATH_MOST], target[PATH_MOST];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        bool fits = snprintf(source, sizeof source, "%s/%s", from, entry->d_name) < PATH_MOST &&
                    snprintf(target, sizeof target, "%s/%s", to, entry->d_name) < PATH_MOST && depth < DEPTH_MOST;
        status = fits ? copy(c, source, target, depth + 1, err)
                      : ch_failf(err, CH_E_IO, "%s: the folders lie too deep", from);
    }
    closedir(folder);
    return status;
}

/* Links and what is no file are left out. */
static int copy(const copying *c, const char *from, const char *to, int depth, ch_error *err)
{
    struct stat st;
    if (lstat(from, &st)) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(from, err);
    if (S_ISDIR(st.st_mode)) return copy_folder(c, from, to, depth, err);
    return S_ISREG(st.st_mode) ? copy_file(c, from, to, err) : 0;
}

/* Says once that a store's files are not here. A run without artifacts has no folder, nor need its experiment have one:
 * the folder above must be missing. */
static void tell_absence(const ch_sink *sink, ch_arena *arena, ch_sink_experiment *of)
{
    if (sink->take_files || of->told || ch_sink_local(sink, arena, of, of->old_location)) return;
    of->told = true;
    const char *path = path_of(sink, arena, of->old_location);
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!path)
        ch_log(CH_LOG_WARN, "experiment '%s': its artifacts stay in %s", of->name, of->old_location);
    else if (slash > path && !is_there(ch_arena_strndup(arena, path, (size_t)(slash - path))))
        ch_log(CH_LOG_WARN, "experiment '%s': there is no folder %s; its runs come without artifacts", of->name, path);
}

int ch_sink_copy(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *uri, ch_error *err)
{
    const char *from = ch_sink_local(sink, arena, of, uri);
    const char *to = uri ? ch_artifact_of_uri(arena, sink->track->artifacts, ch_sink_moved(arena, of, uri)) : NULL;
    if (!from) tell_absence(sink, arena, of);
    if (!from || !to || !*to) return 0;
    to = ch_artifact_absolute(arena, sink->track->artifacts, to);
    copying c = {.take = sink->take_files, .files = &sink->counts->files};
    return strcmp(from, to) == 0 ? 0 : copy(&c, from, to, 0, err);
}
