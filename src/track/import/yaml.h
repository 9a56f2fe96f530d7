/* yaml.h: YAML files as trees, as MLflow's file store writes them. */
#ifndef CHERT_TRACK_YAML_H
#define CHERT_TRACK_YAML_H

#include "base/error.h"

#include <jansson.h>

/* The document as JSON, which is the caller's; *out NULL for an empty one. Plain scalars become null, truth values and
 * numbers where PyYAML would read such, quoted ones text. err: CH_E_ILLEGAL_ARGUMENT for what is no YAML, nests too
 * deep or has aliases (which multiply). */
int ch_yaml_read(const char *text, size_t len, json_t **out, ch_error *err);

#endif
