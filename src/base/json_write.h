/* json_write.h: JSON text, written straight into a buffer: commas and quotes are kept right, nothing is allocated
 * beside the buffer.
 *
 *     ch_json json = {.out = &buf};
 *     ch_json_begin(&json, '{');
 *     ch_json_key(&json, "name");
 *     ch_json_string(&json, "a \"b\"");
 *     ch_json_key(&json, "values");
 *     ch_json_begin(&json, '[');
 *     ch_json_int(&json, 3);
 *     ch_json_end(&json, ']');
 *     ch_json_end(&json, '}');           // {"name":"a \"b\"","values":[3]}
 */
#ifndef CHERT_BASE_JSON_WRITE_H
#define CHERT_BASE_JSON_WRITE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ch_json {
    ch_buf *out;
    bool comma; /* whether the next member or element needs one in front */
} ch_json;

void ch_json_begin(ch_json *json, char bracket); /* '{' or '[' */
void ch_json_end(ch_json *json, char bracket);   /* '}' or ']' */
void ch_json_key(ch_json *json, const char *key);
void ch_json_string(ch_json *json, const char *text); /* UTF-8; NULL gives null */
void ch_json_string_n(ch_json *json, const char *text, size_t len);
void ch_json_int(ch_json *json, int64_t value);
/* The shortest text that reads back as the same double; NaN and infinities as the strings "NaN", "Infinity",
 * "-Infinity", as protobuf's JSON has them. */
void ch_json_double(ch_json *json, double value);
void ch_json_bool(ch_json *json, bool value);
void ch_json_null(ch_json *json);
void ch_json_raw(ch_json *json, const char *text); /* a value that is JSON already */

/* A member in one call. The string form leaves the member out when text is NULL. */
void ch_json_member(ch_json *json, const char *key, const char *text);
void ch_json_member_int(ch_json *json, const char *key, int64_t value);
void ch_json_member_double(ch_json *json, const char *key, double value);
void ch_json_member_bool(ch_json *json, const char *key, bool value);

#endif
