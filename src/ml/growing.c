/* growing.c: memory that grows and moves to a file when it becomes large. */
#include "ml/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FIRST_BYTES = 1 << 16, HUGE_BYTES = 1 << 22 };

/* Bytes beyond which a mapping is backed by a file: an eighth of the machine's memory. */
static size_t file_threshold(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages / 8 * (size_t)size : (size_t)1 << 30;
}

static int failed(ch_error *err, const char *what)
{
    int code = errno;
    return ch_failf(err, CH_E_MEMORY, "cannot %s the training data: %s", what, strerror(code));
}

/* A file without a name, gone when it is closed. */
static int open_file(const char *dir, ch_error *err)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    char path[4096];
    snprintf(path, sizeof path, "%s/matrix-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        failed(err, "create a file for");
        return -1;
    }
    unlink(path);
    return fd;
}

/* Moves what is there into a new file mapping of `cap` bytes. */
static int move_to_file(ch_growing *g, size_t cap, ch_error *err)
{
    int fd = open_file(g->dir, err);
    if (fd < 0) return CH_E_MEMORY;
    /* Room on the disk now rather than a bus error later. */
    int code = posix_fallocate(fd, 0, (off_t)cap);
    void *base = MAP_FAILED;
    if (code == 0) {
        base = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        code = errno;
    }
    if (base == MAP_FAILED) {
        close(fd);
        errno = code;
        return failed(err, "make room on disk for");
    }
    if (g->base) {
        memcpy(base, g->base, g->used);
        munmap(g->base, g->cap);
    }
    g->base = base;
    g->cap = cap;
    g->fd = fd + 1;
    return 0;
}

static int grow(ch_growing *g, size_t cap, ch_error *err)
{
    if (!g->fd && g->dir && cap > file_threshold()) return move_to_file(g, cap, err);
    if (g->fd) {
        int code = posix_fallocate(g->fd - 1, 0, (off_t)cap);
        if (code) {
            errno = code;
            return failed(err, "make room on disk for");
        }
    }
    void *base = g->base ? mremap(g->base, g->cap, cap, MREMAP_MAYMOVE)
                         : mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return failed(err, "find memory for");
    /* fewer page faults, which cost more than what is written; a hint only */
    if (!g->fd && cap >= HUGE_BYTES) madvise(base, cap, MADV_HUGEPAGE);
    g->base = base;
    g->cap = cap;
    return 0;
}

int ch_growing_add(ch_growing *g, size_t bytes, void **at, ch_error *err)
{
    if (bytes > SIZE_MAX / 4 - g->used) return ch_no_memory(err);
    if (g->used + bytes > g->cap) {
        size_t cap = g->cap ? g->cap : FIRST_BYTES;
        while (cap < g->used + bytes) cap += cap < ((size_t)1 << 30) ? cap : cap / 4 / 4096 * 4096;
        CH_TRY(grow(g, cap, err));
    }
    *at = (char *)g->base + g->used;
    g->used += bytes;
    return 0;
}

void ch_growing_free(ch_growing *g)
{
    if (g->base) munmap(g->base, g->cap);
    if (g->fd) close(g->fd - 1);
    *g = (ch_growing){.dir = g->dir};
}
