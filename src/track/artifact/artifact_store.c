/* artifact_store.c: files of the artifact folder: paths made safe, opened, moved in, listed and removed.
 *
 * All access goes through open_folder, which walks the parts of a clean path with O_NOFOLLOW.
 */
#include "track/artifact/artifact_store.h"

#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_MOST = 3000,  /* bytes of a clean path, so that it fits PATH_MAX with the folder's */
    PARTS_MOST = 128,  /* folders of a path: removing one opens as many descriptors */
    DECODE_MOST = 8,   /* rounds of percent-decoding */
    COPY_CHUNK = 65536 /* bytes */
};

/* ---- paths ---------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Percent-decodes in place; false when that changed nothing. */
static bool decode_once(char *text)
{
    char *to = text;
    bool changed = false;
    for (const char *from = text; *from; to++) {
        int high = from[0] == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        if (low >= 0) {
            *to = (char)(high * 16 + low);
            from += 3;
            changed = true;
        } else {
            *to = *from++;
        }
        if (!*to) break; /* %00 ends the text, and clean refuses what is left of it */
    }
    *to = '\0';
    return changed;
}

static bool is_drive(const char *path)
{
    bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
    return letter && path[1] == ':' && (path[2] == '/' || path[2] == '\\');
}

/* Appends `part`, control characters percent-encoded: what MLflow makes of names that hold them. */
static void add_part(ch_buf *out, const char *part, size_t len)
{
    if (out->len) ch_buf_char(out, '/');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)part[i];
        if (c < 0x20 || c == 0x7f)
            ch_buf_printf(out, "%%%02X", c);
        else
            ch_buf_char(out, (char)c);
    }
}

/* The parts of a decoded relative path, one '/' between them; false when one may not be. */
static bool add_parts(ch_buf *out, const char *path)
{
    int parts = 0;
    for (const char *at = path; *at;) {
        size_t len = strcspn(at, "/");
        if (len == 2 && memcmp(at, "..", 2) == 0) return false;
        if (len > 0 && !(len == 1 && *at == '.')) {
            if (++parts > PARTS_MOST) return false;
            add_part(out, at, len);
        }
        at += len + (at[len] == '/');
    }
    return out->len <= PATH_MOST;
}

const char *ch_artifact_clean(ch_arena *arena, const char *path)
{
    size_t len = strlen(path);
    if (len > (size_t)3 * PATH_MOST || strcasestr(path, "%00")) return NULL;
    char *text = ch_arena_strdup(arena, path);
    int rounds = 0;
    while (decode_once(text))
        if (++rounds > DECODE_MOST || strcasestr(text, "%00")) return NULL;
    if (!ch_utf8_valid(text, strlen(text)) || strchr(text, '#')) return NULL;
    if (text[0] == '/' || is_drive(text) || strncmp(text, "\\\\", 2) == 0 || strncasecmp(text, "file:", 5) == 0)
        return NULL;
    ch_buf clean = {0};
    bool good = add_parts(&clean, text);
    const char *uploads = CH_ARTIFACT_UPLOADS;
    size_t first = strcspn(ch_buf_text(&clean), "/");
    if (first == strlen(uploads) && memcmp(ch_buf_text(&clean), uploads, first) == 0) good = false;
    const char *out = good ? ch_arena_strndup(arena, ch_buf_text(&clean), clean.len) : NULL;
    ch_buf_reset(&clean);
    return out;
}

const char *ch_artifact_join(ch_arena *arena, const char *parent, const char *child)
{
    if (!*parent) return child;
    if (!*child) return parent;
    return ch_arena_printf(arena, "%s/%s", parent, child);
}

const char *ch_artifact_absolute(ch_arena *arena, const char *folder, const char *path)
{
    return *path ? ch_arena_printf(arena, "%s/%s", folder, path) : ch_arena_strdup(arena, folder);
}

const char *ch_artifact_of_uri(ch_arena *arena, const char *folder, const char *uri)
{
    static const char PROXY[] = "/api/2.0/mlflow-artifacts/artifacts/";
    const char *path = NULL;
    if (strncmp(uri, "mlflow-artifacts:", 17) == 0) {
        path = uri + 17;
        if (strncmp(path, "//", 2) == 0) path = strchr(path + 2, '/');
    } else if (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0) {
        path = strstr(uri, PROXY);
        if (path) path += sizeof PROXY - 1;
    } else {
        path = strncmp(uri, "file://", 7) == 0 ? uri + 7 : strncmp(uri, "file:", 5) == 0 ? uri + 5 : uri;
        size_t len = strlen(folder);
        path = strncmp(path, folder, len) == 0 && (path[len] == '/' || !path[len]) ? path + len : NULL;
    }
    return path ? ch_artifact_clean(arena, path + strspn(path, "/")) : NULL;
}

/* ---- folders -------------------------------------------------------------------------------------------------- */

/* A descriptor of the folder that the first `len` bytes of a clean path name; -1 with errno. */
static int open_folder(const char *folder, const char *path, size_t len, bool make)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t begin = 0; at >= 0 && begin < len;) {
        size_t part = strcspn(path + begin, "/");
        char name[NAME_MAX + 1];
        if (part > NAME_MAX) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, path + begin, part);
        name[part] = '\0';
        int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0 && errno == ENOENT && make && (mkdirat(at, name, 0777) == 0 || errno == EEXIST))
            next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int kept = errno;
        close(at);
        errno = kept;
        at = next;
        begin += part + 1;
    }
    return at;
}

/* The folder that holds the last part of a clean path, and that part. */
static int open_parent(const char *folder, const char *path, bool make, const char **leaf)
{
    const char *slash = strrchr(path, '/');
    *leaf = slash ? slash + 1 : path;
    return open_folder(folder, path, slash ? (size_t)(slash - path) : 0, make);
}

int ch_artifact_open(const char *folder, const char *path, bool *is_dir)
{
    *is_dir = !*path;
    if (!*path) return open_folder(folder, "", 0, false);
    const char *leaf;
    int parent = open_parent(folder, path, false, &leaf);
    int file = parent < 0 ? -1 : openat(parent, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int kept = errno;
    if (parent >= 0) close(parent);
    struct stat about;
    if (file >= 0 && fstat(file, &about) == 0 && (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) {
        *is_dir = S_ISDIR(about.st_mode);
        return file;
    }
    if (file >= 0) close(file);
    bool absent = file >= 0 || kept == ELOOP || kept == ENOTDIR || kept == ENXIO || kept == ENAMETOOLONG;
    errno = absent ? ENOENT : kept;
    return -1;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static int io_error(ch_error *err, const char *what, const char *path)
{
    switch (errno) {
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EEXIST:
    case ELOOP:
    case ENAMETOOLONG:
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Cannot %s artifact '%s': %s", what, path, strerror(errno));
    case ENOSPC:
    case EDQUOT: return ch_failf(err, CH_E_MEMORY, "Cannot %s artifact '%s': no space left on the disk", what, path);
    default: return ch_failf(err, CH_E_IO, "Cannot %s artifact '%s': %s", what, path, strerror(errno));
    }
}

bool ch_artifact_copy_bytes(int from, int to)
{
    char chunk[COPY_CHUNK];
    ssize_t copied;
    while ((copied = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0)) > 0) {
    }
    if (copied == 0) return true;
    if (errno == ENOSPC || errno == EDQUOT) return false;
    /* not between these two: by hand, from where it got to */
    for (;;) {
        ssize_t got = read(from, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0;
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, chunk + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR) return false;
            if (put > 0) done += put;
        }
    }
}

/* Copies `source` into a temporary file of the folder `parent` and renames that. False with errno. */
static bool copy_in(const char *source, int parent, const char *leaf)
{
    static _Atomic unsigned serial;
    char name[64];
    snprintf(name, sizeof name, CH_ARTIFACT_TEMP_PREFIX "%d.%u", (int)getpid(), serial++);
    int from = open(source, O_RDONLY | O_CLOEXEC);
    if (from < 0) return false;
    int to = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = to >= 0 && ch_artifact_copy_bytes(from, to);
    int kept = errno;
    if (to >= 0 && close(to) != 0 && good) {
        kept = errno;
        good = false;
    }
    close(from);
    if (good && renameat(parent, name, parent, leaf) != 0) {
        kept = errno;
        good = false;
    }
    if (!good && to >= 0) unlinkat(parent, name, 0);
    errno = kept;
    return good;
}

/* Temporary files are private; artifacts get the mode that any new file would. */
static void set_mode(const char *source)
{
    mode_t mask = umask(0077);
    umask(mask);
    (void)!chmod(source, 0666 & ~mask);
}

int ch_artifact_put(const char *folder, const char *source, const char *path, ch_error *err)
{
    const char *leaf;
    if (!*path) {
        errno = EISDIR;
        return io_error(err, "write", path);
    }
    int parent = open_parent(folder, path, true, &leaf);
    if (parent < 0) return io_error(err, "write", path);
    set_mode(source);
    bool good = renameat(AT_FDCWD, source, parent, leaf) == 0;
    if (!good && errno == EXDEV) good = copy_in(source, parent, leaf);
    int kept = errno;
    close(parent);
    errno = kept;
    return good ? 0 : io_error(err, "write", path);
}

/* ---- listing and removing ------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ch_artifact_entry *)a)->name, ((const ch_artifact_entry *)b)->name);
}

/* Whether an entry is to be seen, and what it is. */
static bool read_entry(ch_arena *arena, int folder, const char *name, ch_artifact_entry *out)
{
    struct stat about;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return false;
    if (strncmp(name, CH_ARTIFACT_TEMP_PREFIX, sizeof CH_ARTIFACT_TEMP_PREFIX - 1) == 0) return false;
    if (strcmp(name, CH_ARTIFACT_UPLOADS) == 0 || !ch_utf8_valid(name, strlen(name))) return false;
    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0) return false;
    if (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) return false;
    *out = (ch_artifact_entry){ch_arena_strdup(arena, name), S_ISDIR(about.st_mode),
                               S_ISDIR(about.st_mode) ? 0 : (uint64_t)about.st_size};
    return true;
}

int ch_artifact_list(ch_arena *arena, const char *folder, const char *path, ch_artifact_entry **entries, size_t *count,
                     ch_error *err)
{
    *entries = NULL;
    *count = 0;
    int at = open_folder(folder, path, strlen(path), false);
    if (at < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG;
        return absent ? 0 : io_error(err, "list", path);
    }
    DIR *dir = fdopendir(at);
    if (!dir) {
        close(at);
        return io_error(err, "list", path);
    }
    size_t room = 0;
    for (struct dirent *item; (item = readdir(dir));) {
        ch_artifact_entry entry;
        if (!read_entry(arena, at, item->d_name, &entry)) continue;
        if (*count == room) {
            *entries = ch_arena_grow(arena, *entries, sizeof entry, room, room * 2 + 16);
            room = room * 2 + 16;
        }
        (*entries)[(*count)++] = entry;
    }
    closedir(dir);
    if (*count) qsort(*entries, *count, sizeof **entries, by_name);
    return 0;
}

static bool remove_at(int parent, const char *name);

/* Removes all that a folder holds; takes the descriptor. */
static bool empty_folder(int folder)
{
    DIR *dir = fdopendir(folder);
    if (!dir) {
        close(folder);
        return false;
    }
    bool good = true;
    for (struct dirent *item; good && (item = readdir(dir));)
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) good = remove_at(folder, item->d_name);
    int kept = errno;
    closedir(dir);
    errno = kept;
    return good;
}

static bool remove_at(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
    if (errno != EISDIR && errno != EPERM) return false;
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) return errno == ENOENT;
    return empty_folder(folder) && (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

int ch_artifact_remove(const char *folder, const char *path, ch_error *err)
{
    const char *leaf;
    int parent = open_parent(folder, path, false, &leaf);
    if (parent < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == ENAMETOOLONG;
        return absent ? 0 : io_error(err, "delete", path);
    }
    bool good = remove_at(parent, leaf);
    int kept = errno;
    close(parent);
    errno = kept;
    return good ? 0 : io_error(err, "delete", path);
}
