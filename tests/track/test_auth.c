/* test_auth.c: users of a file and of the store, their passwords and tokens; what hostile headers and files do. */
#include "track/auth/auth_internal.h"

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct fixture {
    char folder[64], store[128], artifacts[128], file[128];
    ch_track *track;
} fixture;

static int start(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    ch_error err;
    strcpy(f->folder, "/tmp/chert-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->store, sizeof f->store, "%s/t.db", f->folder);
    snprintf(f->artifacts, sizeof f->artifacts, "%s/artifacts", f->folder);
    snprintf(f->file, sizeof f->file, "%s/users", f->folder);
    ch_track_options options = {.store = f->store, .artifacts = f->artifacts};
    assert_int_equal(ch_track_open(&options, &f->track, &err), 0);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture *f = *state;
    ch_track_close(f->track);
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    int failed = system(command);
    free(f);
    return failed;
}

static void write_file(const fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* "Basic ..." of a name and password, in base64. */
static void basic(const char *pair, char out[256])
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(pair), n = (size_t)sprintf(out, "Basic ");
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)(unsigned char)pair[i] << 16;
        if (i + 1 < len) bits |= (unsigned)(unsigned char)pair[i + 1] << 8;
        if (i + 2 < len) bits |= (unsigned)(unsigned char)pair[i + 2];
        out[n++] = DIGITS[bits >> 18];
        out[n++] = DIGITS[bits >> 12 & 63];
        out[n++] = i + 1 < len ? DIGITS[bits >> 6 & 63] : '=';
        out[n++] = i + 2 < len ? DIGITS[bits & 63] : '=';
    }
    out[n] = '\0';
}

static bool admits(ch_auth *auth, const char *pair)
{
    char header[256], name[CH_AUTH_NAME_SIZE];
    basic(pair, header);
    bool first = ch_auth_whose(auth, header, name);
    assert_int_equal(ch_auth_whose(auth, header, name), first); /* what is remembered says the same */
    return first;
}

static void knows_users_of_a_file(void **state)
{
    const fixture *f = *state;
    ch_error err;
    ch_auth *auth;
    ch_buf text = {0};
    char token[CH_AUTH_TOKEN_SIZE], header[128], name[CH_AUTH_NAME_SIZE];
    ch_buf_str(&text, "# users\n\n");
    assert_int_equal(ch_auth_user_line("alice", "pass:word", true, &text, &err), 0);
    ch_buf_str(&text, "\r\n");
    assert_int_equal(ch_auth_token_line("bob", token, &text, &err), 0);
    ch_buf_str(&text, "\n");
    write_file(f, text.data);
    ch_buf_reset(&text);
    assert_int_equal(ch_auth_open(f->track, f->file, NULL, &auth, &err), 0);
    assert_true(admits(auth, "alice:pass:word"));
    assert_false(admits(auth, "alice:pass"));
    assert_false(admits(auth, "alice:"));
    assert_false(admits(auth, "bob:"));
    assert_false(admits(auth, "bob:*"));
    assert_false(admits(auth, "carol:pass:word"));
    snprintf(header, sizeof header, "Bearer %s", token);
    assert_true(ch_auth_whose(auth, header, name));
    assert_string_equal(name, "bob");
    header[strlen(header) - 1] ^= 1;
    assert_false(ch_auth_whose(auth, header, name));
    auth_user user;
    ch_arena *arena = ch_arena_new();
    assert_true(ch_auth_find(auth, arena, "alice", &user) && user.admin);
    assert_true(ch_auth_find(auth, arena, "bob", &user) && !user.admin);
    ch_arena_free(arena);
    ch_auth_close(auth);
    assert_null(f->track->auth);
}

static void refuses_hostile_headers(void **state)
{
    const fixture *f = *state;
    static const char *const HEADERS[] = {
        "",           "Basic",  "Basic ",  "Basic =",     "Basic ====", "Basic YWxpY2U=", "Basic Og==",
        "Basic AAAA", "Bearer", "Bearer ", "Negotiate x", "basic\tx",   "Basic \x80",     "Basic YWxpY2U6cA==, Basic x",
    };
    ch_error err;
    ch_auth *auth;
    char name[CH_AUTH_NAME_SIZE];
    write_file(f, "alice:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7\n");
    assert_int_equal(ch_auth_open(f->track, f->file, NULL, &auth, &err), 0);
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) assert_false(ch_auth_whose(auth, HEADERS[i], name));
    unsigned seed = 7;
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t len = (size_t)(seed >> 8) % sizeof text;
        for (size_t k = 0; k < sizeof text; k++) {
            seed = seed * 1103515245 + 12345;
            text[k] = (char)(seed >> 16 | 1);
        }
        text[len ? len - 1 : 0] = '\0';
        ch_arena *arena = ch_arena_new();
        char *user, *password;
        if (ch_auth_read_basic(arena, text, &user, &password)) assert_true(strlen(user) + strlen(password) <= len);
        ch_arena_free(arena);
    }
    ch_auth_close(auth);
}

static void refuses_broken_files(void **state)
{
    const fixture *f = *state;
    static const char *const TEXTS[] = {
        "",
        "# nobody\n",
        "alice\n",
        ":$y$x\n",
        "alice:in the clear\n",
        "alice:$y$x:root\n",
        "alice:token:abc\n",
        "alice:token:5FECEB66FFC86F38D952786C6D696C79C2DBC239DD4E91B46729D73A27FB57E9\n",
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        ch_error err;
        ch_auth *auth;
        write_file(f, TEXTS[i]);
        assert_int_equal(ch_auth_open(f->track, f->file, NULL, &auth, &err), CH_E_IO);
        assert_null(f->track->auth);
    }
    char *big = malloc(5000);
    memset(big, 'x', 4999);
    big[4999] = '\0';
    write_file(f, big);
    free(big);
    ch_error err;
    ch_auth *auth;
    assert_int_equal(ch_auth_open(f->track, f->file, NULL, &auth, &err), CH_E_IO);
}

static void guessing_gets_slow_for_who_guesses(void **state)
{
    const fixture *f = *state;
    ch_error err;
    ch_auth *auth;
    write_file(f, "alice:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7\n");
    assert_int_equal(ch_auth_open(f->track, f->file, NULL, &auth, &err), 0);
    /* ten wrong ones are too many for a name; with thrice as many no pause of the test forgives enough */
    for (int i = 0; i < 30; i++) ch_auth_tried(auth, "10.0.0.1", "alice", false);
    assert_false(ch_auth_may_try(auth, "10.0.0.1", "alice"));
    assert_true(ch_auth_may_try(auth, "10.0.0.1", "bob"));
    assert_true(ch_auth_may_try(auth, "10.0.0.2", "alice"));
    ch_auth_tried(auth, "10.0.0.1", "bob", true);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "guess %d", i);
        ch_auth_tried(auth, "10.0.0.1", name, false);
    }
    assert_false(ch_auth_may_try(auth, "10.0.0.1", "carol")); /* the whole address now */
    assert_true(ch_auth_may_try(auth, "10.0.0.1", "bob"));    /* who has been in from there still may */
    assert_true(ch_auth_may_try(auth, "10.0.0.2", "carol"));
    /* a network of IPv6 is one */
    for (int i = 0; i < 30; i++) {
        char address[64];
        snprintf(address, sizeof address, "2001:db8::%x", i);
        ch_auth_tried(auth, address, "alice", false);
    }
    assert_false(ch_auth_may_try(auth, "2001:db8::ffff", "alice"));
    assert_true(ch_auth_may_try(auth, "2001:db8:0:1::1", "alice"));
    ch_auth_close(auth);
}

static void names_must_fit_the_file(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"", "a:b", "a\nb", "#a"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        ch_error err;
        ch_buf line = {0};
        assert_int_equal(ch_auth_user_line(NAMES[i], "x", false, &line, &err), CH_E_ILLEGAL_ARGUMENT);
        ch_buf_reset(&line);
    }
}

static void store_wants_a_first_administrator(void **state)
{
    const fixture *f = *state;
    ch_error err;
    ch_auth *auth;
    unsetenv("MLFLOW_AUTH_ADMIN_PASSWORD");
    unsetenv("MLFLOW_AUTH_ADMIN_USERNAME");
    assert_int_equal(ch_auth_open(f->track, "store", NULL, &auth, &err), CH_E_ILLEGAL_ARGUMENT);
    setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "first", 1);
    assert_int_equal(ch_auth_open(f->track, "store", "SOME", &auth, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_auth_open(f->track, "store", "NO_PERMISSIONS", &auth, &err), 0);
    assert_true(admits(auth, "admin:first"));
    assert_int_equal(auth->otherwise, CH_NO_PERMISSIONS);
    ch_auth_close(auth);
    /* later starts need it no more, and do not change it */
    setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "second", 1);
    assert_int_equal(ch_auth_open(f->track, "store", NULL, &auth, &err), 0);
    assert_true(admits(auth, "admin:first"));
    assert_false(admits(auth, "admin:second"));
    ch_auth_close(auth);
    unsetenv("MLFLOW_AUTH_ADMIN_PASSWORD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knows_users_of_a_file, start, stop),
        cmocka_unit_test_setup_teardown(refuses_hostile_headers, start, stop),
        cmocka_unit_test_setup_teardown(refuses_broken_files, start, stop),
        cmocka_unit_test_setup_teardown(guessing_gets_slow_for_who_guesses, start, stop),
        cmocka_unit_test(names_must_fit_the_file),
        cmocka_unit_test_setup_teardown(store_wants_a_first_administrator, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
