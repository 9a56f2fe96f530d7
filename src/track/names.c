/* names.c: checks of the names, tags and aliases that clients choose. */
#include "track/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_KEY_MOST = 250,      /* characters */
    TAG_VALUE_MOST = 100000, /* of registered models and versions */
    ALIAS_MOST = 255
};

size_t ch_text_length(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        if (((unsigned char)*text & 0xc0) != 0x80) length++;
    return length;
}

const char *ch_path_normal(ch_arena *arena, const char *path)
{
    /* POSIX gives exactly two leading slashes a meaning of their own, and so does Python. */
    size_t slashes = strspn(path, "/");
    ch_buf out = {0};
    ch_buf_str(&out, slashes == 0 ? "" : slashes == 2 ? "//" : "/");
    size_t root = out.len;
    for (const char *at = path + slashes; *at; at += strspn(at, "/")) {
        size_t len = strcspn(at, "/");
        bool up = len == 2 && memcmp(at, "..", 2) == 0;
        size_t last = out.len; /* where the last part begins */
        while (last > root && out.data[last - 1] != '/') last--;
        if (up && out.len > root && strcmp(out.data + last, "..") != 0) {
            out.len = last > root ? last - 1 : root;
            out.data[out.len] = '\0';
        } else if (len > 0 && !(len == 1 && *at == '.') && !(up && root)) {
            if (out.len > root) ch_buf_char(&out, '/');
            ch_buf_add(&out, at, len);
        }
        at += len;
    }
    const char *normal = out.len ? ch_arena_strdup(arena, out.data) : ".";
    ch_buf_reset(&out);
    return normal;
}

int ch_check_length(ch_call *call, const char *what, size_t limit, const char *text)
{
    if (ch_text_length(text) <= limit) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "'%s' exceeds the maximum length of %zu characters", what,
                        limit);
}

/* "Invalid value "NAME" for parameter 'KEY' supplied: WHY". */
static int fail_value(ch_call *call, const char *parameter, const char *value, const char *why)
{
    ch_buf quoted = {0};
    ch_buf_json_string(&quoted, value);
    int code = ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid value %s for parameter '%s' supplied: %s",
                            quoted.data, parameter, why);
    ch_buf_reset(&quoted);
    return code;
}

/* Fails names that a path would be shortened from: two of them could mean one file. */
static int check_path(ch_call *call, const char *parameter, const char *name)
{
    const char *normal = ch_path_normal(call->arena, name);
    if (strcmp(normal, name) == 0 && strcmp(normal, ".") != 0 && strncmp(normal, "..", 2) != 0 && *normal != '/')
        return 0;
    return fail_value(call, parameter, name,
                      ch_arena_printf(call->arena,
                                      "Names may be treated as files in certain cases, and must not resolve to other "
                                      "names when treated as such. This name would resolve to '%s'",
                                      normal));
}

static int fail_missing(ch_call *call, const char *parameter)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Missing value for required parameter '%s'.", parameter);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n\f\v")] == '\0';
}

int ch_check_key(ch_call *call, const char *parameter, const char *key)
{
    if (!key) return fail_missing(call, parameter);
    for (const char *at = key; *at; at++) {
        /* letters of any alphabet are fine, and bytes beyond ASCII are mostly those */
        bool letter = (unsigned char)*at >= 0x80 || isalnum((unsigned char)*at);
        if (!letter && !strchr("_-. :/", *at))
            return fail_value(call, parameter, key,
                              "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces "
                              "( ), colon(:) and slashes (/).");
    }
    return check_path(call, parameter, key);
}

int ch_check_model_name(ch_call *call, const char *name)
{
    if (!name || is_blank(name)) return fail_missing(call, "name");
    if (strpbrk(name, "/:"))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid model name '%s'. Names cannot contain '/' or ':'.",
                            name);
    return check_path(call, "name", name);
}

int ch_check_version(ch_call *call, const char *text, int64_t *version)
{
    char *end = NULL;
    errno = 0;
    *version = text ? strtoll(text, &end, 10) : 0;
    if (!text || !*text || end == text || !is_blank(end) || errno)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Parameter 'version' must be an integer, got '%s'.",
                            text ? text : "");
    return 0;
}

int ch_check_alias(ch_call *call, const char *alias)
{
    if (!alias || !*alias)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Registered model alias name cannot be empty.");
    for (const char *at = alias; *at; at++)
        if ((unsigned char)*at < 0x80 && !isalnum((unsigned char)*at) && *at != '_' && *at != '-')
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and "
                                "dashes (-).",
                                alias);
    return ch_check_length(call, "Registered model alias name", ALIAS_MOST, alias);
}

int ch_check_alias_free(ch_call *call, const char *alias)
{
    if (strcasecmp(alias, "latest") == 0)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "'latest' alias name (case insensitive) is reserved.");
    size_t digits = strspn(alias + 1, "0123456789");
    if ((*alias == 'v' || *alias == 'V') && digits > 0 && !alias[1 + digits])
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Version alias name '%s' is reserved.", alias);
    return 0;
}

int ch_check_registry_tag(ch_call *call, const char *key, const char *value)
{
    CH_TRY(ch_check_key(call, "key", key));
    CH_TRY(ch_check_length(call, "key", TAG_KEY_MOST, key));
    if (strcmp(key, "mlflow.prompt.text") == 0 && ch_text_length(value) > TAG_VALUE_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Prompt text exceeds max length of %d characters.",
                            TAG_VALUE_MOST);
    return ch_check_length(call, "value", TAG_VALUE_MOST, value);
}

int ch_check_logged_name(ch_call *call, const char *name)
{
    if (*name && !strpbrk(name, "/:.%\"'")) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid model name ('%s') provided. Model name must be a non-empty string and cannot contain "
                        "the following characters: ('/', ':', '.', '%%', '\"', \"'\")",
                        name);
}

const char *ch_check_stage(ch_call *call, const char *stage)
{
    static const char *const STAGES[] = {"None", "Staging", "Production", "Archived"};
    for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES; i++)
        if (strcasecmp(stage, STAGES[i]) == 0) return STAGES[i];
    ch_call_fail(call, INVALID_PARAMETER_VALUE,
                 "Invalid Model Version stage: %s. Value must be one of None, Staging, Production, Archived.", stage);
    return NULL;
}
