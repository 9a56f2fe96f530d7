/* paths.h: paths that name what the tracking server keeps, made paths of files: "mlflow-artifacts:/...", "runs:/...",
 * "models:/..." wherever Spark's own clients give a path. That lets mlflow.spark save models straight into a run's
 * artifacts and programs load PipelineModel.load("models:/LeadScoringModel/Production"). */
#ifndef CHERT_CONNECT_PATHS_H
#define CHERT_CONNECT_PATHS_H

#include "track/auth/auth.h"
#include "track/track.h"

/* `user` (NULL: everybody may) must be allowed to read the run or model that a URI names; for where that leads to, the
 * session's fence is asked.
 *
 * *path: where `given` lies on disk, in `arena`; `given` itself when it is no such URI or there is no tracking server
 * (`track` NULL). Below the folder of an MLflow model, what is not there by itself is looked for in its "sparkml":
 * models:/NAME/1 is both the MLflow model and the pipeline in it. err: as ch_track_resolve. */
int ch_path_to_read(ch_track *track, const char *user, ch_arena *arena, const char *given, const char **path,
                    ch_error *err);
/* The same for a path to write to: only below a run or a logged model that this server keeps. A client that logs to
 * another tracking server hears that its URI is not one of ours, as it would from Spark. */
int ch_path_to_write(ch_track *track, const char *user, ch_arena *arena, const char *given, const char **path,
                     ch_error *err);

#endif
