/* files.h: the table of the pages' files that tools/embed.py writes at build time. */
#ifndef CHERT_WEB_FILES_H
#define CHERT_WEB_FILES_H

#include <stddef.h>

typedef struct ch_web_file {
    const char *path; /* below the app's folder: "lib/dom.js" */
    const char *content_type;
    const char *etag; /* weak: both encodings have it: W/"..." */
    const unsigned char *plain;
    size_t plain_len;
    const unsigned char *packed; /* gzip */
    size_t packed_len;
} ch_web_file;

extern const ch_web_file CH_WEB_FILES[]; /* sorted by path */
extern const size_t CH_WEB_NFILE;
extern const char CH_WEB_VERSION[]; /* changes with any of the files; a segment of their address */

#endif
