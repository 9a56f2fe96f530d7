/* artifact_store.h: the files of the artifact folder, by relative paths that clients name.
 *
 * Every path is cleaned before it is used and walked one folder at a time without following symbolic links, so that no
 * request reaches a file outside of the folder, whatever it asks for and whatever lies inside.
 */
#ifndef CHERT_TRACK_ARTIFACT_STORE_H
#define CHERT_TRACK_ARTIFACT_STORE_H

#include "track/call.h"

/* What MLflow's clients and servers call files that are still being written; never listed. */
#define CH_ARTIFACT_TEMP_PREFIX ".artifact.uploading."
/* A folder of the artifact folder's root for parts of uploads; no client reaches it by a path. */
#define CH_ARTIFACT_UPLOADS ".uploads"
/* What request bodies are called there while they come in. */
#define CH_ARTIFACT_BODY_PREFIX CH_HTTP_BODY_PREFIX

typedef struct ch_artifact_entry {
    const char *name;
    bool is_dir;
    uint64_t size;
} ch_artifact_entry;

/* The path as MLflow's server understands it: percent-decoded until nothing changes, without empty and "." parts; "" is
 * the folder itself. NULL for one that is absolute, has "..", a "#", names a drive or a file URI, or is no UTF-8. */
const char *ch_artifact_clean(ch_arena *arena, const char *path);
/* "a/b" from two clean paths, either of which may be "". */
const char *ch_artifact_join(ch_arena *arena, const char *parent, const char *child);
/* The clean relative path of what an artifact URI ("mlflow-artifacts:/1/r/artifacts", "mlflow-artifacts://host/...", an
 * HTTP URL of the proxy, a file path or URI inside of `folder`) names; NULL when that lies elsewhere. */
const char *ch_artifact_of_uri(ch_arena *arena, const char *folder, const char *uri);
/* The absolute path of a clean relative one. */
const char *ch_artifact_absolute(ch_arena *arena, const char *folder, const char *path);

/* Opens a file for reading, or a folder when *is_dir comes back true (for ch_artifact_list's sake only). Returns the
 * descriptor or -1 with errno: ENOENT also for what is a symbolic link, a socket, or below a file. */
int ch_artifact_open(const char *folder, const char *path, bool *is_dir);
/* Moves the file `source` to `path`, over a file that is there, making the folders on the way: readers see the old file
 * or the new one, whole. Across file systems it is copied first. err: CH_E_ILLEGAL_ARGUMENT when a folder has that name
 * or a file that of a folder on the way; CH_E_MEMORY when the disk is full; CH_E_IO. */
int ch_artifact_put(const char *folder, const char *source, const char *path, ch_error *err);
/* Copies what is left of one open file to another, inside of the file system where that is possible. False with errno.
 */
bool ch_artifact_copy_bytes(int from, int to);
/* What a folder holds, by name; nothing when there is no such folder. Symbolic links are left out. */
int ch_artifact_list(ch_arena *arena, const char *folder, const char *path, ch_artifact_entry **entries, size_t *count,
                     ch_error *err);
/* Removes a file or a folder with all it holds; 0 also when there was none. `path` must not be "". */
int ch_artifact_remove(const char *folder, const char *path, ch_error *err);

#endif
