/* show.c: df.show() and its HTML twin: rows as a table of text, as Dataset.showString and htmlString draw it.
 *
 * Java measures strings in UTF-16 units, and so does everything here: truncation may cut a character in two (Java then
 * prints '?'), and the full-width characters of East Asia count twice when columns are lined up. */
#include "frame/engine/query.h"
#include "frame/io/io.h"

#include <limits.h>
#include <string.h>

enum { MIN_WIDTH = 3 };

/* All cells, row after row, the header first. */
typedef struct grid {
    size_t ncol, nrow, ncell, cap; /* nrow counts the header */
    size_t *ends;                  /* ends[i]: where cell i's text ends in `text` */
    size_t *width;                 /* of each cell on the screen */
    ch_buf text;
    ch_arena *arena;
    bool more;
} grid;

/* One character of UTF-8 at `at`: its length in bytes and its code point (U+FFFD, one byte, if it is none). */
static size_t decode(const unsigned char *at, size_t len, uint32_t *code)
{
    size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : at[0] >= 0xC2 ? 2 : 0;
    *code = 0xFFFD;
    if (n == 0 || n > len) return 1;
    uint32_t value = n == 1 ? at[0] : at[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80) return 1;
        value = value << 6 | (at[i] & 0x3Fu);
    }
    *code = value;
    return n;
}

/* The ranges of Spark's Utils.fullWidthRegex. */
static bool full_width(uint32_t c)
{
    static const uint16_t RANGES[][2] = {{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF},
                                         {0x4E00, 0x9FFF}, {0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}};
    if (c < 0x1100) return false;
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES; i++) {
        if (c >= RANGES[i][0] && c <= RANGES[i][1]) return true;
    }
    return false;
}

/* Length in UTF-16 units; *width counts full-width characters twice. */
static size_t measure(const char *text, size_t len, size_t *width)
{
    size_t units = 0;
    *width = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code;
        i += decode((const unsigned char *)text + i, len - i, &code);
        size_t unit = code > 0xFFFF ? 2 : 1;
        units += unit;
        *width += unit + full_width(code);
    }
    return units;
}

/* Bytes of the first `units` UTF-16 units; *broken: the last unit is the first half of a character. */
static size_t cut(const char *text, size_t len, size_t units, bool *broken)
{
    size_t i = 0;
    *broken = false;
    while (i < len && units) {
        uint32_t code;
        size_t n = decode((const unsigned char *)text + i, len - i, &code);
        if (code > 0xFFFF && units == 1) {
            *broken = true;
            break;
        }
        units -= code > 0xFFFF ? 2 : 1;
        i += n;
    }
    return i;
}

/* SchemaUtils.escapeMetaCharacters */
static void add_escaped(ch_buf *out, const char *text, size_t len)
{
    static const char FROM[] = "\n\r\t\f\b\v\a", TO[] = "nrtfbva";
    for (size_t i = 0; i < len; i++) {
        const char *meta = text[i] ? strchr(FROM, text[i]) : NULL;
        if (meta) ch_buf_char(out, '\\');
        ch_buf_char(out, meta ? TO[meta - FROM] : text[i]);
    }
}

/* Adds a cell; truncate 0: in full. */
static void add_cell(grid *g, ch_buf *scratch, const char *text, size_t len, size_t truncate)
{
    ch_buf_clear(scratch);
    add_escaped(scratch, text, len);
    size_t width, units = measure(ch_buf_text(scratch), scratch->len, &width);
    if (truncate && units > truncate) {
        bool broken;
        size_t keep = cut(scratch->data, scratch->len, truncate < 4 ? truncate : truncate - 3, &broken);
        scratch->len = keep;
        scratch->data[keep] = '\0';
        if (broken) ch_buf_char(scratch, '?');
        if (truncate >= 4) ch_buf_str(scratch, "...");
        measure(scratch->data, scratch->len, &width);
    }
    if (g->ncell == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 256;
        g->ends = ch_arena_grow(g->arena, g->ends, sizeof *g->ends, g->ncell, cap);
        g->width = ch_arena_grow(g->arena, g->width, sizeof *g->width, g->ncell, cap);
        g->cap = cap;
    }
    ch_buf_add(&g->text, ch_buf_text(scratch), scratch->len);
    g->ends[g->ncell] = g->text.len;
    g->width[g->ncell++] = width;
}

static const char *cell(const grid *g, size_t row, size_t col, size_t *len)
{
    size_t i = row * g->ncol + col, start = i ? g->ends[i - 1] : 0;
    *len = g->ends[i] - start;
    return ch_buf_text(&g->text) + start;
}

static int read_rows(grid *g, ch_query *q, const ch_timezone *zone, size_t rows, size_t truncate, ch_error *err)
{
    const ch_schema *schema = ch_query_schema(q);
    ch_buf scratch = {0}, value = {0};
    g->ncol = schema->n;
    g->nrow = 1;
    for (size_t c = 0; c < schema->n; c++) {
        add_cell(g, &scratch, schema->fields[c].name, strlen(schema->fields[c].name), 0);
    }
    int status;
    size_t seen = 0;
    const ch_batch *batch;
    while (!(status = ch_query_next(q, &batch, err)) && batch) {
        for (size_t r = 0; r < batch->rows && seen <= rows; r++, seen++) {
            if (seen == rows) {
                g->more = true;
                continue;
            }
            g->nrow++;
            for (size_t c = 0; c < schema->n; c++) {
                ch_buf_clear(&value);
                ch_value_text(&value, &batch->cols[c], r, CH_TEXT_SHOW, zone);
                add_cell(g, &scratch, ch_buf_text(&value), value.len, truncate);
            }
        }
    }
    ch_buf_reset(&scratch);
    ch_buf_reset(&value);
    return status;
}

/* Runs the input of a show node for one row more than asked for. */
static int fill_grid(grid *g, ch_session *s, const ch_plan *plan, size_t *rows, ch_task *task, ch_error *err)
{
    *rows = plan->u.show.rows > 0 ? (size_t)plan->u.show.rows : 0;
    size_t truncate = plan->u.show.truncate > 0 ? (size_t)plan->u.show.truncate : 0;
    ch_plan *limit = ch_plan_new(g->arena, CH_PLAN_LIMIT, plan->input);
    limit->u.count = (int64_t)*rows + 1;
    const char *zone_id = ch_config_find(s, g->arena, "spark.sql.session.timeZone");
    const ch_timezone *zone = zone_id ? ch_timezone_find(zone_id) : NULL;
    if (!zone) zone = ch_timezone_utc();
    ch_query *q;
    CH_TRY(ch_query_open(s, limit, &q, err));
    int status = ch_query_start(q, task, err);
    if (!status) status = read_rows(g, q, zone, *rows, truncate, err);
    ch_query_close(q);
    return status;
}

static void pad(ch_buf *out, char c, size_t n)
{
    while (n--) ch_buf_char(out, c);
}

static void draw_table(ch_buf *out, const grid *g, bool right)
{
    size_t *widths = CH_NEW_ARRAY(g->arena, size_t, g->ncol);
    for (size_t c = 0; c < g->ncol; c++) {
        widths[c] = MIN_WIDTH;
        for (size_t r = 0; r < g->nrow; r++) {
            if (g->width[r * g->ncol + c] > widths[c]) widths[c] = g->width[r * g->ncol + c];
        }
    }
    ch_buf line = {0};
    ch_buf_char(&line, '+');
    for (size_t c = 0; c < g->ncol; c++) {
        pad(&line, '-', widths[c]);
        ch_buf_char(&line, '+');
    }
    ch_buf_str(&line, g->ncol ? "\n" : "+\n");
    ch_buf_str(out, line.data);
    for (size_t r = 0; r < g->nrow; r++) {
        ch_buf_char(out, '|');
        for (size_t c = 0; c < g->ncol; c++) {
            size_t len, space = widths[c] - g->width[r * g->ncol + c];
            const char *text = cell(g, r, c, &len);
            if (right) pad(out, ' ', space);
            ch_buf_add(out, text, len);
            if (!right) pad(out, ' ', space);
            ch_buf_char(out, '|');
        }
        if (!g->ncol) ch_buf_char(out, '|');
        ch_buf_char(out, '\n');
        if (r == 0) ch_buf_str(out, line.data);
    }
    ch_buf_str(out, line.data);
    ch_buf_reset(&line);
}

/* One block of lines a row: "-RECORD 0---", " name | value ". */
static void draw_vertical(ch_buf *out, const grid *g)
{
    size_t name_width = MIN_WIDTH, value_width = MIN_WIDTH;
    for (size_t i = 0; i < g->ncell; i++) {
        size_t *widest = i < g->ncol ? &name_width : &value_width;
        if (g->width[i] > *widest) *widest = g->width[i];
    }
    for (size_t r = 1; r < g->nrow; r++) {
        size_t start = out->len;
        ch_buf_printf(out, "-RECORD %zu", r - 1);
        size_t used = out->len - start, want = name_width + value_width + 5;
        pad(out, '-', used < want ? want - used : 0);
        ch_buf_char(out, '\n');
        for (size_t c = 0; c < g->ncol; c++) {
            size_t len;
            const char *text = cell(g, 0, c, &len);
            ch_buf_char(out, ' ');
            ch_buf_add(out, text, len);
            pad(out, ' ', name_width - g->width[c]);
            ch_buf_str(out, " | ");
            text = cell(g, r, c, &len);
            ch_buf_add(out, text, len);
            pad(out, ' ', value_width - g->width[r * g->ncol + c] + 1);
            ch_buf_char(out, '\n');
        }
    }
}

static void grid_free(grid *g)
{
    ch_buf_reset(&g->text);
    ch_arena_free(g->arena);
}

int ch_show_string(ch_session *s, const ch_plan *plan, ch_task *task, ch_buf *out, ch_error *err)
{
    grid g = {.arena = ch_arena_new()};
    size_t rows;
    int status = fill_grid(&g, s, plan, &rows, task, err);
    if (!status) {
        bool empty = g.nrow == 1;
        if (plan->u.show.vertical) {
            draw_vertical(out, &g);
        } else {
            draw_table(out, &g, plan->u.show.truncate > 0);
        }
        if (plan->u.show.vertical && empty) {
            ch_buf_str(out, "(0 rows)");
        } else if (g.more) {
            ch_buf_printf(out, "only showing top %zu row%s", rows, rows == 1 ? "" : "s");
        }
    }
    grid_free(&g);
    return status;
}

static void add_html(ch_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '&': ch_buf_str(out, "&amp;"); break;
        case '<': ch_buf_str(out, "&lt;"); break;
        case '>': ch_buf_str(out, "&gt;"); break;
        case '"': ch_buf_str(out, "&quot;"); break;
        default: ch_buf_char(out, text[i]);
        }
    }
}

int ch_html_string(ch_session *s, const ch_plan *plan, ch_task *task, ch_buf *out, ch_error *err)
{
    grid g = {.arena = ch_arena_new()};
    size_t rows;
    int status = fill_grid(&g, s, plan, &rows, task, err);
    if (!status) {
        ch_buf_str(out, "<table border='1'>\n");
        for (size_t r = 0; r < g.nrow; r++) {
            const char *tag = r ? "td" : "th";
            ch_buf_str(out, "<tr>");
            for (size_t c = 0; c < g.ncol; c++) {
                size_t len;
                const char *text = cell(&g, r, c, &len);
                ch_buf_printf(out, "<%s>", tag);
                add_html(out, text, len);
                ch_buf_printf(out, "</%s>", tag);
            }
            ch_buf_str(out, "</tr>\n");
        }
        ch_buf_str(out, "</table>\n");
        if (g.more) ch_buf_printf(out, "only showing top %zu row%s\n", rows, rows == 1 ? "" : "s");
    }
    grid_free(&g);
    return status;
}
