/* names.h: which names and values MLflow's store takes, with its messages when it does not.
 *
 * Each check returns 0 or fails the call (INVALID_PARAMETER_VALUE) and returns what ch_call_fail returned.
 */
#ifndef CHERT_TRACK_NAMES_H
#define CHERT_TRACK_NAMES_H

#include "track/call.h"

static inline const char *ch_or_empty(const char *text)
{
    return text ? text : "";
}

/* Characters, not bytes, of UTF-8 text. */
size_t ch_text_length(const char *text);
/* posixpath.normpath: what a path comes to without "//", "." and "x/.."; "." when nothing is left. */
const char *ch_path_normal(ch_arena *arena, const char *path);

/* A name for what its maker did not name: two words and a number. */
const char *ch_random_name(ch_arena *arena);

/* "'WHAT' exceeds the maximum length of LIMIT characters". */
int ch_check_length(ch_call *call, const char *what, size_t limit, const char *text);
/* Keys of tags: letters, digits, "_-. :/" and no name that a path would be shortened from. `parameter` names it in the
 * message. NULL is a missing value. */
int ch_check_key(ch_call *call, const char *parameter, const char *key);

/* Names of registered models, for `name` and `new_name`. */
int ch_check_model_name(ch_call *call, const char *name);
/* The number of a version given as text. */
int ch_check_version(ch_call *call, const char *text, int64_t *version);
int ch_check_alias(ch_call *call, const char *alias);
/* Aliases that may be set: "latest" and v1, v2, ... are not for people. */
int ch_check_alias_free(ch_call *call, const char *alias);
/* Tags of registered models and their versions: key and value. */
int ch_check_registry_tag(ch_call *call, const char *key, const char *value);
/* Names of logged models. */
int ch_check_logged_name(ch_call *call, const char *name);
/* "None", "Staging", "Production" or "Archived" for a stage in any letters; NULL after it failed the call. */
const char *ch_check_stage(ch_call *call, const char *stage);

#endif
