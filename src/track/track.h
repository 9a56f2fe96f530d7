/* track.h: the MLflow-compatible tracking server and model registry as the rest of chert sees it.
 *
 * Source of shapes, messages and limits: MLflow 3.17's REST API as observed.
 */
#ifndef CHERT_TRACK_TRACK_H
#define CHERT_TRACK_TRACK_H

#include "base/arena.h"
#include "base/error.h"
#include "http/http.h"

/* The MLflow release whose server is imitated: what /version answers. */
#define CH_MLFLOW_VERSION "3.17.2"

typedef struct ch_track ch_track;

typedef struct ch_track_options {
    const char *store;     /* see ch_db_open */
    const char *artifacts; /* folder of the artifacts, made when missing */
    bool read_only;        /* looks into a store that exists, served by another process or not */
    bool testing;          /* POST /__reset empties the store */
} ch_track_options;

/* Opens the store. One thread; what it gives may be used from any number. */
int ch_track_open(const ch_track_options *options, ch_track **out, ch_error *err);
void ch_track_close(ch_track *track); /* NULL is fine; nobody may be inside */
/* Whether ch_track_open made the store. */
bool ch_track_is_new(const ch_track *track);
/* Closes the store and removes its files. Artifacts stay. */
void ch_track_discard(ch_track *track);

/* The tables to mount. Adds at most `room` mounts to `mounts` and returns how many. */
size_t ch_track_mounts(ch_track *track, ch_http_mount *mounts, size_t room);

/* Where an artifact lies on disk: `uri` is "mlflow-artifacts:/...", "runs:/RUN_ID/path",
 * "models:/NAME/VERSION-or-stage", "models:/NAME@alias", "models:/m-ID", or one with a trailing path. *path in `arena`;
 * the file need not exist. err: CH_E_ILLEGAL_ARGUMENT for a URI that is none of these or leaves the artifact folder,
 * CH_E_NOT_FOUND for a run, model or version that is not there. */
int ch_track_resolve(ch_track *track, ch_arena *arena, const char *uri, const char **path, ch_error *err);
/* Whether the text is one of those URIs. */
bool ch_track_is_uri(const char *text);

/* A registered model's version, as scoring needs it: `which` is a number, a stage, an alias or "latest" (NULL: latest).
 * err: CH_E_NOT_FOUND. */
typedef struct ch_model_version {
    const char *name, *version, *stage, *path; /* in the arena; path: the model's folder, with its MLmodel */
    int64_t generation;                        /* of the registry: changes whenever any version, stage or alias does */
} ch_model_version;
int ch_track_model(ch_track *track, ch_arena *arena, const char *name, const char *which, ch_model_version *out,
                   ch_error *err);
/* The current generation, cheap enough to be asked on every request. What other processes
 * on the same store change shows in it within half a second. */
int64_t ch_track_generation(const ch_track *track);

#endif
