/* names.c: what a column's name means: AttributeSeq.resolve and ColumnResolutionHelper of Spark's analyzer. */
#include "base/map.h"
#include "frame/analyze/analyze_internal.h"

#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

enum { SUGGESTED_MAX = 5, SUGGEST_FROM_MAX = 10000, DISTANCE_MAX = 200 };

/* --- texts --- */

static locale_t unicode;
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;

static void init_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* One character of UTF-8 in lower case, *at moved past it. Bytes that are no UTF-8 are themselves. */
static uint32_t lower_at(const char **at)
{
    const unsigned char *c = (const unsigned char *)*at;
    if (*c < 0x80) {
        (*at)++;
        return (uint32_t)tolower(*c);
    }
    int n = *c >= 0xF0 ? 3 : *c >= 0xE0 ? 2 : *c >= 0xC0 ? 1 : 0;
    uint32_t code = n == 3 ? *c & 7u : n == 2 ? *c & 15u : n == 1 ? *c & 31u : *c;
    for (int i = 1; i <= n; i++) {
        if ((c[i] & 0xC0) != 0x80) {
            (*at)++;
            return *c;
        }
        code = code << 6 | (c[i] & 0x3fu);
    }
    *at += n + 1;
    pthread_once(&unicode_once, init_unicode);
    return unicode ? (uint32_t)towlower_l((wint_t)code, unicode) : code;
}

bool ch_names_equal(bool case_sensitive, const char *a, const char *b)
{
    if (case_sensitive) return strcmp(a, b) == 0;
    while (*a && *b) {
        if (*a == *b && (unsigned char)*a < 0x80) {
            a++;
            b++;
        } else if (lower_at(&a) != lower_at(&b)) {
            return false;
        }
    }
    return !*a && !*b;
}

uint32_t ch_name_hash(const char *name)
{
    uint32_t hash = 0x811c9dc5u;
    for (const char *at = name; *at;) hash = (hash ^ lower_at(&at)) * 0x01000193u;
    return hash ? hash : 1;
}

const char *ch_sql_id(ch_arena *arena, size_t n, const char *const *parts)
{
    ch_buf text = {0};
    for (size_t i = 0; i < n; i++) {
        ch_buf_str(&text, i ? ".`" : "`");
        for (const char *c = parts[i]; *c; c++) {
            if (*c == '`') ch_buf_char(&text, '`');
            ch_buf_char(&text, *c);
        }
        ch_buf_char(&text, '`');
    }
    const char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

const char *ch_sql_quote(ch_arena *arena, const char *text)
{
    return ch_arena_printf(arena, "\"%s\"", text);
}

/* --- suggestions --- */

typedef struct suggestion {
    size_t n;
    const char **parts;
    const char *text; /* quoted */
    size_t distance, order;
} suggestion;

/* Levenshtein distance, of the first bytes of long names. */
static size_t distance(const char *a, const char *b)
{
    size_t row[DISTANCE_MAX + 1], na = strnlen(a, DISTANCE_MAX), nb = strnlen(b, DISTANCE_MAX);
    for (size_t j = 0; j <= nb; j++) row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[nb];
}

static int by_distance(const void *x, const void *y)
{
    const suggestion *a = x, *b = y;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    int names = strcmp(a->parts[a->n - 1], b->parts[b->n - 1]); /* attribute sets list their members by name */
    if (names) return names;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Have all candidates the same parts but for the last `kept`? */
static bool same_prefix(const suggestion *items, size_t n, size_t kept)
{
    for (size_t i = 1; i < n; i++) {
        size_t a = items[0].n > kept ? items[0].n - kept : 0, b = items[i].n > kept ? items[i].n - kept : 0;
        if (a != b) return false;
        for (size_t j = 0; j < a; j++) {
            if (strcmp(items[0].parts[j], items[i].parts[j]) != 0) return false;
        }
    }
    return true;
}

static const char *join_parts(ch_arena *arena, size_t n, const char *const *parts)
{
    ch_buf text = {0};
    for (size_t i = 0; i < n; i++) ch_buf_printf(&text, "%s%s", i ? "." : "", parts[i]);
    const char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

const char *ch_suggestions(ch_arena *arena, const ch_rel *const *inputs, size_t ninput, size_t nparts,
                           const char *const *parts)
{
    size_t n = 0, total = 0;
    for (size_t i = 0; i < ninput; i++) total += inputs[i]->ncol;
    if (total > SUGGEST_FROM_MAX) total = SUGGEST_FROM_MAX;
    suggestion *items = CH_NEW_ARRAY(arena, suggestion, total);
    for (size_t i = 0; i < ninput; i++) {
        for (size_t j = 0; j < inputs[i]->ncol && n < total; j++, n++) {
            const ch_attr *attr = &inputs[i]->cols[j];
            items[n].n = attr->nqualifier + 1;
            items[n].parts = ch_arena_grow(arena, attr->qualifier, sizeof(char *), attr->nqualifier, items[n].n);
            items[n].parts[attr->nqualifier] = attr->name;
            items[n].order = n;
        }
    }
    size_t kept = nparts;
    while (kept <= 3 && !same_prefix(items, n, kept)) kept++;
    const char *wanted = join_parts(arena, nparts, parts);
    for (size_t i = 0; i < n; i++) {
        size_t drop = kept <= 3 && items[i].n > kept ? items[i].n - kept : 0;
        items[i].parts += drop;
        items[i].n -= drop;
        items[i].text = ch_sql_id(arena, items[i].n, items[i].parts);
        items[i].distance = distance(items[i].text, wanted);
    }
    qsort(items, n, sizeof *items, by_distance);
    ch_buf text = {0};
    for (size_t i = 0; i < n && i < SUGGESTED_MAX; i++) {
        ch_buf_printf(&text, "%s%s", i ? ", " : "", items[i].text);
    }
    const char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

/* --- matching --- */

/* The name being looked for. */
typedef struct wanted {
    ch_arena *arena;
    bool case_sensitive;
    size_t nparts;
    const char *const *parts;
    uint32_t hashes[4]; /* of the first parts, any of which may be the column's name */
} wanted;

static wanted make_wanted(const ch_scope *scope, size_t nparts, const char *const *parts)
{
    wanted w = {.arena = scope->arena, .nparts = nparts, .parts = parts};
    w.case_sensitive = scope->analysis && scope->analysis->case_sensitive;
    for (size_t i = 0; i < nparts && i < 4; i++) w.hashes[i] = ch_name_hash(parts[i]);
    return w;
}

/* Columns that match, each once. */
typedef struct matches {
    size_t n, used; /* parts of the name that the qualifier and the column took */
    const ch_attr **attrs;
} matches;

static void add_match(ch_arena *arena, matches *m, const ch_attr *attr)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->attrs[i]->id == attr->id) return;
    }
    m->attrs = ch_arena_grow(arena, m->attrs, sizeof *m->attrs, m->n, m->n + 1);
    m->attrs[m->n++] = attr;
}

static bool is_named(const wanted *w, const ch_attr *attr, size_t part)
{
    if (attr->name_hash && attr->name_hash != w->hashes[part]) return false;
    return ch_names_equal(w->case_sensitive, attr->name, w->parts[part]);
}

/* Do the last k parts of the attribute's qualifier match the first k of the name? */
static bool is_qualified(const wanted *w, const ch_attr *attr, size_t k)
{
    if (attr->nqualifier < k) return false;
    for (size_t i = 0; i < k; i++) {
        if (!ch_names_equal(w->case_sensitive, attr->qualifier[attr->nqualifier - k + i], w->parts[i])) return false;
    }
    return true;
}

static void match_attrs(const wanted *w, const ch_attr *attrs, size_t n, size_t k, matches *m)
{
    for (size_t i = 0; i < n; i++) {
        if (is_named(w, &attrs[i], k) && is_qualified(w, &attrs[i], k)) add_match(w->arena, m, &attrs[i]);
    }
}

/* Looks in the visible or the hidden columns of the inputs: the longest qualifier that matches anything wins. Hidden
 * ones (the other side of USING) answer only to a qualified name. */
static matches match(const wanted *w, const ch_rel *const *inputs, size_t ninput, bool hidden)
{
    matches m = {0};
    for (size_t k = w->nparts > 4 ? 4 : w->nparts; k-- > (hidden ? 1 : 0) && !m.n;) {
        m.used = k + 1;
        for (size_t i = 0; i < ninput; i++) {
            const ch_rel *rel = inputs[i];
            match_attrs(w, hidden ? rel->hidden : rel->cols, hidden ? rel->nhidden : rel->ncol, k, &m);
        }
    }
    return m;
}

ptrdiff_t ch_find_column(const ch_analysis *a, const ch_rel *rel, const char *name)
{
    uint32_t hash = ch_name_hash(name);
    for (size_t i = 0; i < rel->ncol; i++) {
        const ch_attr *attr = &rel->cols[i];
        if (attr->name_hash && attr->name_hash != hash) continue;
        if (ch_names_equal(a->case_sensitive, attr->name, name)) return (ptrdiff_t)i;
    }
    return -1;
}

int ch_already_exists(ch_analysis *a, const char *name, ch_error *err)
{
    char *lower = ch_arena_strdup(a->arena, name);
    for (char *c = lower; *c && !a->case_sensitive; c++) *c = (char)tolower((unsigned char)*c);
    return ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName", ch_sql_id(a->arena, 1, (const char *const[]){lower}),
                    (char *)NULL);
}

static int compare_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int ambiguous(const wanted *w, const matches *m, ch_error *err)
{
    const char **names = CH_NEW_ARRAY(w->arena, const char *, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const ch_attr *attr = m->attrs[i];
        const char **parts =
            ch_arena_grow(w->arena, attr->qualifier, sizeof(char *), attr->nqualifier, attr->nqualifier + 1);
        parts[attr->nqualifier] = attr->name;
        names[i] = ch_sql_id(w->arena, attr->nqualifier + 1, parts);
    }
    qsort(names, m->n, sizeof *names, compare_text);
    ch_buf text = {0};
    for (size_t i = 0; i < m->n; i++) ch_buf_printf(&text, "%s%s", i ? ", " : "[", names[i]);
    ch_buf_char(&text, ']');
    int status = ch_raise(err, "AMBIGUOUS_REFERENCE", "name", ch_sql_id(w->arena, w->nparts, w->parts),
                          "referenceNames", ch_buf_text(&text), (char *)NULL);
    ch_buf_reset(&text);
    return status;
}

/* The expression for a match: the column under the name as written, then the fields that the other parts name. */
static int make_expr(ch_scope *scope, const wanted *w, const matches *m, ch_expr **out, ch_error *err)
{
    if (m->n > 1) return ambiguous(w, m, err);
    ch_expr *e = ch_column_of(scope->arena, m->attrs[0]);
    e->u.column.name = w->parts[m->used - 1];
    if (m->used == w->nparts) {
        *out = e;
        return 0;
    }
    for (size_t i = m->used; i < w->nparts; i++) {
        ch_expr *extract = ch_expr_new(scope->arena, CH_EX_EXTRACT);
        extract->u.extract.child = e;
        extract->u.extract.key = ch_expr_string(scope->arena, w->parts[i]);
        e = extract;
    }
    return ch_resolve(scope, e, out, err);
}

static int unresolved(const ch_scope *scope, const wanted *w, ch_error *err)
{
    const char *name = ch_sql_id(scope->arena, w->nparts, w->parts);
    const char *proposal = ch_suggestions(scope->arena, scope->input, scope->ninput, w->nparts, w->parts);
    if (!*proposal) return ch_raise(err, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "objectName", name, (char *)NULL);
    return ch_raise(err, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "objectName", name, "proposal", proposal, (char *)NULL);
}

/* --- columns below the input (Spark's missing attributes) --- */

/* Relations through which SORT and FILTER may reach for columns that were dropped. */
static bool lets_through(const ch_rel *rel)
{
    if (rel->closed) return false;
    switch (rel->kind) {
    case CH_REL_PROJECT:
    case CH_REL_FILTER:
    case CH_REL_SORT:
    case CH_REL_LIMIT:
    case CH_REL_DISTINCT:
    case CH_REL_ROW_NUMBER:
    case CH_REL_GENERATE: return true;
    default: return false;
    }
}

static matches match_below(const wanted *w, const ch_rel *rel)
{
    matches m = {0};
    while (!m.n && lets_through(rel)) {
        rel = rel->input;
        m = match(w, &rel, 1, false);
    }
    return m;
}

bool ch_expose(ch_arena *arena, ch_rel *rel, const ch_attr *attr)
{
    if (ch_attr_find(rel, attr->id)) return true;
    if (!lets_through(rel) || !ch_expose(arena, rel->input, attr)) return false;
    if (rel->kind == CH_REL_DISTINCT && !rel->u.distinct.nkey) {
        /* "all columns" would now mean one more */
        rel->u.distinct.nkey = rel->ncol;
        rel->u.distinct.keys = CH_NEW_ARRAY(arena, int, rel->ncol);
        for (size_t i = 0; i < rel->ncol; i++) rel->u.distinct.keys[i] = rel->cols[i].id;
    }
    ch_rel_add_hidden(arena, rel, attr);
    return true;
}

static void note_missing(ch_scope *scope, const ch_attr *attr)
{
    ch_missing *missing = scope->missing;
    for (size_t i = 0; i < missing->n; i++) {
        if (missing->attrs[i]->id == attr->id) return;
    }
    missing->attrs = ch_arena_grow(scope->arena, missing->attrs, sizeof *missing->attrs, missing->n, missing->n + 1);
    missing->attrs[missing->n++] = attr;
}

/* --- by plan id --- */

/* What a search by plan id found. */
typedef struct found {
    matches m;
    int depth;    /* of the relation: 0 is an input of the scope itself */
    bool matched; /* a relation with the plan id is there, whether or not it has the column */
    bool clash;   /* several have it */
} found;

static bool has_plan_id(const ch_rel *rel, int64_t plan_id)
{
    for (size_t i = 0; i < rel->nplan_id; i++) {
        if (rel->plan_ids[i] == plan_id) return true;
    }
    return false;
}

/* Keeps the one found at the top if the other is deeper; two elsewhere clash. */
static void merge_found(found *into, const found *other)
{
    into->matched |= other->matched;
    into->clash |= other->clash;
    if (!other->m.n) return;
    if (!into->m.n) {
        into->m = other->m;
        into->depth = other->depth;
    } else if (into->depth == 0 && other->depth != 0) {
        return;
    } else if (other->depth == 0 && into->depth != 0) {
        into->m = other->m;
        into->depth = 0;
    } else {
        into->clash = true;
    }
}

static void search(const wanted *w, int64_t plan_id, const ch_rel *rel, int depth, found *out)
{
    if (has_plan_id(rel, plan_id)) {
        out->matched = true;
        out->depth = depth;
        out->m = match(w, &rel, 1, false);
        if (out->m.n != 1) out->m.n = 0; /* ambiguous there: as good as absent */
        return;
    }
    if (rel->kind == CH_REL_SET_OP && rel->u.set_op.kind == CH_SET_UNION) return;
    if (rel->input) search(w, plan_id, rel->input, depth + 1, out);
    if (rel->right) {
        found other = {0};
        search(w, plan_id, rel->right, depth + 1, &other);
        merge_found(out, &other);
    }
    /* what the relation does not pass on is not seen from above */
    if (out->m.n == 1 && !ch_attr_find(rel, out->m.attrs[0]->id)) out->m.n = 0;
}

static int lookup_by_plan_id(ch_scope *scope, const wanted *w, int64_t plan_id, ch_expr **out, ch_error *err)
{
    found all = {0};
    for (size_t i = 0; i < scope->ninput; i++) {
        found one = {0};
        search(w, plan_id, scope->input[i], 0, &one);
        merge_found(&all, &one);
    }
    *out = NULL;
    const char *name = ch_sql_quote(scope->arena, join_parts(scope->arena, w->nparts, w->parts));
    if (all.clash) return ch_raise(err, "AMBIGUOUS_COLUMN_REFERENCE", "name", name, (char *)NULL);
    if (all.matched) return all.m.n == 1 ? make_expr(scope, w, &all.m, out, err) : 0;
    if (scope->outer) return lookup_by_plan_id(scope->outer, w, plan_id, out, err);
    return ch_raise(err, "CANNOT_RESOLVE_DATAFRAME_COLUMN", "name", name, (char *)NULL);
}

/* --- lookups --- */

int ch_lookup(ch_scope *scope, size_t nparts, const char **parts, int64_t plan_id, ch_expr **out, ch_error *err)
{
    wanted w = make_wanted(scope, nparts, parts);
    if (plan_id >= 0) {
        CH_TRY(lookup_by_plan_id(scope, &w, plan_id, out, err));
        if (*out) return 0;
    }
    matches m = match(&w, scope->input, scope->ninput, false);
    if (!m.n) m = match(&w, scope->input, scope->ninput, true);
    if (!m.n && scope->missing && scope->ninput == 1) {
        m = match_below(&w, scope->input[0]);
        if (m.n == 1) note_missing(scope, m.attrs[0]);
    }
    if (m.n) return make_expr(scope, &w, &m, out, err);
    for (ch_scope *outer = scope->outer; outer; outer = outer->outer) {
        m = match(&w, outer->input, outer->ninput, false);
        if (m.n) return make_expr(outer, &w, &m, out, err);
    }
    return unresolved(scope, &w, err);
}

const ch_attr *ch_scope_attr(const ch_scope *scope, int id)
{
    for (; scope; scope = scope->outer) {
        for (size_t i = 0; i < scope->ninput; i++) {
            const ch_attr *attr = ch_attr_find(scope->input[i], id);
            if (attr) return attr;
        }
        for (size_t i = 0; scope->missing && i < scope->missing->n; i++) {
            if (scope->missing->attrs[i]->id == id) return scope->missing->attrs[i];
        }
    }
    return NULL;
}

/* --- stars --- */

typedef struct star {
    ch_arena *arena;
    size_t n, cap;
    ch_expr **items;
} star;

static void add_star(star *s, ch_expr *e)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        s->items = ch_arena_grow(s->arena, s->items, sizeof *s->items, s->n, cap);
        s->cap = cap;
    }
    s->items[s->n++] = e;
}

static void add_all(star *s, const ch_attr *attrs, size_t n)
{
    for (size_t i = 0; i < n; i++) add_star(s, ch_column_of(s->arena, &attrs[i]));
}

/* The relation with the plan id all of whose columns can still be seen; NULL if there is none. */
static const ch_rel *search_star(const ch_rel *rel, int64_t plan_id, bool *clash)
{
    const ch_rel *hit = NULL;
    if (has_plan_id(rel, plan_id)) return rel;
    if (rel->input) hit = search_star(rel->input, plan_id, clash);
    if (rel->right) {
        const ch_rel *other = search_star(rel->right, plan_id, clash);
        if (hit && other) *clash = true;
        if (!hit) hit = other;
    }
    for (size_t i = 0; hit && i < hit->ncol; i++) {
        if (!ch_attr_find(rel, hit->cols[i].id)) return NULL;
    }
    return hit;
}

static int star_by_plan_id(ch_scope *scope, int64_t plan_id, star *s, ch_error *err)
{
    const ch_rel *hit = NULL;
    bool clash = false;
    for (size_t i = 0; i < scope->ninput; i++) {
        const ch_rel *other = search_star(scope->input[i], plan_id, &clash);
        if (hit && other) clash = true;
        if (!hit) hit = other;
    }
    if (clash) return ch_raise(err, "AMBIGUOUS_COLUMN_REFERENCE", "name", "\"*\"", (char *)NULL);
    if (!hit) return ch_raise(err, "CANNOT_RESOLVE_DATAFRAME_COLUMN", "name", "\"*\"", (char *)NULL);
    add_all(s, hit->cols, hit->ncol);
    return 0;
}

static void add_qualified(const wanted *w, const ch_attr *attrs, size_t n, star *s)
{
    for (size_t i = 0; i < n; i++) {
        if (is_qualified(w, &attrs[i], w->nparts)) add_star(s, ch_column_of(s->arena, &attrs[i]));
    }
}

/* s.* of a struct column: its fields. */
static int star_of_struct(ch_scope *scope, const wanted *w, const char **parts, star *s, ch_error *err)
{
    ch_expr *e;
    ch_error ignored;
    if (!ch_lookup(scope, w->nparts, parts, -1, &e, &ignored) && e->type->kind == CH_STRUCT) {
        for (size_t i = 0; i < e->type->nfield; i++) {
            const ch_field *field = &e->type->fields[i];
            ch_expr *item = ch_expr_new(scope->arena, CH_EX_FIELD);
            item->type = field->type;
            item->nullable = e->nullable || field->nullable;
            item->u.field.child = e;
            item->u.field.ordinal = i;
            item->u.field.name = field->name;
            add_star(s, item);
        }
        return 0;
    }
    ch_buf columns = {0};
    for (size_t i = 0; i < scope->ninput; i++) {
        for (size_t j = 0; j < scope->input[i]->ncol && columns.len < 400; j++) {
            const char *name = scope->input[i]->cols[j].name;
            ch_buf_printf(&columns, "%s%s", columns.len ? ", " : "", ch_sql_id(scope->arena, 1, &name));
        }
    }
    int status = ch_raise(err, "CANNOT_RESOLVE_STAR_EXPAND", "targetString", ch_sql_id(scope->arena, w->nparts, parts),
                          "columns", ch_buf_text(&columns), (char *)NULL);
    ch_buf_reset(&columns);
    return status;
}

int ch_lookup_star(ch_scope *scope, size_t nparts, const char **parts, int64_t plan_id, size_t *n, ch_expr ***out,
                   ch_error *err)
{
    star s = {.arena = scope->arena};
    int status = 0;
    if (plan_id >= 0) {
        status = star_by_plan_id(scope, plan_id, &s, err);
    } else if (!nparts) {
        for (size_t i = 0; i < scope->ninput; i++) add_all(&s, scope->input[i]->cols, scope->input[i]->ncol);
    } else {
        wanted w = make_wanted(scope, nparts, parts);
        for (size_t i = 0; i < scope->ninput; i++) {
            add_qualified(&w, scope->input[i]->hidden, scope->input[i]->nhidden, &s);
        }
        for (size_t i = 0; i < scope->ninput; i++) {
            add_qualified(&w, scope->input[i]->cols, scope->input[i]->ncol, &s);
        }
        if (!s.n) status = star_of_struct(scope, &w, parts, &s, err);
    }
    *n = s.n;
    *out = s.items;
    return status;
}
