/* udf_case.c: upper, lower and title case as ICU has them in its root locale (CollationAwareUTF8String): characters may
 * become several (Unicode's SpecialCasing.txt), and a sigma at the end of a word has a form of its own. */
#include "base/utf8.h"
#include "frame/udf/udf_util.h"

#include <locale.h>
#include <string.h>
#include <wctype.h>

/* ---- characters ---- */

enum { LONGEST = 3 };

/* Capitals of several characters. A title has only the first of them large; 0x345 stands for the iota below a vowel,
 * which is written behind capitals (0x399) and stays with titles (whose own character has it). */
typedef struct expansion {
    uint32_t c, upper[LONGEST], title[LONGEST];
} expansion;

static const expansion EXPANSIONS[] = {
    {0xDF, {0x53, 0x53}, {0x53, 0x73}},
    {0x149, {0x2BC, 0x4E}, {0x2BC, 0x4E}},
    {0x1F0, {0x4A, 0x30C}, {0x4A, 0x30C}},
    {0x390, {0x399, 0x308, 0x301}, {0x399, 0x308, 0x301}},
    {0x3B0, {0x3A5, 0x308, 0x301}, {0x3A5, 0x308, 0x301}},
    {0x587, {0x535, 0x552}, {0x535, 0x582}},
    {0x1E96, {0x48, 0x331}, {0x48, 0x331}},
    {0x1E97, {0x54, 0x308}, {0x54, 0x308}},
    {0x1E98, {0x57, 0x30A}, {0x57, 0x30A}},
    {0x1E99, {0x59, 0x30A}, {0x59, 0x30A}},
    {0x1E9A, {0x41, 0x2BE}, {0x41, 0x2BE}},
    {0x1F50, {0x3A5, 0x313}, {0x3A5, 0x313}},
    {0x1F52, {0x3A5, 0x313, 0x300}, {0x3A5, 0x313, 0x300}},
    {0x1F54, {0x3A5, 0x313, 0x301}, {0x3A5, 0x313, 0x301}},
    {0x1F56, {0x3A5, 0x313, 0x342}, {0x3A5, 0x313, 0x342}},
    {0x1FB2, {0x1FBA, 0x399}, {0x1FBA, 0x345}},
    {0x1FB4, {0x386, 0x399}, {0x386, 0x345}},
    {0x1FB6, {0x391, 0x342}, {0x391, 0x342}},
    {0x1FB7, {0x391, 0x342, 0x399}, {0x391, 0x342, 0x345}},
    {0x1FC2, {0x1FCA, 0x399}, {0x1FCA, 0x345}},
    {0x1FC4, {0x389, 0x399}, {0x389, 0x345}},
    {0x1FC6, {0x397, 0x342}, {0x397, 0x342}},
    {0x1FC7, {0x397, 0x342, 0x399}, {0x397, 0x342, 0x345}},
    {0x1FD2, {0x399, 0x308, 0x300}, {0x399, 0x308, 0x300}},
    {0x1FD3, {0x399, 0x308, 0x301}, {0x399, 0x308, 0x301}},
    {0x1FD6, {0x399, 0x342}, {0x399, 0x342}},
    {0x1FD7, {0x399, 0x308, 0x342}, {0x399, 0x308, 0x342}},
    {0x1FE2, {0x3A5, 0x308, 0x300}, {0x3A5, 0x308, 0x300}},
    {0x1FE3, {0x3A5, 0x308, 0x301}, {0x3A5, 0x308, 0x301}},
    {0x1FE4, {0x3A1, 0x313}, {0x3A1, 0x313}},
    {0x1FE6, {0x3A5, 0x342}, {0x3A5, 0x342}},
    {0x1FE7, {0x3A5, 0x308, 0x342}, {0x3A5, 0x308, 0x342}},
    {0x1FF2, {0x1FFA, 0x399}, {0x1FFA, 0x345}},
    {0x1FF4, {0x38F, 0x399}, {0x38F, 0x345}},
    {0x1FF6, {0x3A9, 0x342}, {0x3A9, 0x342}},
    {0x1FF7, {0x3A9, 0x342, 0x399}, {0x3A9, 0x342, 0x345}},
    {0xFB00, {0x46, 0x46}, {0x46, 0x66}},
    {0xFB01, {0x46, 0x49}, {0x46, 0x69}},
    {0xFB02, {0x46, 0x4C}, {0x46, 0x6C}},
    {0xFB03, {0x46, 0x46, 0x49}, {0x46, 0x66, 0x69}},
    {0xFB04, {0x46, 0x46, 0x4C}, {0x46, 0x66, 0x6C}},
    {0xFB05, {0x53, 0x54}, {0x53, 0x74}},
    {0xFB06, {0x53, 0x54}, {0x53, 0x74}},
    {0xFB13, {0x544, 0x546}, {0x544, 0x576}},
    {0xFB14, {0x544, 0x535}, {0x544, 0x565}},
    {0xFB15, {0x544, 0x53B}, {0x544, 0x56B}},
    {0xFB16, {0x54E, 0x546}, {0x54E, 0x576}},
    {0xFB17, {0x544, 0x53D}, {0x544, 0x56D}},
};

static const expansion *expansion_of(uint32_t c)
{
    size_t low = 0, high = sizeof EXPANSIONS / sizeof *EXPANSIONS;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (EXPANSIONS[mid].c == c) return &EXPANSIONS[mid];
        if (EXPANSIONS[mid].c < c)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* The vowel under which Unicode 1F80-1FAF, 1FB3, 1FC3 and 1FF3 (and their capitals) write an iota; 0 for others. */
static uint32_t vowel_above_iota(uint32_t c)
{
    static const uint32_t BASES[] = {0x1F08, 0x1F28, 0x1F68};
    if (c >= 0x1F80 && c <= 0x1FAF) return BASES[(c - 0x1F80) / 16] + c % 8;
    if (c == 0x1FB3 || c == 0x1FBC) return 0x391;
    if (c == 0x1FC3 || c == 0x1FCC) return 0x397;
    if (c == 0x1FF3 || c == 0x1FFC) return 0x3A9;
    return 0;
}

/* The C library's tables of all of Unicode, whatever the locale of the process; NULL when it has none. */
static locale_t unicode(void)
{
    static locale_t locale;
    static bool tried;
    if (!__atomic_load_n(&tried, __ATOMIC_ACQUIRE)) {
        locale_t made = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), none = NULL;
        if (made && !__atomic_compare_exchange_n(&locale, &none, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            freelocale(made);
        __atomic_store_n(&tried, true, __ATOMIC_RELEASE);
    }
    return __atomic_load_n(&locale, __ATOMIC_ACQUIRE);
}

static uint32_t simple_upper(uint32_t c)
{
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    return unicode() ? (uint32_t)towupper_l((wint_t)c, unicode()) : c;
}

static uint32_t simple_lower(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return unicode() ? (uint32_t)towlower_l((wint_t)c, unicode()) : c;
}

static bool is_letter(uint32_t c)
{
    if (c < 0x80) return (c | 32) >= 'a' && (c | 32) <= 'z';
    return unicode() && iswalpha_l((wint_t)c, unicode());
}

static void add_upper(ch_buf *out, uint32_t c)
{
    const expansion *e = c >= 0x80 ? expansion_of(c) : NULL;
    uint32_t vowel = e || c < 0x1F80 ? 0 : vowel_above_iota(c);
    for (int k = 0; e && k < LONGEST && e->upper[k]; k++) ch_utf8_add(out, e->upper[k]);
    if (e) return;
    ch_utf8_add(out, vowel ? vowel : simple_upper(c));
    if (vowel) ch_utf8_add(out, 0x399);
}

static void add_title(ch_buf *out, uint32_t c)
{
    const expansion *e = c >= 0x80 ? expansion_of(c) : NULL;
    for (int k = 0; e && k < LONGEST && e->title[k]; k++) ch_utf8_add(out, e->title[k]);
    if (e) return;
    if (c >= 0x1C4 && c <= 0x1CC) /* the digraphs, of which titles have forms of their own */
        ch_utf8_add(out, 0x1C5 + (c - 0x1C4) / 3 * 3);
    else if (c >= 0x1F1 && c <= 0x1F3)
        ch_utf8_add(out, 0x1F2);
    else
        ch_utf8_add(out, simple_upper(c));
}

/* text[at] is a capital sigma: does it end a word? */
static bool ends_word(const char *text, size_t len, size_t at)
{
    size_t before = at, after = at + ch_utf8_len((unsigned char)text[at]);
    if (at == 0 || (after < len && is_letter(ch_utf8_decode(text + after)))) return false;
    do before--;
    while (before > 0 && ((unsigned char)text[before] & 0xC0) == 0x80);
    return is_letter(ch_utf8_decode(text + before));
}

static void add_lower(ch_buf *out, const char *text, size_t len, size_t at)
{
    uint32_t c = ch_utf8_decode(text + at);
    if (c == 0x130) {
        ch_utf8_add(out, 'i');
        ch_utf8_add(out, 0x307);
    } else if (c == 0x3A3 && ends_word(text, len, at)) {
        ch_utf8_add(out, 0x3C2);
    } else {
        ch_utf8_add(out, simple_lower(c));
    }
}

/* ---- strings ---- */

typedef enum letter_case { UPPER, LOWER, TITLE } letter_case;

static const letter_case CASES[] = {UPPER, LOWER, TITLE};

static bool is_ascii(const char *text, size_t len)
{
    unsigned char all = 0;
    for (size_t i = 0; i < len; i++) all |= (unsigned char)text[i];
    return all < 0x80;
}

static void convert_ascii(ch_buf *out, const char *text, size_t len, letter_case to)
{
    bool upper = to != LOWER;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z') c ^= 32;
        ch_buf_char(out, (char)c);
        if (to == TITLE) upper = c == ' ';
    }
}

/* Words of titles are parted by spaces. */
static void convert(ch_buf *out, const char *text, size_t len, letter_case to)
{
    bool first = true;
    if (is_ascii(text, len)) {
        convert_ascii(out, text, len, to);
        return;
    }
    for (size_t at = 0; at < len; at += ch_utf8_len((unsigned char)text[at])) {
        uint32_t c = ch_utf8_decode(text + at);
        if (to == UPPER)
            add_upper(out, c);
        else if (to == TITLE && first)
            add_title(out, c);
        else
            add_lower(out, text, len, at);
        first = c == ' ';
    }
}

static void f_case(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const letter_case *to = ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        ch_buf_clear(&text);
        convert(&text, CH_TEXT(a), *to);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

int ch_register_case(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_upper", .types = "s>s", .fn = f_case, .extra = &CASES[UPPER]},
        {.name = "ch_lower", .types = "s>s", .fn = f_case, .extra = &CASES[LOWER]},
        {.name = "ch_initcap", .types = "s>s", .fn = f_case, .extra = &CASES[TITLE]},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
