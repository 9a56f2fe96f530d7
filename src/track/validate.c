/* validate.c: MLflow's rules for experiments and runs. */
#include "track/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *ch_shorten(ch_arena *arena, const char *text, size_t most)
{
    size_t n = 0;
    if (strnlen(text, most + 1) <= most) return text;
    for (const char *at = text; *at; at++) {
        if (((unsigned char)*at & 0xc0) != 0x80 && n++ == most) {
            return ch_arena_strndup(arena, text, (size_t)(at - text));
        }
    }
    return text;
}

/* Nothing in it that a path could be made shorter by. */
bool ch_is_plain_name(const char *name)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-: ";
    return *name && !name[strspn(name, PLAIN)];
}

int ch_check_name(ch_call *call, const char *name, const char *path)
{
    if (name && ch_is_plain_name(name)) return 0;
    return ch_check_key(call, path, name ? name : "");
}

int ch_check_experiment_tag(ch_call *call, const char *key, const char *value)
{
    CH_TRY(ch_check_name(call, key, "key"));
    CH_TRY(ch_check_length(call, "key", CH_KEY_MAX, key));
    return ch_check_length(call, "value", CH_EXPERIMENT_TAG_MAX, value ? value : "");
}

int ch_check_run_id(ch_call *call, const char *run_id)
{
    size_t len = strlen(run_id);
    bool good = len >= 1 && len <= 256 && run_id[0] != '_' && run_id[0] != '-';
    for (const char *c = run_id; *c && good; c++) {
        good =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
    }
    if (good) return 0;
    ch_buf quoted = {0};
    ch_buf_json_string(&quoted, run_id);
    int status =
        ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid value %s for parameter 'run_id' supplied.", quoted.data);
    ch_buf_reset(&quoted);
    return status;
}

int ch_read_experiment_id(ch_call *call, const char *text, int64_t *id)
{
    *id = 0;
    if (!text || !*text) return 0;
    char *end;
    errno = 0;
    *id = strtoll(text, &end, 10);
    if (end != text && !*end && errno == 0) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", text);
}
