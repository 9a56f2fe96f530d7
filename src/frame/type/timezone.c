/* timezone.c: reading zone files (TZif, RFC 9636) and java.time's answers from them. */
#include "frame/type/timezone.h"

#include "frame/type/datetime.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One end of daylight saving time in a POSIX rule: Mm.w.d, Jn or n, and seconds after local midnight. */
typedef struct rule {
    char kind; /* 'M', 'J' or '0' */
    int month, week, day;
    int32_t at;
} rule;

struct ch_timezone {
    char *id;
    struct ch_timezone *next;
    size_t n;         /* transitions in the file */
    int64_t *when;    /* when[i]: instant from which offset[i + 1] counts */
    int32_t *offset;  /* n + 1 of them; the first is local mean time */
    bool has_rule;    /* after the last transition */
    int32_t std, dst; /* seconds east of UTC */
    bool has_dst;
    rule start, end;
    size_t nname; /* abbreviations, the latest last */
    struct {
        int32_t offset;
        char text[8];
    } names[32];
};

enum { FILE_MAX = 1 << 20, OFFSET_MAX = 18 * 3600 };

/* --- POSIX rules: what the file says about the time after its last transition ------------------------------------- */

static bool read_number(const char **at, int *out)
{
    int value = 0, digits = 0;
    for (; **at >= '0' && **at <= '9' && digits < 6; ++*at, digits++) value = value * 10 + (**at - '0');
    *out = value;
    return digits > 0;
}

/* [+-]h[h][:mm[:ss]] */
static bool read_time(const char **at, int32_t *out)
{
    int sign = 1, parts[3] = {0};
    if (**at == '-' || **at == '+') sign = *(*at)++ == '-' ? -1 : 1;
    if (!read_number(at, &parts[0])) return false;
    for (int i = 1; i < 3 && **at == ':'; i++) {
        ++*at;
        if (!read_number(at, &parts[i])) return false;
    }
    *out = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
}

static bool skip_name(const char **at)
{
    const char *start = *at;
    if (**at == '<') {
        while (**at && **at != '>') ++*at;
        return *(*at)++ == '>';
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) ++*at;
    return *at > start;
}

static bool read_rule(const char **at, rule *r)
{
    if (*(*at)++ != ',') return false;
    *r = (rule){.kind = '0', .at = 7200};
    if (**at == 'M') {
        ++*at;
        r->kind = 'M';
        if (!read_number(at, &r->month) || *(*at)++ != '.') return false;
        if (!read_number(at, &r->week) || *(*at)++ != '.') return false;
        if (!read_number(at, &r->day)) return false;
        if (r->month < 1 || r->month > 12 || r->week < 1 || r->week > 5 || r->day > 6) return false;
    } else {
        if (**at == 'J') r->kind = *(*at)++;
        if (!read_number(at, &r->day) || r->day > 366) return false;
    }
    if (**at != '/') return true;
    ++*at;
    return read_time(at, &r->at);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3" */
static bool read_rules(ch_timezone *z, const char *text)
{
    if (!skip_name(&text) || !read_time(&text, &z->std)) return false;
    z->std = -z->std;
    if (!*text) return true;
    if (!skip_name(&text)) return false;
    z->dst = z->std + 3600;
    if (*text != ',') {
        if (!read_time(&text, &z->dst)) return false;
        z->dst = -z->dst;
    }
    z->has_dst = true;
    return read_rule(&text, &z->start) && read_rule(&text, &z->end) && !*text;
}

/* Local seconds since the epoch at which a rule strikes in a year. */
static int64_t rule_time(const rule *r, int64_t year)
{
    int64_t day;
    if (r->kind == 'M') {
        int64_t first = ch_days_from_civil(year, r->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day = first + (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
        int64_t next = r->month == 12 ? ch_days_from_civil(year + 1, 1, 1) : ch_days_from_civil(year, r->month + 1, 1);
        while (day >= next) day -= 7;
    } else {
        bool leap = ch_days_from_civil(year, 3, 1) - ch_days_from_civil(year, 2, 28) == 2;
        day = ch_days_from_civil(year, 1, 1) + (r->kind == 'J' ? r->day - 1 + (leap && r->day >= 60) : r->day);
    }
    return day * 86400 + r->at;
}

static int32_t rule_offset(const ch_timezone *z, int64_t utc)
{
    if (!z->has_dst) return z->std;
    int64_t year;
    int month, day;
    ch_civil_from_days((utc + z->std) >= 0 ? (utc + z->std) / 86400 : -((86399 - utc - z->std) / 86400), &year, &month,
                       &day);
    int64_t start = rule_time(&z->start, year) - z->std, end = rule_time(&z->end, year) - z->dst;
    bool summer = start < end ? utc >= start && utc < end : utc >= start || utc < end;
    return summer ? z->dst : z->std;
}

/* --- files -----------------------------------------------------------------------------------------------------------
 */

static int64_t big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | at[i];
    return bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

typedef struct tzif_header {
    size_t isut, isstd, leap, time, type, chars;
} tzif_header;

static bool read_header(const unsigned char *data, size_t len, tzif_header *h)
{
    if (len < 44 || memcmp(data, "TZif", 4) != 0) return false;
    size_t counts[6];
    for (int i = 0; i < 6; i++) {
        int64_t n = big_endian(data + 20 + 4 * i, 4);
        if (n < 0 || n > FILE_MAX) return false;
        counts[i] = (size_t)n;
    }
    *h = (tzif_header){counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    return h->type > 0;
}

static size_t block_size(const tzif_header *h, size_t time_size)
{
    return h->time * time_size + h->time + h->type * 6 + h->chars + h->leap * (time_size + 4) + h->isstd + h->isut;
}

/* Remembers the abbreviations of local time types ("CET" for 3600). */
static void read_names(ch_timezone *z, const unsigned char *types, const tzif_header *h)
{
    const char *chars = (const char *)types + 6 * h->type;
    for (size_t i = 0; i < h->type && z->nname < sizeof z->names / sizeof *z->names; i++) {
        size_t at = types[6 * i + 5];
        if (at >= h->chars) continue;
        z->names[z->nname].offset = (int32_t)big_endian(types + 6 * i, 4);
        snprintf(z->names[z->nname++].text, sizeof z->names->text, "%.*s", (int)(h->chars - at), chars + at);
    }
}

static bool parse_file(ch_timezone *z, const unsigned char *data, size_t len)
{
    tzif_header h;
    if (!read_header(data, len, &h) || data[4] < '2') return false; /* version 1 files have no 64-bit block */
    size_t skip = 44 + block_size(&h, 4);
    if (skip > len || !read_header(data + skip, len - skip, &h)) return false;
    data += skip + 44;
    len -= skip + 44;
    size_t size = block_size(&h, 8);
    if (size > len) return false;
    const unsigned char *types = data + h.time * 9;
    z->n = h.time;
    z->when = calloc(z->n + 1, sizeof *z->when);
    z->offset = calloc(z->n + 1, sizeof *z->offset);
    if (!z->when || !z->offset) return false;
    z->offset[0] = (int32_t)big_endian(types, 4);
    read_names(z, types, &h);
    for (size_t i = 0; i < z->n; i++) {
        size_t type = data[h.time * 8 + i];
        if (type >= h.type) return false;
        z->when[i] = big_endian(data + 8 * i, 8);
        z->offset[i + 1] = (int32_t)big_endian(types + 6 * type, 4);
    }
    const char *footer = (const char *)data + size;
    size_t footer_len = len - size;
    if (footer_len < 3 || footer[0] != '\n' || footer[footer_len - 1] != '\n') return true;
    char *text = strndup(footer + 1, footer_len - 2);
    z->has_rule = text && read_rules(z, text);
    free(text);
    return true;
}

/* Reads a whole zone file; NULL if there is none under that name. */
static unsigned char *load_file(const char *id, size_t *len)
{
    char path[300];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", id);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    unsigned char *data = malloc(FILE_MAX);
    *len = data ? fread(data, 1, FILE_MAX, file) : 0;
    fclose(file);
    if (*len > 0) return data;
    free(data);
    return NULL;
}

/* --- ids ---------------------------------------------------------------------------------------------------------- */

/* java.time.ZoneId.SHORT_IDS */
static const char *const SHORT_IDS[][2] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"EST", "-05:00"},
    {"HST", "-10:00"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"MST", "-07:00"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
};

static bool two_digits(const char *at, int *out)
{
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') return false;
    *out = (at[0] - '0') * 10 + at[1] - '0';
    return true;
}

/* "+h", "+hh", "+h:mm", "+hh:m", "+hhmm", "+hh:mm:ss", "+hhmmss" into seconds. */
static bool parse_offset(const char *id, int32_t *out)
{
    int sign = id[0] == '-' ? -1 : id[0] == '+' ? 1 : 0, h = 0, m = 0, s = 0;
    if (!sign) return false;
    const char *at = id + 1;
    if (at[0] >= '0' && at[0] <= '9' && (at[1] == ':' || !at[1])) {
        h = *at++ - '0';
    } else {
        if (!two_digits(at, &h)) return false;
        at += 2;
    }
    bool colon = *at == ':';
    if (*at) {
        at += colon;
        if (colon && at[0] >= '0' && at[0] <= '9' && !at[1]) {
            m = *at++ - '0';
        } else {
            if (!two_digits(at, &m)) return false;
            at += 2;
        }
    }
    if (*at) {
        if (colon != (*at == ':')) return false;
        at += colon;
        if (!two_digits(at, &s)) return false;
        at += 2;
    }
    if (*at || m > 59 || s > 59) return false;
    int32_t total = h * 3600 + m * 60 + s;
    *out = sign * total;
    return total <= OFFSET_MAX;
}

/* The fixed offset an id stands for, if it does. */
static bool fixed_offset(const char *id, int32_t *out)
{
    static const char *const PREFIXES[] = {"UTC", "GMT", "UT"};
    *out = 0;
    if (strcmp(id, "Z") == 0) return true;
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(PREFIXES[i]);
        if (strncmp(id, PREFIXES[i], len) != 0) continue;
        if (!id[len]) return true;
        if (parse_offset(id + len, out)) return true;
    }
    return parse_offset(id, out);
}

static bool region_name(const char *id)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/";
    return id[0] && id[0] != '/' && !id[strspn(id, LETTERS)];
}

static ch_timezone *load_zone(const char *id)
{
    const char *name = id;
    for (size_t i = 0; i < sizeof SHORT_IDS / sizeof *SHORT_IDS; i++) {
        if (strcmp(id, SHORT_IDS[i][0]) == 0) name = SHORT_IDS[i][1];
    }
    ch_timezone *z = calloc(1, sizeof *z);
    if (!z) return NULL;
    bool ok = fixed_offset(name, &z->std);
    if (ok) {
        z->has_rule = true;
    } else if (region_name(name)) {
        size_t len = 0;
        unsigned char *data = load_file(name, &len);
        ok = data && parse_file(z, data, len);
        free(data);
    }
    if (ok) z->id = strdup(id);
    if (ok && z->id) return z;
    free(z->when);
    free(z->offset);
    free(z);
    return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ch_timezone *zones;

const ch_timezone *ch_timezone_find(const char *id)
{
    pthread_mutex_lock(&lock);
    ch_timezone *z = zones;
    while (z && strcmp(z->id, id) != 0) z = z->next;
    if (!z && (z = load_zone(id))) {
        z->next = zones;
        zones = z;
    }
    pthread_mutex_unlock(&lock);
    return z;
}

const ch_timezone *ch_timezone_find_len(const char *id, size_t len)
{
    char copy[64];
    if (len >= sizeof copy || memchr(id, '\0', len)) return NULL;
    memcpy(copy, id, len);
    copy[len] = '\0';
    return ch_timezone_find(copy);
}

const ch_timezone *ch_timezone_utc(void)
{
    static const ch_timezone UTC = {.id = (char *)"UTC", .has_rule = true};
    return &UTC;
}

const char *ch_timezone_id(const ch_timezone *zone)
{
    return zone->id;
}

const char *ch_timezone_name(const ch_timezone *zone, int32_t offset)
{
    for (size_t i = zone->nname; i-- > 0;) {
        if (zone->names[i].offset == offset) return zone->names[i].text;
    }
    return zone->id;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

int32_t ch_timezone_offset(const ch_timezone *z, int64_t utc)
{
    if (z->n == 0) return z->has_rule ? rule_offset(z, utc) : z->offset[0];
    if (z->has_rule && utc >= z->when[z->n - 1]) return rule_offset(z, utc);
    size_t low = 0, high = z->n; /* number of transitions at or before utc */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->when[middle] <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return z->offset[low];
}

int64_t ch_timezone_to_utc(const ch_timezone *z, int64_t local)
{
    /* the offsets a day before and after enclose at most one transition */
    int32_t before = ch_timezone_offset(z, local - 86400), after = ch_timezone_offset(z, local + 86400);
    if (before == after) return local - before;
    if (ch_timezone_offset(z, local - before) == before) return local - before;
    if (ch_timezone_offset(z, local - after) == after) return local - after;
    return local - before; /* in a gap */
}
