/* batch_reader.c: the body of runs/log-batch without a tree of JSON values. */
#include "track/run/batch_reader.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_MOST = 40 };

/* The text is a copy that the reader may write into: it ends strings where their closing quotes were. */
typedef struct reader {
    ch_arena *arena;
    char *at;
} reader;

static char skip_space(reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t') r->at++;
    return *r->at;
}

/* Takes the character, if it is the next. */
static bool take(reader *r, char c)
{
    if (skip_space(r) != c) return false;
    r->at++;
    return true;
}

static bool read_string(reader *r, const char **out)
{
    if (!take(r, '"')) return false;
    char *start = r->at;
    while (*r->at != '"') {
        if (*r->at == '\\' || (unsigned char)*r->at < 0x20 || (unsigned char)*r->at >= 0x80) return false;
        r->at++;
    }
    *r->at++ = '\0';
    *out = start;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A whole number of at most 18 digits. */
static bool read_int(reader *r, int64_t *out)
{
    skip_space(r);
    bool negative = *r->at == '-';
    if (negative) r->at++;
    char *start = r->at;
    int64_t value = 0;
    while (is_digit(*r->at) && r->at - start < 19) value = value * 10 + (*r->at++ - '0');
    size_t digits = (size_t)(r->at - start);
    if (digits == 0 || digits > 18 || (digits > 1 && *start == '0')) return false;
    *out = negative ? -value : value;
    return *r->at != '.' && *r->at != 'e' && *r->at != 'E';
}

/* A number as JSON has it, or one of the texts that stand for what JSON has not. */
static bool read_double(reader *r, double *out)
{
    char *end;
    if (skip_space(r) == '"') {
        const char *text;
        if (!read_string(r, &text)) return false;
        *out = strtod(text, &end);
        return strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0;
    }
    const char *digit = *r->at == '-' ? r->at + 1 : r->at;
    if (!is_digit(*digit) || (*digit == '0' && is_digit(digit[1]))) return false;
    size_t len = strspn(r->at, "0123456789+-.eE");
    if (len > NUMBER_MOST || (r->at[len] == 'x')) return false;
    *out = strtod(r->at, &end);
    if (end != r->at + len || !is_digit(end[-1])) return false;
    r->at = end;
    return true;
}

/* The members of a point, as bits: each may come once. */
enum { HAS_KEY = 1, HAS_VALUE = 2, HAS_TIMESTAMP = 4, HAS_STEP = 8, HAS_ALL_NEEDED = 7 };

static bool once(unsigned *seen, unsigned bit)
{
    bool first = !(*seen & bit);
    *seen |= bit;
    return first;
}

/* Members that name the model and the dataset of a point. */
static bool read_reference(reader *r, const char *name, ch_point *point)
{
    const char *text;
    if (!read_string(r, &text)) return false;
    if (!*text) text = NULL;
    if (strcmp(name, "model_id") == 0)
        point->model_id = text;
    else if (strcmp(name, "dataset_name") == 0)
        point->dataset_name = text;
    else if (strcmp(name, "dataset_digest") == 0)
        point->dataset_digest = text;
    else
        return strcmp(name, "run_id") == 0;
    return true;
}

static bool read_point(reader *r, ch_point *point)
{
    unsigned seen = 0;
    *point = (ch_point){0};
    if (!take(r, '{')) return false;
    do {
        const char *name;
        double value;
        bool good;
        if (!read_string(r, &name) || !take(r, ':')) return false;
        if (strcmp(name, "key") == 0) {
            good = once(&seen, HAS_KEY) && read_string(r, &point->key) && *point->key;
        } else if (strcmp(name, "value") == 0) {
            good = once(&seen, HAS_VALUE) && read_double(r, &value);
            if (good) ch_point_set_value(point, value);
        } else if (strcmp(name, "timestamp") == 0) {
            good = once(&seen, HAS_TIMESTAMP) && read_int(r, &point->timestamp);
        } else if (strcmp(name, "step") == 0) {
            good = once(&seen, HAS_STEP) && read_int(r, &point->step);
        } else {
            good = read_reference(r, name, point);
        }
        if (!good) return false;
    } while (take(r, ','));
    return take(r, '}') && (seen & HAS_ALL_NEEDED) == HAS_ALL_NEEDED;
}

static bool read_pair(reader *r, ch_key_value *pair)
{
    *pair = (ch_key_value){NULL, NULL};
    if (!take(r, '{')) return false;
    do {
        const char *name;
        if (!read_string(r, &name) || !take(r, ':')) return false;
        const char **text = strcmp(name, "key") == 0 ? &pair->key : strcmp(name, "value") == 0 ? &pair->value : NULL;
        if (!text || *text || !read_string(r, text)) return false;
    } while (take(r, ','));
    if (!pair->value) pair->value = "";
    return take(r, '}') && pair->key && *pair->key;
}

static bool read_points(reader *r, ch_batch *out)
{
    size_t room = 0;
    if (out->points || !take(r, '[')) return false;
    out->points = CH_NEW_ARRAY(r->arena, ch_point, 1);
    if (take(r, ']')) return true;
    do {
        if (out->npoint == room) {
            size_t grown = room ? 2 * room : 64;
            out->points = ch_arena_grow(r->arena, out->points, sizeof *out->points, room, grown);
            room = grown;
        }
        if (!read_point(r, &out->points[out->npoint++])) return false;
    } while (take(r, ','));
    return take(r, ']');
}

static bool read_pairs(reader *r, ch_key_value **out, size_t *count)
{
    size_t room = 0;
    if (*out || !take(r, '[')) return false;
    *out = CH_NEW_ARRAY(r->arena, ch_key_value, 1);
    if (take(r, ']')) return true;
    do {
        if (*count == room) {
            size_t grown = room ? 2 * room : 16;
            *out = ch_arena_grow(r->arena, *out, sizeof **out, room, grown);
            room = grown;
        }
        if (!read_pair(r, &(*out)[(*count)++])) return false;
    } while (take(r, ','));
    return take(r, ']');
}

bool ch_batch_read(ch_arena *arena, const char *body, size_t len, ch_batch *out)
{
    *out = (ch_batch){0};
    if (memchr(body, '\0', len)) return false;
    reader r = {arena, ch_arena_strndup(arena, body, len)};
    if (!take(&r, '{')) return false;
    do {
        const char *name;
        bool good = false;
        if (!read_string(&r, &name) || !take(&r, ':')) return false;
        if (strcmp(name, "run_id") == 0)
            good = !out->run_id && read_string(&r, &out->run_id);
        else if (strcmp(name, "metrics") == 0)
            good = read_points(&r, out);
        else if (strcmp(name, "params") == 0)
            good = read_pairs(&r, &out->params, &out->nparam);
        else if (strcmp(name, "tags") == 0)
            good = read_pairs(&r, &out->tags, &out->ntag);
        if (!good) return false;
    } while (take(&r, ','));
    return take(&r, '}') && skip_space(&r) == '\0' && out->run_id && *out->run_id;
}
