/* access_log.c: a line of JSON for each request on standard error. */
#include "http/internal.h"

#include "base/json_write.h"
#include "base/log.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void member_clipped(ch_json *json, const char *key, const char *text)
{
    enum { LONGEST = 1024 };
    if (!text) return;
    ch_buf repaired = {0};
    ch_utf8_repair(&repaired, text, strnlen(text, LONGEST));
    ch_json_member(json, key, ch_buf_text(&repaired));
    ch_buf_reset(&repaired);
}

/* Without what follows "signature=": with it, who reads the log could use the address. */
static void member_query(ch_json *json, const char *query)
{
    static const char SIGNATURE[] = "signature=";
    const char *signature = query ? strstr(query, SIGNATURE) : NULL;
    if (!signature) {
        member_clipped(json, "query", query);
        return;
    }
    ch_buf shown = {0};
    ch_buf_add(&shown, query, (size_t)(signature - query) + sizeof SIGNATURE - 1);
    member_clipped(json, "query", shown.data);
    ch_buf_reset(&shown);
}

void ch_http_access_log(const ch_http_request *request, int status, uint64_t bytes, double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char day[32], stamp[48];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp, sizeof stamp, "%s.%03ldZ", day, now.tv_nsec / 1000000);

    ch_buf line = {0};
    ch_json json = {.out = &line};
    ch_json_begin(&json, '{');
    ch_json_member(&json, "time", stamp);
    ch_json_member(&json, "remote", request->remote);
    ch_json_member(&json, "user", request->user);
    member_clipped(&json, "method", request->method);
    member_clipped(&json, "path", request->path);
    member_query(&json, request->query);
    ch_json_member(&json, "route", request->match.entry ? request->match.entry->pattern : NULL);
    ch_json_member_int(&json, "status", status);
    ch_json_member_int(&json, "received", (int64_t)request->body_len);
    ch_json_member_int(&json, "sent", (int64_t)bytes);
    ch_json_member_double(&json, "ms", (double)(int64_t)(seconds * 1e6) / 1e3);
    member_clipped(&json, "agent", ch_http_header(request, "User-Agent"));
    ch_json_end(&json, '}');
    ch_buf_char(&line, '\n');
    ch_log_line(line.data, line.len);
    ch_buf_reset(&line);
}
