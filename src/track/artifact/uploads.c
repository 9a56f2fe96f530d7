/* uploads.c: multipart uploads on disk. The lock of an upload's folder lets one complete or abort it at a time; parts
 * come without it, each moved in whole. */
#include "track/artifact/uploads.h"

#include "track/artifact/artifact_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char ABOUT[] = "about", DONE[] = "done";
enum { ABOUT_MOST = 4096 /* bytes: a number, a line feed and a path */ };

typedef struct about {
    char text[ABOUT_MOST];
    int parts;
    const char *path; /* in text */
} about;

bool ch_upload_is_id(const char *id)
{
    return strlen(id) == CH_UPLOAD_ID_SIZE - 1 && !id[strspn(id, "0123456789abcdef")];
}

static int no_upload(ch_error *err, const char *id)
{
    return ch_failf(err, CH_E_NOT_FOUND, "No multipart upload with id '%s'", id);
}

static int disk_error(ch_error *err, const char *what)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return ch_failf(err, full ? CH_E_MEMORY : CH_E_IO, "Cannot %s the multipart upload: %s", what, strerror(errno));
}

/* ---- an upload's folder --------------------------------------------------------------------------------------- */

/* A descriptor of the folder of all uploads, -1 with errno. */
static int open_uploads(const char *folder, bool make)
{
    int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return -1;
    if (make) (void)mkdirat(root, CH_ARTIFACT_UPLOADS, 0700);
    int at = openat(root, CH_ARTIFACT_UPLOADS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int kept = errno;
    close(root);
    errno = kept;
    return at;
}

/* *at: a descriptor of an upload's folder. */
static int open_upload(const char *folder, const char *id, int *at, ch_error *err)
{
    if (!ch_upload_is_id(id)) return no_upload(err, id);
    int uploads = open_uploads(folder, false);
    *at = uploads < 0 ? -1 : openat(uploads, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int kept = errno;
    if (uploads >= 0) close(uploads);
    errno = kept;
    if (*at >= 0) return 0;
    return kept == ENOENT ? no_upload(err, id) : disk_error(err, "open");
}

static bool write_all(int file, const char *text, size_t len)
{
    while (len) {
        ssize_t put = write(file, text, len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        text += put;
        len -= (size_t)put;
    }
    return true;
}

static bool write_about(int at, int parts, const char *path)
{
    char text[ABOUT_MOST];
    int len = snprintf(text, sizeof text, "%d\n%s", parts, path);
    if (len < 0 || len >= ABOUT_MOST) {
        errno = ENAMETOOLONG;
        return false;
    }
    int file = openat(at, ABOUT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return false;
    bool good = write_all(file, text, (size_t)len);
    return close(file) == 0 && good;
}

/* Reads "about" or "done"; false when there is none, or not all of it yet. */
static bool read_about(int at, const char *name, about *out)
{
    int file = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return false;
    size_t len = 0;
    for (ssize_t got = 1; got > 0 && len < sizeof out->text - 1; len += (size_t)got) {
        got = read(file, out->text + len, sizeof out->text - 1 - len);
        if (got < 0) got = 0;
    }
    close(file);
    out->text[len] = '\0';
    char *line = strchr(out->text, '\n');
    if (!line) return false;
    out->path = line + 1;
    out->parts = atoi(out->text);
    return out->parts >= 1 && out->parts <= CH_UPLOAD_PARTS_MOST;
}

int ch_upload_create(const char *folder, const char *path, int parts, char id[CH_UPLOAD_ID_SIZE], ch_error *err)
{
    ch_new_id(id);
    int uploads = open_uploads(folder, true), at = -1;
    bool good = uploads >= 0 && mkdirat(uploads, id, 0700) == 0;
    if (good) {
        at = openat(uploads, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        good = at >= 0 && write_about(at, parts, path);
        int kept = errno;
        if (!good && at >= 0) unlinkat(at, ABOUT, 0);
        if (!good) unlinkat(uploads, id, AT_REMOVEDIR);
        errno = kept;
    }
    int status = good ? 0 : disk_error(err, "open");
    if (at >= 0) close(at);
    if (uploads >= 0) close(uploads);
    return status;
}

/* ---- parts ---------------------------------------------------------------------------------------------------- */

static void part_name(char name[16], int64_t number)
{
    snprintf(name, 16, "%d", (int)number);
}

/* A part is moved in whole, so its file, size and time tell one version of it from another. */
static void etag_of(const struct stat *file, char etag[CH_UPLOAD_ETAG_SIZE])
{
    snprintf(etag, CH_UPLOAD_ETAG_SIZE, "\"%llx-%llx-%llx%08lx\"", (unsigned long long)file->st_size,
             (unsigned long long)file->st_ino, (unsigned long long)file->st_mtim.tv_sec,
             (unsigned long)file->st_mtim.tv_nsec);
}

int ch_upload_put(const char *folder, const char *id, int64_t number, const char *source,
                  char etag[CH_UPLOAD_ETAG_SIZE], ch_error *err)
{
    int at;
    about what;
    struct stat file;
    char name[16];
    CH_TRY(open_upload(folder, id, &at, err));
    int status = 0;
    if (!read_about(at, ABOUT, &what)) {
        status = no_upload(err, id);
    } else if (number < 1 || number > what.parts) {
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Invalid part number %lld: the upload has %d parts",
                          (long long)number, what.parts);
    } else {
        part_name(name, number);
        if (stat(source, &file) || renameat(AT_FDCWD, source, at, name)) {
            bool aborted = errno == ENOENT; /* meanwhile: the folder is gone */
            status = aborted ? no_upload(err, id) : disk_error(err, "keep a part of");
        }
        if (!status) etag_of(&file, etag);
    }
    close(at);
    return status;
}

/* ---- the end of an upload ------------------------------------------------------------------------------------- */

static int wrong_path(ch_error *err, const char *id, const char *path)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The multipart upload '%s' is not one of artifact '%s'", id, path);
}

static int check_parts(const about *what, const ch_upload_part *parts, size_t count, ch_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].number == (int64_t)i + 1) continue;
        return ch_failf(
            err, CH_E_ILLEGAL_ARGUMENT,
            "Invalid parts: they must be all parts of the upload in ascending order, but number %zu is %lld", i + 1,
            (long long)parts[i].number);
    }
    if (count == (size_t)what->parts) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Invalid parts: the upload has %d, but %zu were named", what->parts,
                    count);
}

/* Clients may have lost the quotes of an ETag on the way. */
static bool same_etag(const char *etag, const char *given)
{
    size_t len = strlen(etag) - 2;
    if (!given) return false;
    return strcmp(etag, given) == 0 || (strlen(given) == len && memcmp(etag + 1, given, len) == 0);
}

/* Appends one part, which must be the version that the client means. */
static int join_part(int at, const ch_upload_part *part, int to, ch_error *err)
{
    char name[16], etag[CH_UPLOAD_ETAG_SIZE];
    struct stat file;
    part_name(name, part->number);
    int from = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 && errno == ENOENT)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Part %s of the upload is missing", name);
    if (from < 0 || fstat(from, &file)) {
        int status = disk_error(err, "read");
        if (from >= 0) close(from);
        return status;
    }
    etag_of(&file, etag);
    int status = 0;
    if (!same_etag(etag, part->etag)) {
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Part %s of the upload is not the one with that etag", name);
    } else if (!ch_artifact_copy_bytes(from, to)) {
        status = disk_error(err, "complete");
    }
    close(from);
    return status;
}

/* Joins the parts in a file beside the uploads and moves that into place. */
static int join_parts(const char *folder, int at, const char *id, const char *path, const ch_upload_part *parts,
                      size_t count, ch_error *err)
{
    ch_buf joined = {0};
    ch_buf_printf(&joined, "%s/" CH_ARTIFACT_UPLOADS "/" CH_ARTIFACT_BODY_PREFIX "%s", folder, id);
    int to = open(joined.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int status = to < 0 ? disk_error(err, "complete") : 0;
    for (size_t i = 0; i < count && !status; i++) status = join_part(at, &parts[i], to, err);
    if (to >= 0 && close(to) && !status) status = disk_error(err, "complete");
    if (!status) status = ch_artifact_put(folder, joined.data, path, err);
    if (status && to >= 0) unlink(joined.data);
    ch_buf_reset(&joined);
    return status;
}

static void drop_parts(int at, int parts)
{
    char name[16];
    for (int i = 1; i <= parts; i++) {
        part_name(name, i);
        unlinkat(at, name, 0);
    }
}

/* With the folder's lock. */
static int complete(const char *folder, int at, const char *id, const char *path, const ch_upload_part *parts,
                    size_t count, ch_error *err)
{
    about what;
    if (!read_about(at, ABOUT, &what)) {
        bool done = read_about(at, DONE, &what) && strcmp(what.path, path) == 0;
        return done ? 0 : no_upload(err, id);
    }
    if (strcmp(what.path, path) != 0) return wrong_path(err, id, path);
    CH_TRY(check_parts(&what, parts, count, err));
    CH_TRY(join_parts(folder, at, id, path, parts, count, err));
    (void)renameat(at, ABOUT, at, DONE); /* should it fail, the parts are gone all the same */
    drop_parts(at, what.parts);
    return 0;
}

int ch_upload_complete(const char *folder, const char *id, const char *path, const ch_upload_part *parts, size_t count,
                       ch_error *err)
{
    int at;
    CH_TRY(open_upload(folder, id, &at, err));
    while (flock(at, LOCK_EX) && errno == EINTR) {
    }
    int status = complete(folder, at, id, path, parts, count, err);
    close(at);
    return status;
}

int ch_upload_abort(const char *folder, const char *id, const char *path, ch_error *err)
{
    int at;
    about what;
    CH_TRY(open_upload(folder, id, &at, err));
    while (flock(at, LOCK_EX) && errno == EINTR) {
    }
    int status = 0;
    bool known = read_about(at, ABOUT, &what) || read_about(at, DONE, &what);
    if (known && strcmp(what.path, path) != 0) {
        status = wrong_path(err, id, path);
    } else {
        char inside[sizeof CH_ARTIFACT_UPLOADS + CH_UPLOAD_ID_SIZE];
        snprintf(inside, sizeof inside, CH_ARTIFACT_UPLOADS "/%s", id);
        status = ch_artifact_remove(folder, inside, err);
    }
    close(at);
    return status;
}

/* ---- what was left behind ------------------------------------------------------------------------------------- */

void ch_upload_sweep(const char *folder, int64_t seconds)
{
    int at = open_uploads(folder, false);
    DIR *dir = at < 0 ? NULL : fdopendir(at);
    if (!dir && at >= 0) close(at);
    int64_t oldest = (int64_t)time(NULL) - seconds;
    for (struct dirent *item; dir && (item = readdir(dir));) {
        struct stat file;
        const char *name = item->d_name;
        bool is_body = strncmp(name, CH_ARTIFACT_BODY_PREFIX, sizeof CH_ARTIFACT_BODY_PREFIX - 1) == 0;
        if (!is_body && !ch_upload_is_id(name)) continue;
        if (fstatat(at, name, &file, AT_SYMLINK_NOFOLLOW) || file.st_mtim.tv_sec > oldest) continue;
        char inside[sizeof CH_ARTIFACT_UPLOADS + NAME_MAX + 2];
        ch_error ignored; /* the next sweep tries again */
        snprintf(inside, sizeof inside, CH_ARTIFACT_UPLOADS "/%s", name);
        (void)ch_artifact_remove(folder, inside, &ignored);
    }
    if (dir) closedir(dir);
}
