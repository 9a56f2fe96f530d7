/* regex.c: Java regular expressions through PCRE2's JIT. The dialects agree on what people write; patterns are compiled
 * with UTF, Java's end-of-line rules for $ and Unicode-free \d \w \s, as java.util.regex has them by default. */
#include "frame/type/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE = 32, MATCH_LIMIT = 10000000 };

struct ch_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    char *pattern;
    size_t len;
    unsigned flags;
    unsigned long used;
    size_t groups;
};

typedef struct cache {
    struct ch_regex items[CACHE];
    unsigned long clock;
    pcre2_match_context *context;
} cache;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void clear(struct ch_regex *r)
{
    pcre2_code_free(r->code);
    pcre2_match_data_free(r->data);
    free(r->pattern);
    *r = (struct ch_regex){0};
}

static void free_cache(void *arg)
{
    cache *c = arg;
    for (size_t i = 0; i < CACHE; i++) clear(&c->items[i]);
    pcre2_match_context_free(c->context);
    free(c);
}

static void make_key(void)
{
    pthread_key_create(&key, free_cache);
}

static cache *thread_cache(void)
{
    pthread_once(&once, make_key);
    cache *c = pthread_getspecific(key);
    if (c) return c;
    c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->context = pcre2_match_context_create(NULL);
    if (c->context) pcre2_set_match_limit(c->context, MATCH_LIMIT);
    pthread_setspecific(key, c);
    return c;
}

static const struct ch_regex *compile(struct ch_regex *r, const char *pattern, size_t len, unsigned flags,
                                      const char *function, ch_error *err)
{
    int code;
    PCRE2_SIZE at;
    uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK | (flags & CH_REGEX_CASELESS ? PCRE2_CASELESS : 0);
    r->code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &at, NULL);
    if (!r->code) {
        char shown[300];
        snprintf(shown, sizeof shown, "'%.*s'", (int)(len < 290 ? len : 290), pattern);
        char name[64];
        snprintf(name, sizeof name, "`%s`", function);
        ch_raise(err, "INVALID_PARAMETER_VALUE.PATTERN", "parameter", "`regexp`", "functionName", name, "value", shown,
                 (char *)NULL);
        return NULL;
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without JIT the interpreter does the same, slower */
    uint32_t groups = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    r->groups = groups;
    r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->pattern = malloc(len + 1);
    if (!r->data || !r->pattern) {
        clear(r);
        ch_no_memory(err);
        return NULL;
    }
    memcpy(r->pattern, pattern, len);
    r->len = len;
    r->flags = flags;
    return r;
}

const ch_regex *ch_regex_find(const char *pattern, size_t len, unsigned flags, const char *function, ch_error *err)
{
    cache *c = thread_cache();
    if (!c || !c->context) {
        ch_no_memory(err);
        return NULL;
    }
    struct ch_regex *oldest = &c->items[0];
    c->clock++;
    for (size_t i = 0; i < CACHE; i++) {
        struct ch_regex *r = &c->items[i];
        if (r->code && r->len == len && r->flags == flags && memcmp(r->pattern, pattern, len) == 0) {
            r->used = c->clock;
            return r;
        }
        if (r->used < oldest->used) oldest = r;
    }
    clear(oldest);
    if (!compile(oldest, pattern, len, flags, function, err)) return NULL;
    oldest->used = c->clock;
    return oldest;
}

static int run(const struct ch_regex *r, const char *text, size_t len, size_t start, uint32_t options, ch_error *err)
{
    cache *c = thread_cache();
    int rc = pcre2_match(r->code, (PCRE2_SPTR)text, len, start, options | PCRE2_NO_UTF_CHECK, r->data, c->context);
    if (rc >= 0) return 1;
    if (rc == PCRE2_ERROR_NOMATCH) return 0;
    ch_failf(err, CH_E_RUNTIME, "The regular expression '%.*s' takes too long on a text of %zu bytes.",
             (int)(r->len < 200 ? r->len : 200), r->pattern, len);
    return -1;
}

int ch_regex_search(const ch_regex *regex, const char *text, size_t len, size_t start, size_t *spans, size_t groups,
                    ch_error *err)
{
    int found = run(regex, text, len, start, 0, err);
    if (found <= 0 || !spans) return found;
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(regex->data);
    for (size_t i = 0; i < groups && i <= regex->groups; i++) {
        spans[2 * i] = ovector[2 * i];
        spans[2 * i + 1] = ovector[2 * i + 1];
    }
    return 1;
}

size_t ch_regex_groups(const ch_regex *regex)
{
    return regex->groups;
}

int ch_regex_matches(const ch_regex *regex, const char *text, size_t len, ch_error *err)
{
    return run(regex, text, len, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, err);
}
