/* lines.h: the lines of a part of a text file, as Hadoop's LineRecordReader cuts them: a line belongs to the part in
 * which it starts. Ends of lines are \n, \r\n and \r, or a given separator. A byte order mark at the file's start is
 * skipped. Text comes out as UTF-8 (malformed bytes of UTF-8 files stay as they are). Files named *.gz are unpacked;
 * they can only be read from the start. */
#ifndef CHERT_FRAME_LINES_H
#define CHERT_FRAME_LINES_H

#include "frame/text/text_options.h"

typedef struct ch_lines {
    const char *path; /* borrowed */
    const char *separator;
    size_t separator_len; /* 0: the usual ones */
    ch_encoding encoding;
    int fd;
    void *gzip;            /* instead of fd */
    int64_t position, end; /* of the file: next byte to read; where lines may no longer start */
    char *buffer;
    size_t at, have, cap; /* unread bytes are buffer[at .. have) */
    bool eof;
    ch_buf decoded;
} ch_lines;

/* Opens bytes [start, end) of a file. err: FAILED_READ_FILE.*. */
int ch_lines_open(ch_lines *l, const char *path, int64_t start, int64_t end, const ch_text_options *options,
                  ch_error *err);
/* The next line without its end, valid until the next call; *line = NULL after the last. */
int ch_lines_next(ch_lines *l, const char **line, size_t *len, ch_error *err);
void ch_lines_close(ch_lines *l); /* of a zeroed one is fine */

/* Is a file compressed, by its name? Then it is one part. */
bool ch_is_compressed(const char *path);
/* A whole file as UTF-8 text, NUL-terminated; the caller frees it. */
int ch_read_file(const char *path, ch_encoding encoding, ch_buf *out, ch_error *err);
/* FAILED_READ_FILE for a file that cannot be opened or read; errno says why. */
int ch_file_error(const char *path, ch_error *err);

#endif
