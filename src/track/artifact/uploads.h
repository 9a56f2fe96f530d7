/* uploads.h: multipart uploads: files that clients send in parts, kept aside until all parts are there.
 *
 * Each upload is a folder below the artifact folder's CH_ARTIFACT_UPLOADS, named after its id. It holds "about" (what
 * the upload is to become) and a file for each part that has come, named by its number. Completing joins the parts into
 * one file that is moved into place; "about" then becomes "done", so that a client that did not see the answer may ask
 * again. Nothing is kept in memory: uploads outlive the process, and several processes may share the folder.
 */
#ifndef CHERT_TRACK_UPLOADS_H
#define CHERT_TRACK_UPLOADS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_UPLOAD_PARTS_MOST = 10000, /* as in S3 */
    CH_UPLOAD_ID_SIZE = 33,       /* 32 hexadecimal digits and the NUL */
    CH_UPLOAD_ETAG_SIZE = 64,
    CH_UPLOAD_SECONDS = 24 * 3600 /* an upload that nothing happened to for so long is abandoned */
};

typedef struct ch_upload_part {
    int64_t number;   /* from 1 */
    const char *etag; /* as ch_upload_put gave it */
} ch_upload_part;

bool ch_upload_is_id(const char *id);

/* All: `folder` is the artifact folder. err also: CH_E_NOT_FOUND for an id without an upload, CH_E_MEMORY when the disk
 * is full, CH_E_IO. */

/* Opens an upload of `parts` parts that is to become the file at the clean path `path`. */
int ch_upload_create(const char *folder, const char *path, int parts, char id[CH_UPLOAD_ID_SIZE], ch_error *err);
/* Moves the file `source` in as a part, in place of one that came before, and names this version of it in `etag`. err:
 * CH_E_ILLEGAL_ARGUMENT for a number that the upload does not have. */
int ch_upload_put(const char *folder, const char *id, int64_t number, const char *source,
                  char etag[CH_UPLOAD_ETAG_SIZE], ch_error *err);
/* Makes the file of the parts, which must be all that the upload has, in order. 0 also when that was done before. err:
 * CH_E_ILLEGAL_ARGUMENT for other parts, and for a `path` that is not the one of ch_upload_create. */
int ch_upload_complete(const char *folder, const char *id, const char *path, const ch_upload_part *parts, size_t count,
                       ch_error *err);
/* Forgets an upload and its parts. err: CH_E_ILLEGAL_ARGUMENT for another `path`. */
int ch_upload_abort(const char *folder, const char *id, const char *path, ch_error *err);
/* Removes what was abandoned for `seconds`: uploads, and bodies that a killed process left behind. */
void ch_upload_sweep(const char *folder, int64_t seconds);

#endif
