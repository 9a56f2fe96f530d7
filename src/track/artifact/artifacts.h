/* artifacts.h: what the handlers of artifacts and of their transfers share. */
#ifndef CHERT_TRACK_ARTIFACTS_H
#define CHERT_TRACK_ARTIFACTS_H

#include "track/call.h"

/* /api/2.0/mlflow-artifacts/ and the pages'. */
extern const char *const ch_proxy_prefixes[];

/* The path behind the route's prefix in the URL, cleaned and not empty; NULL with the call failed. */
const char *ch_artifact_url_path(ch_call *call);
/* Fails the call when a file of that name would be taken for one that is still being written. */
int ch_artifact_check_name(ch_call *call, const char *path);
/* The size of the file at a clean path; fails the call when there is none, or a folder. */
int ch_artifact_size(ch_call *call, const char *path, uint64_t *size);
/* *uri: where the artifacts of a run or of a logged model are; fails the call when there is none. */
int ch_run_artifact_uri(ch_call *call, const char *run_id, const char **uri);
int ch_logged_artifact_uri(ch_call *call, const char *model_id, const char **uri);
/* Answers with a file, always to be saved rather than shown: what users put here must not run on our pages. */
int ch_artifact_send(ch_call *call, const char *path);

#endif
