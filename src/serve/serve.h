/* serve.h: models behind REST: MLflow's scoring contract, and SageMaker's.
 *
 * A model is loaded once, prepared as a batch scorer without SQL (frame/native batches through ml's stages) and shared
 * by all requests. A request takes a counted reference; a change of stage or alias swaps the pointer, so that requests
 * under way end on the model they began with.
 */
#ifndef CHERT_SERVE_SERVE_H
#define CHERT_SERVE_SERVE_H

#include "frame/session.h"
#include "http/http.h"
#include "track/track.h"

typedef struct ch_serve ch_serve;

/* Scores models of the registry; `engine` reads model files, `track` finds them. Both must outlive it. */
int ch_serve_new(ch_engine *engine, ch_track *track, ch_serve **out, ch_error *err);
void ch_serve_free(ch_serve *serve); /* NULL is fine; nobody may be inside */
/* /serve/{name}/{which}/invocations, /ping, ...; also adds /endpoints/{name}/invocations. Returns how many mounts. */
size_t ch_serve_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room);

/* The server of one model at the root (`chert score-server`): `path` is the folder of an MLflow model (with MLmodel) or
 * of a Spark-format pipeline. */
int ch_serve_one(ch_engine *engine, const char *path, ch_serve **out, ch_error *err);
size_t ch_serve_one_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room);

#endif
