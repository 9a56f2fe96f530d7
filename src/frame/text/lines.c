/* lines.c: reading text files in blocks and cutting them into lines. */
#include "frame/text/lines.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 1 << 20, LINE_MAX_BYTES = 1 << 30 };

int ch_file_error(const char *path, ch_error *err)
{
    char uri[1100];
    snprintf(uri, sizeof uri, "file://%s", path);
    const char *condition = errno == ENOENT ? "FAILED_READ_FILE.FILE_NOT_EXIST" : "FAILED_READ_FILE.NO_HINT";
    return ch_raise(err, condition, "path", uri, (char *)NULL);
}

/* --- compressed files -------------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len > tail && strcmp(text + len - tail, end) == 0;
}

bool ch_is_compressed(const char *path)
{
    return ends_with(path, ".gz");
}

/* Spark goes by the name, too; what it could unpack and we cannot must not pass for text. */
static int open_file(const char *path, int *fd, void **gzip, ch_error *err)
{
    static const char *const OTHERS[] = {".bz2", ".deflate", ".lz4", ".snappy", ".zst"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        if (!ends_with(path, OTHERS[i])) continue;
        return ch_failf(err, CH_E_UNSUPPORTED, "Reading text files compressed as %s is not supported.", OTHERS[i]);
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return ch_file_error(path, err);
    if (!ch_is_compressed(path)) return 0;
    *gzip = gzdopen(*fd, "rb");
    if (!*gzip) {
        close(*fd);
        return ch_no_memory(err);
    }
    *fd = -1; /* the gzip stream closes it */
    gzbuffer(*gzip, 1 << 18);
    return 0;
}

/* The next bytes; *got = 0 at the end. A descriptor is read at `position`. */
static int read_bytes(const char *path, int fd, void *gzip, char *out, size_t n, int64_t position, size_t *got,
                      ch_error *err)
{
    ssize_t count;
    if (gzip) {
        int code = Z_OK;
        count = gzread(gzip, out, (unsigned)n);
        if (count <= 0) gzerror(gzip, &code); /* a stream that is cut off ends with an error */
        if (code != Z_OK && code != Z_STREAM_END) count = -1;
        errno = EIO;
    } else {
        do {
            count = pread(fd, out, n, position);
        } while (count < 0 && errno == EINTR);
    }
    if (count < 0) return ch_file_error(path, err);
    *got = (size_t)count;
    return 0;
}

static void close_file(int fd, void *gzip)
{
    if (gzip) gzclose(gzip);
    if (fd > 0) close(fd);
}

/* --- lines ------------------------------------------------------------------------------------------------- */

/* Reads one more block behind what is there. */
static int read_block(ch_lines *l, ch_error *err)
{
    if (l->at) {
        memmove(l->buffer, l->buffer + l->at, l->have - l->at);
        l->have -= l->at;
        l->at = 0;
    }
    if (l->cap - l->have < BLOCK) {
        if (l->cap > LINE_MAX_BYTES) return ch_failf(err, CH_E_SPARK, "A line of %s is longer than 1 GiB.", l->path);
        size_t cap = l->cap ? l->cap * 2 : 2 * BLOCK;
        char *buffer = realloc(l->buffer, cap);
        if (!buffer) return ch_no_memory(err);
        l->buffer = buffer;
        l->cap = cap;
    }
    size_t n;
    CH_TRY(read_bytes(l->path, l->fd, l->gzip, l->buffer + l->have, BLOCK, l->position, &n, err));
    l->eof = n == 0;
    l->have += n;
    l->position += (int64_t)n;
    return 0;
}

/* The end of line at or after `from` in what is unread: its start and what comes after it. False if more must be read
 * to know. */
static bool find_end(const ch_lines *l, size_t from, size_t *end, size_t *next)
{
    const char *base = l->buffer, *at = base + from;
    size_t left = l->have - from;
    if (l->separator_len) {
        const char *hit = memmem(at, left, l->separator, l->separator_len);
        if (!hit) return false;
        *end = (size_t)(hit - base);
        *next = *end + l->separator_len;
        return true;
    }
    const char *lf = memchr(at, '\n', left);
    const char *cr = memchr(at, '\r', lf ? (size_t)(lf - at) : left);
    if (cr) {
        if (cr + 1 == base + l->have && !l->eof) return false; /* \r or \r\n? */
        *end = (size_t)(cr - base);
        *next = *end + (cr + 1 < base + l->have && cr[1] == '\n' ? 2 : 1);
        return true;
    }
    if (!lf) return false;
    *end = (size_t)(lf - base);
    *next = *end + 1;
    return true;
}

/* The next raw line in the buffer, [*from, *end); false at the end of the file. */
static int raw_line(ch_lines *l, size_t *from, size_t *end, bool *found, ch_error *err)
{
    size_t searched = 0, next;
    *found = true;
    while (!find_end(l, l->at + searched, end, &next)) {
        if (l->eof) {
            *found = l->at < l->have;
            *end = next = l->have;
            break;
        }
        size_t keep = l->separator_len ? l->separator_len : 1; /* an end of line may be cut in two */
        searched = l->have - l->at > keep ? l->have - l->at - keep : 0;
        CH_TRY(read_block(l, err));
    }
    *from = l->at;
    l->at = next;
    return 0;
}

int ch_lines_open(ch_lines *l, const char *path, int64_t start, int64_t end, const ch_text_options *options,
                  ch_error *err)
{
    char *buffer = l->buffer;
    size_t cap = l->cap;
    close_file(l->fd, l->gzip);
    ch_buf decoded = l->decoded;
    *l = (ch_lines){.path = path, .end = end, .buffer = buffer, .cap = cap, .decoded = decoded};
    l->separator = options->line_sep;
    l->separator_len = options->line_sep ? options->line_sep_len : 0;
    l->encoding = options->encoding;
    CH_TRY(open_file(path, &l->fd, &l->gzip, err));
    if (l->gzip) l->end = INT64_MAX;
    if (start == 0) {
        CH_TRY(read_block(l, err));
        if (l->encoding == CH_UTF8 && l->have >= 3 && memcmp(l->buffer, "\xEF\xBB\xBF", 3) == 0) l->at = 3;
        return 0;
    }
    /* the line that runs into this part belongs to the one before */
    size_t from, line_end;
    bool found;
    int64_t back = l->separator_len ? (int64_t)l->separator_len : 1;
    l->position = start > back ? start - back : 0;
    CH_TRY(read_block(l, err));
    return raw_line(l, &from, &line_end, &found, err);
}

int ch_lines_next(ch_lines *l, const char **line, size_t *len, ch_error *err)
{
    size_t from, end;
    bool found;
    *line = NULL;
    int64_t starts_at = l->position - (int64_t)(l->have - l->at);
    if (starts_at >= l->end) return 0;
    CH_TRY(raw_line(l, &from, &end, &found, err));
    if (!found) return 0;
    *line = l->buffer + from;
    *len = end - from;
    if (l->encoding == CH_UTF8) return 0;
    ch_buf_clear(&l->decoded);
    if (l->encoding == CH_LATIN1) {
        ch_utf8_from_latin1(&l->decoded, *line, *len);
    } else {
        ch_utf8_from_ascii(&l->decoded, *line, *len);
    }
    *line = ch_buf_text(&l->decoded);
    *len = l->decoded.len;
    return 0;
}

void ch_lines_close(ch_lines *l)
{
    close_file(l->fd, l->gzip);
    free(l->buffer);
    ch_buf_reset(&l->decoded);
    *l = (ch_lines){0};
}

int ch_read_file(const char *path, ch_encoding encoding, ch_buf *out, ch_error *err)
{
    int fd = -1;
    void *gzip = NULL;
    CH_TRY(open_file(path, &fd, &gzip, err));
    ch_buf raw = {0};
    int status = 0;
    for (size_t n = 1; n && !status;) {
        ch_buf_reserve(&raw, BLOCK);
        status = read_bytes(path, fd, gzip, raw.data + raw.len, BLOCK, (int64_t)raw.len, &n, err);
        if (!status) raw.len += n;
        raw.data[raw.len] = '\0';
    }
    close_file(fd, gzip);
    size_t mark = encoding == CH_UTF8 && raw.len >= 3 && memcmp(raw.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (status) {
        ch_buf_reset(&raw);
    } else if (encoding == CH_LATIN1) {
        ch_utf8_from_latin1(out, ch_buf_text(&raw), raw.len);
        ch_buf_reset(&raw);
    } else if (encoding == CH_ASCII) {
        ch_utf8_from_ascii(out, ch_buf_text(&raw), raw.len);
        ch_buf_reset(&raw);
    } else if (mark) {
        ch_buf_add(out, raw.data + mark, raw.len - mark);
        ch_buf_reset(&raw);
    } else {
        ch_buf_reset(out);
        *out = raw;
    }
    return status;
}
