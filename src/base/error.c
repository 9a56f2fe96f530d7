/* error.c: filling in errors from the table of conditions. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

typedef struct condition_row {
    const char *name, *sqlstate;
    ch_errkind kind;
    const char *text; /* with <param> placeholders */
} condition_row;

static const condition_row CONDITIONS[] = {
#define CH_COND(name, sqlstate, kind, text) {name, sqlstate, kind, text},
#include "base/error_conditions.def"
#undef CH_COND
};

/* What <docroot> stands for in texts, when the caller does not say otherwise. */
static const char DOCROOT[] = "https://spark.apache.org/docs/latest";

/* Length in bytes of the well-formed UTF-8 character at `at`, 0 if there is none. */
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80) return 1;
    size_t n = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4) return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    if (at[0] == 0xE0 && at[1] < 0xA0) return 0;
    if (at[0] == 0xED && at[1] > 0x9F) return 0;
    if (at[0] == 0xF0 && at[1] < 0x90) return 0;
    if (at[0] == 0xF4 && at[1] > 0x8F) return 0;
    return n;
}

/* Appends text[0..len) to out at *used, cut at `cap` between characters; false if it was cut. Bytes that are no UTF-8
 * become '?': messages quote hostile input and travel in protocols that demand UTF-8. */
static bool append(char *out, size_t cap, size_t *used, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length((const unsigned char *)text + i);
        bool good = n && i + n <= len;
        size_t width = good ? n : 1;
        if (*used + width >= cap) return false;
        if (good) {
            memcpy(out + *used, text + i, n);
        } else {
            out[*used] = '?';
        }
        *used += width;
        i += width;
        out[*used] = '\0';
    }
    return true;
}

static void copy_text(char *out, size_t cap, const char *text)
{
    size_t used = 0;
    out[0] = '\0';
    append(out, cap, &used, text, strlen(text));
}

static const condition_row *find_condition(const char *name)
{
    for (size_t i = 0; i < sizeof CONDITIONS / sizeof *CONDITIONS; i++) {
        if (strcmp(CONDITIONS[i].name, name) == 0) return &CONDITIONS[i];
    }
    return NULL;
}

/* The name of the placeholder that starts at `at` ('<' name '>'), its length in *len; NULL if none starts there. */
static const char *placeholder(const char *at, size_t *len)
{
    if (*at != '<') return NULL;
    const char *name = at + 1;
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (n == 0 || name[n] != '>') return NULL;
    *len = n;
    return name;
}

static const char *param_value(int n, const char *const *names, const char *const *values, const char *name, size_t len)
{
    for (int i = 0; i < n; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) return values[i] ? values[i] : "null";
    }
    return NULL;
}

/* Conditions that Spark has not named yet: clients see the name, people do not. */
static bool is_legacy(const condition_row *row)
{
    return strncmp(row->name, "_LEGACY_ERROR_", strlen("_LEGACY_ERROR_")) == 0;
}

static void write_message(ch_error *err, const condition_row *row, int n, const char *const *names,
                          const char *const *values)
{
    char *out = err->message;
    size_t cap = sizeof err->message, used = 0;
    char tail[24] = "";
    if (row->sqlstate[0]) snprintf(tail, sizeof tail, " SQLSTATE: %s", row->sqlstate);
    size_t body_cap = cap - strlen(tail); /* a long parameter must not push the SQLSTATE out */
    bool room = true;
    if (!is_legacy(row)) {
        room = append(out, body_cap, &used, "[", 1) && append(out, body_cap, &used, row->name, strlen(row->name)) &&
               append(out, body_cap, &used, "] ", 2);
    }
    for (const char *at = row->text; room && *at;) {
        size_t len;
        const char *name = placeholder(at, &len);
        const char *value = name ? param_value(n, names, values, name, len) : NULL;
        if (value) {
            room = append(out, body_cap, &used, value, strlen(value));
            at = name + len + 1;
            continue;
        }
        size_t run = 1 + strcspn(at + 1, "<");
        room = append(out, body_cap, &used, at, run);
        at += run;
    }
    append(out, cap, &used, tail, strlen(tail));
}

int ch_raise_pairs(ch_error *err, const char *condition, int n, const char *const *names, const char *const *values)
{
    const condition_row *row = find_condition(condition);
    if (!row) return ch_bug(err, "unknown error condition %s", condition);
    const char *all_names[CH_ERROR_PARAMS_MAX], *all_values[CH_ERROR_PARAMS_MAX];
    if (n > CH_ERROR_PARAMS_MAX) n = CH_ERROR_PARAMS_MAX;
    if (n < CH_ERROR_PARAMS_MAX && strstr(row->text, "<docroot>") &&
        !param_value(n, names, values, "docroot", strlen("docroot"))) {
        for (int i = 0; i < n; i++) {
            all_names[i] = names[i];
            all_values[i] = values[i];
        }
        all_names[n] = "docroot";
        all_values[n++] = DOCROOT;
        names = all_names;
        values = all_values;
    }
    err->kind = row->kind;
    copy_text(err->condition, sizeof err->condition, row->name);
    copy_text(err->sqlstate, sizeof err->sqlstate, row->sqlstate);
    write_message(err, row, n, names, values);
    err->nparam = n;
    for (int i = 0; i < err->nparam; i++) {
        copy_text(err->param_name[i], sizeof err->param_name[i], names[i]);
        copy_text(err->param_value[i], sizeof err->param_value[i], values[i] ? values[i] : "null");
    }
    return (int)row->kind;
}

int ch_raise(ch_error *err, const char *condition, ...)
{
    const char *names[CH_ERROR_PARAMS_MAX], *values[CH_ERROR_PARAMS_MAX];
    int n = 0;
    va_list args;
    va_start(args, condition);
    for (const char *name; n < CH_ERROR_PARAMS_MAX && (name = va_arg(args, const char *)); n++) {
        names[n] = name;
        values[n] = va_arg(args, const char *);
    }
    va_end(args);
    return ch_raise_pairs(err, condition, n, names, values);
}

__attribute__((format(printf, 3, 0))) static int fail_va(ch_error *err, ch_errkind kind, const char *format,
                                                         va_list args)
{
    char text[sizeof err->message];
    vsnprintf(text, sizeof text, format, args);
    err->kind = kind;
    err->condition[0] = err->sqlstate[0] = '\0';
    err->nparam = 0;
    copy_text(err->message, sizeof err->message, text);
    return (int)kind;
}

int ch_failf(ch_error *err, ch_errkind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int status = fail_va(err, kind, format, args);
    va_end(args);
    return status;
}

int ch_bug(ch_error *err, const char *format, ...)
{
    char text[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ch_raise(err, "INTERNAL_ERROR", "message", text, (char *)NULL);
    return CH_E_INTERNAL;
}

int ch_no_memory(ch_error *err)
{
    return ch_failf(err, CH_E_MEMORY, "Out of memory.");
}
