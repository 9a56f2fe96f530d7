/* validate.h: MLflow's rules for experiments and runs beyond those of names.h. Each check fails the call with MLflow's
 * message. */
#ifndef CHERT_TRACK_VALIDATE_H
#define CHERT_TRACK_VALIDATE_H

#include "track/names.h"

enum {
    CH_KEY_MAX = 250, /* characters, of keys of params, tags and metrics */
    CH_PARAM_MAX = 6000,
    CH_TAG_MAX = 8000,
    CH_EXPERIMENT_NAME_MAX = 500,
    CH_EXPERIMENT_TAG_MAX = 20000,
    CH_LOCATION_MAX = 2048
};

/* The name of a param, metric or tag, as ch_check_key, quickly for what most names are. `path` tells where it stands in
 * the request ("key", "metrics[3].name"); NULL stands for "". */
int ch_check_name(ch_call *call, const char *name, const char *path);
/* A name that ch_check_name takes for sure, as most are: letters, digits, "_-: " only. */
bool ch_is_plain_name(const char *name);
/* An experiment's tag. */
int ch_check_experiment_tag(ch_call *call, const char *key, const char *value);
/* 1 to 256 letters, digits, "_" and "-". */
int ch_check_run_id(ch_call *call, const char *run_id);
/* The first `most` characters of the text, which is returned itself when it has no more. */
const char *ch_shorten(ch_arena *arena, const char *text, size_t most);
/* The number of an experiment that is named by `text`; NULL and "" are experiment 0. */
int ch_read_experiment_id(ch_call *call, const char *text, int64_t *id);

#endif
