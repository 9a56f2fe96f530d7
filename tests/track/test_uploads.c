/* test_uploads.c: files that come in parts: what joins them, what is refused, what is cleaned up; signatures. */
#include "testing.h"

#include "track/artifact/artifact_store.h"
#include "track/artifact/signed_url.h"
#include "track/artifact/uploads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

typedef struct fixture {
    ch_arena *arena;
    char folder[64], id[CH_UPLOAD_ID_SIZE];
    char etags[3][CH_UPLOAD_ETAG_SIZE];
    ch_upload_part parts[3];
    ch_error err;
} fixture;

static const char PATH[] = "1/run/artifacts/big.bin";

static int put_part(fixture *f, int64_t number, const char *text, char etag[CH_UPLOAD_ETAG_SIZE])
{
    const char *source = ch_arena_printf(f->arena, "%s.body", f->folder);
    FILE *file = fopen(source, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    int status = ch_upload_put(f->folder, f->id, number, source, etag, &f->err);
    unlink(source);
    return status;
}

static int begin(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->arena = ch_arena_new();
    strcpy(f->folder, "/tmp/chert-uploads-XXXXXX");
    *state = f;
    if (!mkdtemp(f->folder) || ch_upload_create(f->folder, PATH, 3, f->id, &f->err)) return -1;
    for (int i = 0; i < 3; i++) f->parts[i] = (ch_upload_part){i + 1, f->etags[i]};
    return 0;
}

static int end(void **state)
{
    fixture *f = *state;
    ch_artifact_remove(f->folder, "1", &f->err);
    ch_artifact_remove(f->folder, CH_ARTIFACT_UPLOADS, &f->err);
    int left = rmdir(f->folder);
    ch_arena_free(f->arena);
    free(f);
    return left;
}

static void put_all(fixture *f)
{
    static const char *const TEXTS[] = {"one ", "two ", "three"};
    for (int i = 2; i >= 0; i--) assert_int_equal(put_part(f, i + 1, TEXTS[i], f->etags[i]), 0);
}

static int complete(fixture *f, size_t count)
{
    return ch_upload_complete(f->folder, f->id, PATH, f->parts, count, &f->err);
}

static const char *content(fixture *f)
{
    char *text = ch_arena_alloc(f->arena, 64);
    FILE *file = fopen(ch_artifact_absolute(f->arena, f->folder, PATH), "r");
    if (!file) return NULL;
    text[fread(text, 1, 63, file)] = '\0';
    fclose(file);
    return text;
}

static void joins_parts(void **state)
{
    fixture *f = *state;
    put_all(f);
    assert_null(content(f));
    assert_int_equal(complete(f, 3), 0);
    assert_string_equal(content(f), "one two three");
    assert_int_equal(complete(f, 3), 0); /* the answer may have been lost */
    assert_int_equal(put_part(f, 1, "x", f->etags[0]), CH_E_NOT_FOUND);
    assert_int_equal(ch_upload_abort(f->folder, f->id, PATH, &f->err), 0);
    assert_int_equal(complete(f, 3), CH_E_NOT_FOUND);
    assert_string_equal(content(f), "one two three");
}

static void takes_the_last_of_a_part(void **state)
{
    fixture *f = *state;
    char old[CH_UPLOAD_ETAG_SIZE];
    put_all(f);
    memcpy(old, f->etags[1], sizeof old);
    assert_int_equal(put_part(f, 2, "2 and more ", f->etags[1]), 0);
    f->parts[1].etag = old;
    assert_int_equal(complete(f, 3), CH_E_ILLEGAL_ARGUMENT);
    f->parts[1].etag = f->etags[1];
    assert_int_equal(complete(f, 3), 0);
    assert_string_equal(content(f), "one 2 and more three");
}

static void refuses_what_is_not_whole(void **state)
{
    fixture *f = *state;
    assert_int_equal(put_part(f, 1, "one ", f->etags[0]), 0);
    assert_int_equal(put_part(f, 2, "two ", f->etags[1]), 0);
    assert_int_equal(complete(f, 3), CH_E_ILLEGAL_ARGUMENT); /* the third never came */
    assert_int_equal(complete(f, 2), CH_E_ILLEGAL_ARGUMENT); /* ... and is not named */
    assert_int_equal(complete(f, 0), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(put_part(f, 3, "three", f->etags[2]), 0);
    f->parts[0].etag = NULL;
    assert_int_equal(complete(f, 3), CH_E_ILLEGAL_ARGUMENT);
    f->parts[0].etag = "\"0-0-0\"";
    assert_int_equal(complete(f, 3), CH_E_ILLEGAL_ARGUMENT);
    f->parts[0].etag = f->etags[0];
    f->parts[2].number = 4;
    assert_int_equal(complete(f, 3), CH_E_ILLEGAL_ARGUMENT);
    f->parts[2].number = 3;
    assert_null(content(f));
    assert_int_equal(complete(f, 3), 0);
    assert_string_equal(content(f), "one two three");
}

static void refuses_foreign_ids_parts_and_paths(void **state)
{
    fixture *f = *state;
    static const char *const IDS[] = {"", "..", "../../etc", "0123456789abcdef0123456789abcdef",
                                      "0123456789abcdef012345678/abcdef"};
    char etag[CH_UPLOAD_ETAG_SIZE];
    put_all(f);
    for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
        assert_int_equal(ch_upload_complete(f->folder, IDS[i], PATH, f->parts, 3, &f->err), CH_E_NOT_FOUND);
        assert_int_equal(ch_upload_abort(f->folder, IDS[i], PATH, &f->err), CH_E_NOT_FOUND);
        assert_int_equal(ch_upload_put(f->folder, IDS[i], 1, "/dev/null", etag, &f->err), CH_E_NOT_FOUND);
    }
    for (int64_t part = -1; part < 6; part++)
        if (part < 1 || part > 3) assert_int_equal(put_part(f, part, "x", etag), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_upload_complete(f->folder, f->id, "2/x", f->parts, 3, &f->err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_upload_abort(f->folder, f->id, "2/x", &f->err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(complete(f, 3), 0);
}

static void forgets_aborted_and_abandoned_uploads(void **state)
{
    fixture *f = *state;
    char other[CH_UPLOAD_ID_SIZE];
    put_all(f);
    assert_int_equal(ch_upload_abort(f->folder, f->id, PATH, &f->err), 0);
    assert_int_equal(complete(f, 3), CH_E_NOT_FOUND);
    assert_int_equal(ch_upload_create(f->folder, PATH, 1, f->id, &f->err), 0);
    assert_int_equal(ch_upload_create(f->folder, PATH, 1, other, &f->err), 0);
    const char *old = ch_arena_printf(f->arena, "%s/" CH_ARTIFACT_UPLOADS "/%s", f->folder, f->id);
    const char *body = ch_arena_printf(f->arena, "%s/" CH_ARTIFACT_UPLOADS "/" CH_ARTIFACT_BODY_PREFIX "x", f->folder);
    fclose(fopen(body, "w"));
    struct utimbuf long_ago = {.actime = 1, .modtime = 1};
    assert_int_equal(utime(old, &long_ago), 0);
    assert_int_equal(utime(body, &long_ago), 0);
    ch_upload_sweep(f->folder, CH_UPLOAD_SECONDS);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(body, F_OK), -1);
    assert_int_equal(ch_upload_abort(f->folder, other, PATH, &f->err), 0);
}

/* Test cases 1, 2 and 3 of RFC 4231. */
static void signs_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *key, *data;
        unsigned char first[4], last[4];
    } CASES[] = {
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
         "Hi There",
         {0xb0, 0x34, 0x4c, 0x61},
         {0x2e, 0x32, 0xcf, 0xf7}},
        {"Jefe", "what do ya want for nothing?", {0x5b, 0xdc, 0xc1, 0x46}, {0x64, 0xec, 0x38, 0x43}},
        {"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa",
         "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
         "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd",
         {0x77, 0x3e, 0xa9, 0x1e},
         {0xce, 0xd5, 0x65, 0xfe}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unsigned char out[32];
        ch_hmac_sha256(CASES[i].key, strlen(CASES[i].key), CASES[i].data, strlen(CASES[i].data), out);
        assert_memory_equal(out, CASES[i].first, 4);
        assert_memory_equal(out + 28, CASES[i].last, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(joins_parts, begin, end),
        cmocka_unit_test_setup_teardown(takes_the_last_of_a_part, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_is_not_whole, begin, end),
        cmocka_unit_test_setup_teardown(refuses_foreign_ids_parts_and_paths, begin, end),
        cmocka_unit_test_setup_teardown(forgets_aborted_and_abandoned_uploads, begin, end),
        cmocka_unit_test(signs_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
