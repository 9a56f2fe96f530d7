/* remote.h: what a tracking server elsewhere gives, MLflow's or a chert: answers in JSON and the files of artifacts. */
#ifndef CHERT_TRACK_REMOTE_H
#define CHERT_TRACK_REMOTE_H

#include "base/arena.h"
#include "http/fetch.h"

#include <jansson.h>
#include <stdint.h>

/* Asks for JSON, which is the caller's; `question` may be NULL. err: as ch_fetch_ask; CH_E_IO for an answer that is no
 * object. */
int ch_remote_ask(ch_fetch *server, const char *method, const char *path, json_t *question, json_t **answer,
                  ch_error *err);
const char *ch_remote_encoded(ch_arena *arena, const char *text, bool slashes);

/* One of the ways in which a server hands out artifacts. */
typedef struct ch_remote_artifacts {
    const char *list, *file; /* questions, up to the path */
    const char *root;        /* what paths of questions begin with; "" or ending with a slash */
    bool from_root;          /* lists have paths from the root on, not from the folder asked for */
} ch_remote_artifacts;

/* By the path of "mlflow-artifacts:/path"; by a run or a logged model, wherever the server has the files. */
ch_remote_artifacts ch_remote_of_proxy(ch_arena *arena, const char *path);
ch_remote_artifacts ch_remote_of_run(ch_arena *arena, const char *run_id);
ch_remote_artifacts ch_remote_of_model(ch_arena *arena, const char *model_id);

/* Downloads everything below a folder of the artifacts ("": all) into the folder `target`, which is made when there is
 * something; what the server knows nothing of is empty. Adds to *files. */
int ch_remote_download(ch_fetch *server, ch_arena *arena, const ch_remote_artifacts *artifacts, const char *folder,
                       const char *target, int64_t *files, ch_error *err);

/* Downloads what a models:/, runs:/ or mlflow-artifacts:/ URI means into `target`, or finds it on this machine: *path
 * is where it is. err: CH_E_NOT_FOUND when there is no such model or run or it has no files; CH_E_UNSUPPORTED when its
 * artifacts are in a place that the server does not hand out. */
int ch_remote_model(ch_fetch *server, ch_arena *arena, const char *uri, const char *target, const char **path,
                    ch_error *err);

#endif
