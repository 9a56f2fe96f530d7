/* import_copy.c: copies of files and folders. */
#include "track/import_sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_MOST = 4096, DEPTH_MOST = 60 };

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

static int copy_file(const char *from, const char *to, int64_t *files, ch_error *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0) return failed(from, err);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int status = out < 0 ? failed(to, err) : copy_bytes(in, out, to, err);
    close(in);
    if (out >= 0 && close(out) && !status) status = failed(to, err);
    *files += status == 0;
    return status;
}

static int copy(const char *from, const char *to, int depth, int64_t *files, ch_error *err);

static int copy_folder(const char *from, const char *to, int depth, int64_t *files, ch_error *err)
{
    DIR *folder = opendir(from);
    if (!folder) return failed(from, err);
    int status = make_folders(to, err);
    for (const struct dirent *entry; !status && (entry = readdir(folder));) {
        char source[PATH_MOST], target[PATH_MOST];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        bool fits = snprintf(source, sizeof source, "%s/%s", from, entry->d_name) < PATH_MOST &&
                    snprintf(target, sizeof target, "%s/%s", to, entry->d_name) < PATH_MOST && depth < DEPTH_MOST;
        status = fits ? copy(source, target, depth + 1, files, err)
                      : ch_failf(err, CH_E_IO, "%s: the folders lie too deep", from);
    }
    closedir(folder);
    return status;
}

static int copy(const char *from, const char *to, int depth, int64_t *files, ch_error *err)
{
    struct stat st;
    if (lstat(from, &st)) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(from, err);
    if (S_ISDIR(st.st_mode)) return copy_folder(from, to, depth, files, err);
    return S_ISREG(st.st_mode) ? copy_file(from, to, files, err) : 0;
}

int ch_import_copy(const char *from, const char *to, int64_t *files, ch_error *err)
{
    return copy(from, to, 0, files, err);
}
