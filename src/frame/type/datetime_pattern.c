/* datetime_pattern.c: java.time.format.DateTimeFormatter for the patterns Spark allows: strict resolving, case ignored,
 * one to nine digits for a run of S when parsing. */
#include "frame/type/datetime_pattern.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef enum op {
    OP_LITERAL, /* character `field` */
    OP_NUMBER,  /* field in min..max digits */
    OP_YEAR2,   /* two digits, 2000..2099 */
    OP_MONTH,   /* name; min 3 short, 4 full */
    OP_WEEKDAY,
    OP_AMPM,
    OP_ERA,
    OP_QUARTER, /* min 3 "Q1", 4 "1st quarter" */
    OP_FRACTION,
    OP_OFFSET, /* letter `field`, min letters */
    OP_ZONE,
    OP_OPEN, /* [ */
    OP_CLOSE
} op;

typedef enum sign_style { SIGN_NORMAL, SIGN_NONE, SIGN_EXCEEDS } sign_style;

enum field {
    YEAR,
    MONTH,
    DAY,
    DAY_OF_YEAR,
    HOUR,
    CLOCK_HOUR,
    HOUR_12,
    CLOCK_HOUR_12,
    MINUTE,
    SECOND,
    NANO,
    AMPM,
    ERA,
    QUARTER,
    WEEK,
    FIELDS
};

typedef struct element {
    op op;
    int field, min, max;
    sign_style sign;
} element;

struct ch_pattern {
    size_t n;
    element *elements;
};

static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const DAYS[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* --- compiling ---------------------------------------------------------------------------------------------------- */

static int unrecognised(const char *text, ch_error *err)
{
    char quoted[200];
    snprintf(quoted, sizeof quoted, "'%s'", text);
    return ch_raise(err, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", "pattern", quoted,
                    "config", "\"spark.sql.legacy.timeParserPolicy\"", (char *)NULL);
}

static int invalid(const char *text, ch_error *err)
{
    char quoted[200];
    snprintf(quoted, sizeof quoted, "'%s'", text);
    return ch_raise(err, "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", "pattern", quoted, (char *)NULL);
}

static int illegal_letter(const char *text, char letter, ch_error *err)
{
    char c[2] = {letter, '\0'};
    if (strchr("ec", letter)) {
        return ch_raise(err, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN", "c", c, (char *)NULL);
    }
    return ch_raise(err, "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", "c", c, "pattern", text, (char *)NULL);
}

static element number(int field, int count, int digits)
{
    bool one = count == 1;
    return (element){OP_NUMBER, field, one ? 1 : count, one ? 19 : digits, one ? SIGN_NORMAL : SIGN_NONE};
}

/* The element for `count` times a letter; false if Java or Spark knows no such. */
static bool letters(char letter, int count, bool parsing, element *e)
{
    int field = -1;
    switch (letter) {
    case 'y':
        if (count == 2) {
            *e = (element){OP_YEAR2, YEAR, 2, 2, SIGN_NONE};
        } else {
            *e = (element){OP_NUMBER, YEAR, count, 19, count < 4 ? SIGN_NORMAL : SIGN_EXCEEDS};
        }
        return count <= 6;
    case 'M':
    case 'L':
        *e = count < 3 ? number(MONTH, count, 2) : (element){.op = OP_MONTH, .field = MONTH, .min = count};
        return count <= 4;
    case 'D': *e = number(DAY_OF_YEAR, count, 3); return count <= 3;
    case 'S':
        *e = (element){.op = OP_FRACTION, .field = NANO, .min = parsing ? 1 : count, .max = count};
        return count <= 9;
    case 'a': *e = (element){.op = OP_AMPM, .field = AMPM}; return count == 1;
    case 'G': *e = (element){.op = OP_ERA, .field = ERA, .min = count}; return count <= 4;
    case 'E': *e = (element){.op = OP_WEEKDAY, .min = count}; return count <= 4 && !parsing;
    case 'F': *e = number(WEEK, count, 2); return count == 1 && !parsing;
    case 'q':
    case 'Q':
        *e = count < 3 ? number(QUARTER, count, 2) : (element){.op = OP_QUARTER, .field = QUARTER, .min = count};
        return count <= 4;
    case 'X':
    case 'x':
    case 'Z': *e = (element){.op = OP_OFFSET, .field = letter, .min = count}; return count <= 5;
    case 'O': *e = (element){.op = OP_OFFSET, .field = letter, .min = count}; return count == 1 || count == 4;
    case 'V': *e = (element){.op = OP_ZONE, .field = letter}; return count == 2;
    case 'z': *e = (element){.op = OP_ZONE, .field = letter, .min = count}; return count <= 4;
    case 'd': field = DAY; break;
    case 'H': field = HOUR; break;
    case 'k': field = CLOCK_HOUR; break;
    case 'K': field = HOUR_12; break;
    case 'h': field = CLOCK_HOUR_12; break;
    case 'm': field = MINUTE; break;
    case 's': field = SECOND; break;
    default: return false;
    }
    *e = number(field, count, 2);
    return count <= 2;
}

static int add_letters(ch_pattern *p, const char *text, char letter, int count, bool parsing, ch_error *err)
{
    if (strchr(parsing ? "ABcenNpqQ" : "ABcenNp", letter)) return illegal_letter(text, letter, err);
    if ((letter == 'V' && count != 2) || (letter == 'O' && count != 1 && count != 4) || letter == 'b') {
        return invalid(text, err);
    }
    if (!letters(letter, count, parsing, &p->elements[p->n])) return unrecognised(text, err);
    p->n++;
    return 0;
}

static void add_literal(ch_pattern *p, char c)
{
    p->elements[p->n++] = (element){.op = OP_LITERAL, .field = (unsigned char)c};
}

/* 'text' or '' at `at`; returns what follows, NULL if the quote is not closed. */
static const char *add_quoted(ch_pattern *p, const char *at)
{
    if (at[1] == '\'') {
        add_literal(p, '\'');
        return at + 2;
    }
    for (at++; *at; at++) {
        if (*at == '\'' && at[1] != '\'') return at + 1;
        if (*at == '\'') at++;
        add_literal(p, *at);
    }
    return NULL;
}

int ch_pattern_compile(ch_arena *arena, const char *text, bool parsing, const ch_pattern **out, ch_error *err)
{
    ch_pattern *p = CH_NEW(arena, ch_pattern);
    p->elements = CH_NEW_ARRAY(arena, element, 2 * strlen(text) + 2);
    int depth = 0;
    for (const char *at = text; *at;) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        if (letter) {
            int count = (int)strspn(at, (char[]){*at, '\0'});
            CH_TRY(add_letters(p, text, *at, count, parsing, err));
            at += count;
        } else if (*at == '\'') {
            at = add_quoted(p, at);
            if (!at) return invalid(text, err);
        } else if (strchr("{}#", *at)) {
            return unrecognised(text, err);
        } else if (*at == '[' || *at == ']') {
            depth += *at == '[' ? 1 : -1;
            if (depth < 0) return unrecognised(text, err);
            p->elements[p->n++] = (element){.op = *at++ == '[' ? OP_OPEN : OP_CLOSE};
        } else {
            add_literal(p, *at++);
        }
    }
    for (; depth > 0; depth--) p->elements[p->n++] = (element){.op = OP_CLOSE};
    *out = p;
    return 0;
}

/* The element after the section that opens at i. */
static size_t section_end(const ch_pattern *p, size_t i)
{
    int depth = 0;
    for (; i < p->n; i++) {
        if (p->elements[i].op == OP_OPEN) depth++;
        if (p->elements[i].op == OP_CLOSE && --depth == 0) return i + 1;
    }
    return p->n;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

typedef struct moment {
    int64_t year;
    int month, day, weekday;              /* weekday 0 Monday */
    int64_t day_of_year, seconds, micros; /* of the day; of the second */
    const ch_timezone *zone;
    int32_t offset;
} moment;

static moment split(int64_t local, int64_t utc, const ch_timezone *zone)
{
    static const int64_t DAY_MICROS = INT64_C(86400000000);
    int64_t days = local / DAY_MICROS - (local % DAY_MICROS < 0), rest = local - days * DAY_MICROS;
    moment m = {.seconds = rest / 1000000, .micros = rest % 1000000, .zone = zone};
    ch_civil_from_days(days, &m.year, &m.month, &m.day);
    m.weekday = (int)(((days + 3) % 7 + 7) % 7);
    m.day_of_year = days - ch_days_from_civil(m.year, 1, 1) + 1;
    if (zone) m.offset = ch_timezone_offset(zone, utc / 1000000 - (utc % 1000000 < 0));
    return m;
}

static int64_t field_value(const moment *m, int field)
{
    int hour = (int)(m->seconds / 3600), half = hour % 12;
    switch (field) {
    case YEAR: return m->year > 0 ? m->year : 1 - m->year; /* of era: letters y, not u */
    case MONTH: return m->month;
    case DAY: return m->day;
    case DAY_OF_YEAR: return m->day_of_year;
    case HOUR: return hour;
    case CLOCK_HOUR: return hour ? hour : 24;
    case HOUR_12: return half;
    case CLOCK_HOUR_12: return half ? half : 12;
    case MINUTE: return m->seconds / 60 % 60;
    case SECOND: return m->seconds % 60;
    case QUARTER: return (m->month + 2) / 3;
    default: return (m->day - 1) % 7 + 1; /* F: aligned day of week in month */
    }
}

static void print_number(ch_buf *out, const element *e, const moment *m)
{
    int64_t v = e->field == YEAR ? m->year : field_value(m, e->field);
    if (v < 0) {
        ch_buf_char(out, '-');
        v = -v;
    } else if (e->sign == SIGN_EXCEEDS && v > 9999 && e->min == 4) {
        ch_buf_char(out, '+');
    }
    ch_buf_printf(out, "%0*lld", e->min, (long long)v);
}

static void print_fraction(ch_buf *out, const element *e, const moment *m)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%06lld000", (long long)m->micros);
    ch_buf_add(out, digits, (size_t)e->max);
}

static bool print_offset(ch_buf *out, const element *e, const moment *m)
{
    if (!m->zone) return false;
    int32_t total = m->offset < 0 ? -m->offset : m->offset;
    int h = total / 3600, min = total / 60 % 60, s = total % 60;
    char sign = m->offset < 0 ? '-' : '+';
    if (e->field == 'O' || (e->field == 'Z' && e->min == 4)) {
        ch_buf_str(out, "GMT");
        if (!total) return true;
        ch_buf_printf(out, e->min == 4 ? "%c%02d" : "%c%d", sign, h);
        if (e->min == 4 || min || s) ch_buf_printf(out, ":%02d", min);
        if (s) ch_buf_printf(out, ":%02d", s);
        return true;
    }
    if (!total && (e->field == 'X' || (e->field == 'Z' && e->min == 5))) {
        ch_buf_char(out, 'Z');
        return true;
    }
    bool colon = e->field == 'Z' ? e->min == 5 : e->min == 3 || e->min == 5, always = e->field == 'Z' || e->min > 1;
    ch_buf_printf(out, "%c%02d", sign, h);
    if (always || min) ch_buf_printf(out, colon ? ":%02d" : "%02d", min);
    if (s && (e->min > 3 || e->field == 'Z')) ch_buf_printf(out, colon ? ":%02d" : "%02d", s);
    return true;
}

static void print_name(ch_buf *out, const char *name, int letters)
{
    ch_buf_add(out, name, letters < 4 ? 3 : strlen(name));
}

/* False when there is no zone to print. */
static bool print_element(ch_buf *out, const element *e, const moment *m)
{
    static const char *const NTH[] = {"1st", "2nd", "3rd", "4th"};
    int quarter = (m->month + 2) / 3;
    switch (e->op) {
    case OP_LITERAL: ch_buf_char(out, (char)e->field); return true;
    case OP_NUMBER: print_number(out, e, m); return true;
    case OP_YEAR2: ch_buf_printf(out, "%02d", (int)((m->year % 100 + 100) % 100)); return true;
    case OP_MONTH: print_name(out, MONTHS[m->month - 1], e->min); return true;
    case OP_WEEKDAY: print_name(out, DAYS[m->weekday], e->min); return true;
    case OP_AMPM: ch_buf_str(out, m->seconds < 43200 ? "AM" : "PM"); return true;
    case OP_ERA:
        ch_buf_str(out, e->min < 4 ? (m->year > 0 ? "AD" : "BC") : m->year > 0 ? "Anno Domini" : "Before Christ");
        return true;
    case OP_QUARTER:
        if (e->min == 3) {
            ch_buf_printf(out, "Q%d", quarter);
        } else {
            ch_buf_printf(out, "%s quarter", NTH[quarter - 1]);
        }
        return true;
    case OP_FRACTION: print_fraction(out, e, m); return true;
    case OP_OFFSET: return print_offset(out, e, m);
    case OP_ZONE:
        if (m->zone) ch_buf_str(out, e->field == 'V' ? ch_timezone_id(m->zone) : ch_timezone_name(m->zone, m->offset));
        return m->zone != NULL;
    case OP_OPEN:
    case OP_CLOSE: return true;
    }
    return true;
}

void ch_pattern_format(const ch_pattern *p, ch_buf *out, int64_t local, int64_t utc, const ch_timezone *zone)
{
    moment m = split(local, utc, zone);
    size_t section = p->n, start = 0;
    for (size_t i = 0; i < p->n;) {
        if (p->elements[i].op == OP_OPEN) {
            section = i;
            start = out->len;
        }
        if (print_element(out, &p->elements[i], &m) || section == p->n) {
            i++;
            continue;
        }
        out->len = start; /* a section that cannot be printed is left out */
        if (out->data) out->data[start] = '\0';
        i = section_end(p, section);
        section = p->n;
    }
}

/* --- parsing ------------------------------------------------------------------------------------------------------ */

typedef struct parsed {
    const char *text;
    size_t len, at;
    int64_t value[FIELDS];
    bool has[FIELDS];
    bool has_zone;
    const ch_timezone *zone;
    char *why;
} parsed;

static bool fail_at(parsed *s, size_t at)
{
    if (s->why) {
        snprintf(s->why, CH_PATTERN_WHY, "Text '%.*s' could not be parsed at index %zu",
                 (int)(s->len < 100 ? s->len : 100), s->text, at);
    }
    return false;
}

static bool fail_with(parsed *s, const char *reason)
{
    if (s->why) {
        snprintf(s->why, CH_PATTERN_WHY, "Text '%.*s' could not be parsed: %.90s", (int)(s->len < 80 ? s->len : 80),
                 s->text, reason);
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Two values for one field must agree. */
static bool set_field(parsed *s, int field, int64_t value, size_t start)
{
    if (s->has[field] && s->value[field] != value) return fail_at(s, start);
    s->has[field] = true;
    s->value[field] = value;
    return true;
}

/* Digits that fixed-width numbers right behind element i need for themselves. */
static size_t reserved(const ch_pattern *p, size_t i)
{
    size_t digits = 0;
    const element *e = &p->elements[i];
    if (e->op != OP_NUMBER || e->min == e->max) return 0;
    for (i++; i < p->n; i++) {
        e = &p->elements[i];
        bool fixed = (e->op == OP_NUMBER && e->min == e->max) || e->op == OP_YEAR2;
        if (!fixed) break;
        digits += (size_t)e->min;
    }
    return digits;
}

static bool parse_number(parsed *s, const ch_pattern *p, size_t i)
{
    const element *e = &p->elements[i];
    size_t start = s->at, at = s->at;
    bool negative = false, positive = false;
    if (at < s->len && e->sign != SIGN_NONE && (s->text[at] == '-' || s->text[at] == '+')) {
        negative = s->text[at] == '-';
        positive = !negative;
        if (positive && e->sign != SIGN_EXCEEDS) return fail_at(s, start);
        at++;
    }
    size_t digits = 0, limit = (size_t)e->max, keep = reserved(p, i);
    while (at + digits < s->len && is_digit(s->text[at + digits])) digits++;
    if (keep) {
        limit = digits > keep ? digits - keep : 0;
        if (limit < (size_t)e->min) limit = (size_t)e->min;
        if (limit > (size_t)e->max) limit = (size_t)e->max;
    }
    if (digits > limit) digits = limit;
    if (digits < (size_t)e->min) return fail_at(s, start);
    int64_t value = 0;
    for (size_t k = 0; k < digits; k++) {
        if (value > INT64_MAX / 10 - 1) return fail_at(s, start);
        value = value * 10 + (s->text[at + k] - '0');
    }
    if (e->sign == SIGN_EXCEEDS) {
        if (positive && digits <= (size_t)e->min) return fail_at(s, start);
        if (!positive && !negative && digits > (size_t)e->min) return fail_at(s, start);
    }
    if (negative && value == 0) return fail_at(s, start);
    s->at = at + digits;
    return set_field(s, e->field, negative ? -value : value, start);
}

static bool parse_year2(parsed *s)
{
    size_t start = s->at;
    if (start + 2 > s->len || !is_digit(s->text[start]) || !is_digit(s->text[start + 1])) return fail_at(s, start);
    s->at += 2;
    return set_field(s, YEAR, 2000 + (s->text[start] - '0') * 10 + (s->text[start + 1] - '0'), start);
}

static bool accept(parsed *s, const char *word, size_t len)
{
    if (s->len - s->at < len || strncasecmp(s->text + s->at, word, len) != 0) return false;
    s->at += len;
    return true;
}

static bool parse_month(parsed *s, const element *e)
{
    size_t start = s->at;
    for (int m = 0; m < 12; m++) {
        if (accept(s, MONTHS[m], e->min < 4 ? 3 : strlen(MONTHS[m]))) return set_field(s, MONTH, m + 1, start);
    }
    return fail_at(s, start);
}

static bool parse_words(parsed *s, int field, const char *zero, const char *one)
{
    size_t start = s->at;
    if (accept(s, zero, strlen(zero))) return set_field(s, field, 0, start);
    if (accept(s, one, strlen(one))) return set_field(s, field, 1, start);
    return fail_at(s, start);
}

static bool parse_fraction(parsed *s, const element *e)
{
    size_t start = s->at;
    int64_t value = 0;
    int digits = 0;
    for (; digits < e->max && s->at < s->len && is_digit(s->text[s->at]); digits++) {
        value = value * 10 + (s->text[s->at++] - '0');
    }
    if (digits < e->min) return fail_at(s, start);
    for (; digits < 9; digits++) value *= 10;
    return set_field(s, NANO, value, start);
}

static bool two_digits(const parsed *s, size_t at, int *out)
{
    if (at + 2 > s->len || !is_digit(s->text[at]) || !is_digit(s->text[at + 1])) return false;
    *out = (s->text[at] - '0') * 10 + (s->text[at + 1] - '0');
    return true;
}

static bool set_zone(parsed *s, const char *id, size_t len, size_t start)
{
    s->zone = ch_timezone_find_len(id, len);
    s->has_zone = s->zone != NULL;
    return s->zone || fail_at(s, start);
}

/* +hh, +hhmm, +hh:mm, with seconds where the pattern has them; Z; GMT in front of O. */
static bool parse_offset(parsed *s, const element *e)
{
    size_t start = s->at;
    bool localized = e->field == 'O' || (e->field == 'Z' && e->min == 4);
    if (localized && !accept(s, "GMT", 3)) return fail_at(s, start);
    bool zulu = e->field == 'X' || (e->field == 'Z' && e->min == 5);
    if (zulu && accept(s, "Z", 1)) return set_zone(s, "Z", 1, start);
    if (localized && (s->at == s->len || (s->text[s->at] != '+' && s->text[s->at] != '-')))
        return set_zone(s, "Z", 1, start);
    if (s->at == s->len || (s->text[s->at] != '+' && s->text[s->at] != '-')) return fail_at(s, start);
    bool colon = localized || (e->field == 'Z' ? e->min == 5 : e->min == 3 || e->min == 5);
    char sign = s->text[s->at];
    size_t at = s->at + 1;
    int h = 0, m = 0, sec = 0;
    if (e->field == 'O' && e->min == 1 && at < s->len && is_digit(s->text[at]) &&
        (at + 1 == s->len || !is_digit(s->text[at + 1]))) {
        h = s->text[at++] - '0';
    } else {
        if (!two_digits(s, at, &h)) return fail_at(s, start);
        at += 2;
    }
    bool minutes = at + colon + 2 <= s->len && (!colon || s->text[at] == ':') && two_digits(s, at + colon, &m);
    bool required = e->field == 'Z' || ((e->field == 'X' || e->field == 'x') && e->min > 1);
    if (!minutes && required) return fail_at(s, start);
    if (minutes) at += 2u + colon;
    bool seconds = minutes && (e->min > 3 || localized) && at + colon + 2 <= s->len && (!colon || s->text[at] == ':') &&
                   two_digits(s, at + colon, &sec);
    if (seconds) at += 2u + colon;
    s->at = at;
    char id[16];
    int len = snprintf(id, sizeof id, "%c%02d:%02d:%02d", sign, h, m, sec);
    return set_zone(s, id, (size_t)len, start);
}

/* A zone id or short name: the longest run of its letters that is one. */
static bool parse_zone(parsed *s)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/+-:";
    size_t start = s->at, end = start;
    while (end < s->len && s->text[end] && strchr(LETTERS, s->text[end])) end++;
    for (; end > start; end--) {
        const ch_timezone *zone = ch_timezone_find_len(s->text + start, end - start);
        if (!zone) continue;
        s->zone = zone;
        s->has_zone = true;
        s->at = end;
        return true;
    }
    return fail_at(s, start);
}

static bool parse_element(parsed *s, const ch_pattern *p, size_t i)
{
    const element *e = &p->elements[i];
    char c = (char)e->field;
    switch (e->op) {
    case OP_LITERAL: return accept(s, &c, 1) || fail_at(s, s->at);
    case OP_NUMBER: return parse_number(s, p, i);
    case OP_YEAR2: return parse_year2(s);
    case OP_MONTH: return parse_month(s, e);
    case OP_AMPM: return parse_words(s, AMPM, "AM", "PM");
    case OP_ERA:
        return e->min < 4 ? parse_words(s, ERA, "BC", "AD") : parse_words(s, ERA, "Before Christ", "Anno Domini");
    case OP_FRACTION: return parse_fraction(s, e);
    case OP_OFFSET: return parse_offset(s, e);
    case OP_ZONE: return parse_zone(s);
    default: return true;
    }
}

static bool parse_all(parsed *s, const ch_pattern *p)
{
    enum { DEPTH = 8 };
    struct {
        size_t element;
        parsed state;
    } open[DEPTH];
    int depth = 0;
    for (size_t i = 0; i < p->n;) {
        const element *e = &p->elements[i];
        if (e->op == OP_OPEN && depth < DEPTH) {
            open[depth].element = i;
            open[depth++].state = *s;
        } else if (e->op == OP_CLOSE && depth) {
            depth--;
        } else if (!parse_element(s, p, i)) {
            if (!depth) return false;
            *s = open[--depth].state; /* the section is not there */
            i = section_end(p, open[depth].element);
            continue;
        }
        i++;
    }
    if (s->at == s->len) return true;
    if (s->why) {
        snprintf(s->why, CH_PATTERN_WHY, "Text '%.*s' could not be parsed, unparsed text found at index %zu",
                 (int)(s->len < 100 ? s->len : 100), s->text, s->at);
    }
    return false;
}

static bool check_range(parsed *s, int field, const char *name, int64_t low, int64_t high, const char *range)
{
    char text[100];
    if (!s->has[field] || (s->value[field] >= low && s->value[field] <= high)) return true;
    snprintf(text, sizeof text, "Invalid value for %s (valid values %s): %lld", name, range,
             (long long)s->value[field]);
    return fail_with(s, text);
}

static bool resolve_date(parsed *s, int64_t *days)
{
    if (!check_range(s, YEAR, "Year", -999999999, 999999999, "-999999999 - 999999999") ||
        !check_range(s, MONTH, "MonthOfYear", 1, 12, "1 - 12") ||
        !check_range(s, DAY, "DayOfMonth", 1, 31, "1 - 28/31") ||
        !check_range(s, DAY_OF_YEAR, "DayOfYear", 1, 366, "1 - 365/366")) {
        return false;
    }
    int64_t year = s->has[YEAR] ? s->value[YEAR] : 1970;
    int month = s->has[MONTH] ? (int)s->value[MONTH] : 1, day = s->has[DAY] ? (int)s->value[DAY] : 1;
    if (s->has[ERA] && !s->value[ERA]) year = 1 - year;
    if (s->has[DAY_OF_YEAR] && !s->has[MONTH] && !s->has[DAY]) {
        *days = ch_days_from_civil(year, 1, 1) + s->value[DAY_OF_YEAR] - 1;
        if (*days < ch_days_from_civil(year + 1, 1, 1)) return true;
        return fail_with(s, "Invalid date 'DayOfYear 366' as it is not a leap year");
    }
    if (!ch_civil_valid(year, month, day)) {
        char text[100];
        if (month == 2 && day == 29) {
            snprintf(text, sizeof text, "Invalid date 'February 29' as '%lld' is not a leap year", (long long)year);
        } else {
            snprintf(text, sizeof text, "Invalid date '%s %d'", MONTHS[month - 1], day);
            for (char *c = text + 14; *c; c++) *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
        }
        return fail_with(s, text);
    }
    *days = ch_days_from_civil(year, month, day);
    return true;
}

static bool resolve_time(parsed *s, int64_t *micros)
{
    if (!check_range(s, HOUR, "HourOfDay", 0, 23, "0 - 23") ||
        !check_range(s, CLOCK_HOUR, "ClockHourOfDay", 1, 24, "1 - 24") ||
        !check_range(s, HOUR_12, "HourOfAmPm", 0, 11, "0 - 11") ||
        !check_range(s, CLOCK_HOUR_12, "ClockHourOfAmPm", 1, 12, "1 - 12") ||
        !check_range(s, MINUTE, "MinuteOfHour", 0, 59, "0 - 59") ||
        !check_range(s, SECOND, "SecondOfMinute", 0, 59, "0 - 59")) {
        return false;
    }
    int64_t hour = 0;
    if (s->has[HOUR]) {
        hour = s->value[HOUR];
    } else if (s->has[CLOCK_HOUR]) {
        hour = s->value[CLOCK_HOUR] % 24;
    } else {
        if (s->has[HOUR_12]) hour = s->value[HOUR_12];
        if (s->has[CLOCK_HOUR_12]) hour = s->value[CLOCK_HOUR_12] % 12;
        if (s->has[AMPM] && s->value[AMPM]) hour += 12;
    }
    int64_t seconds =
        hour * 3600 + (s->has[MINUTE] ? s->value[MINUTE] * 60 : 0) + (s->has[SECOND] ? s->value[SECOND] : 0);
    *micros = seconds * 1000000 + (s->has[NANO] ? s->value[NANO] / 1000 : 0);
    return true;
}

static parsed start(const char *text, size_t len, char *why)
{
    if (why) *why = '\0';
    return (parsed){.text = text, .len = len, .why = why};
}

/* Local microseconds of what was parsed. */
static bool resolve(parsed *s, int64_t *local)
{
    int64_t days, micros;
    if (!resolve_date(s, &days) || !resolve_time(s, &micros)) return false;
    if (!__builtin_mul_overflow(days, INT64_C(86400000000), local) && !__builtin_add_overflow(*local, micros, local)) {
        return true;
    }
    return fail_with(s, "long overflow");
}

bool ch_pattern_parse_date(const ch_pattern *p, const char *text, size_t len, int32_t *days, char why[CH_PATTERN_WHY])
{
    parsed s = start(text, len, why);
    int64_t value;
    if (!parse_all(&s, p) || !resolve_date(&s, &value)) return false;
    *days = (int32_t)value;
    return value == *days || fail_with(&s, "integer overflow");
}

bool ch_pattern_parse_timestamp(const ch_pattern *p, const char *text, size_t len, const ch_timezone *zone,
                                int64_t *micros, char why[CH_PATTERN_WHY])
{
    parsed s = start(text, len, why);
    int64_t local, margin = INT64_C(2) * 86400000000;
    if (!parse_all(&s, p) || !resolve(&s, &local)) return false;
    if (local > INT64_MAX - margin || local < INT64_MIN + margin) return fail_with(&s, "long overflow");
    *micros = ch_utc_micros(s.has_zone ? s.zone : zone, local);
    return true;
}

bool ch_pattern_parse_ntz(const ch_pattern *p, const char *text, size_t len, int64_t *micros, char why[CH_PATTERN_WHY])
{
    parsed s = start(text, len, why);
    if (!parse_all(&s, p)) return false;
    if (s.has_zone) return fail_with(&s, "a time zone where none is expected");
    return resolve(&s, micros);
}
