/* auth.c: the guard: who sent a request.
 *
 * A password costs some 20 ms and 16 MB to check, on purpose. So what was checked lately is remembered by a keyed
 * digest of the whole header until users change, passwords are never checked on a socket's thread, and only a few at a
 * time; who gives wrong ones must wait (auth_throttle.c), which right ones that are remembered never do. */
#include "track/auth/auth_internal.h"

#include "base/log.h"
#include "track/artifact/signed_url.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    GOOD_MS = 600 * 1000, /* how long a proof is remembered; less than a minute would cost a hash too often */
    BAD_MS = 5 * 1000,
    HASHING_MOST = 4 /* passwords at once; more are told to come again */
};

static const char NOT_AUTHENTICATED[] =
    "You are not authenticated. Please see https://www.mlflow.org/docs/latest/auth/index.html#authenticating-to-mlflow "
    "on how to authenticate.";

/* ---- what was seen lately ---- */

static void header_digest(const ch_auth *auth, const char *header, unsigned char out[CH_AUTH_DIGEST])
{
    ch_buf text = {0};
    ch_buf_add(&text, auth->secret, sizeof auth->secret);
    ch_buf_str(&text, header);
    ch_auth_digest(text.data, text.len, out);
    explicit_bzero(text.data, text.len);
    ch_buf_reset(&text);
}

static size_t place_of(const unsigned char digest[CH_AUTH_DIGEST])
{
    return (digest[0] | (size_t)digest[1] << 8) % CH_AUTH_SEEN;
}

/* Whether the header was seen; then *good and the user's name, and whether it would be forgotten before long. */
static bool recall(ch_auth *auth, const unsigned char digest[CH_AUTH_DIGEST], bool *good, bool *fading, char name[128])
{
    pthread_rwlock_rdlock(&auth->lock);
    const auth_seen *seen = &auth->seen[place_of(digest)];
    bool known = seen->until > ch_clock_ms() && ch_auth_same(seen->digest, digest, CH_AUTH_DIGEST);
    if (known) {
        *good = seen->good;
        *fading = seen->good && seen->until - ch_clock_ms() < GOOD_MS / 2;
        memcpy(name, seen->name, sizeof seen->name);
    }
    pthread_rwlock_unlock(&auth->lock);
    return known;
}

static void remember(ch_auth *auth, const unsigned char digest[CH_AUTH_DIGEST], bool good, const char *name)
{
    size_t len = strlen(name);
    if (len >= sizeof auth->seen[0].name) return;
    pthread_rwlock_wrlock(&auth->lock);
    auth_seen *seen = &auth->seen[place_of(digest)];
    if (!good && seen->good && seen->until > ch_clock_ms()) { /* wrong ones drive no right ones out */
        pthread_rwlock_unlock(&auth->lock);
        return;
    }
    memcpy(seen->digest, digest, CH_AUTH_DIGEST);
    seen->good = good;
    seen->until = ch_clock_ms() + (good ? GOOD_MS : BAD_MS);
    memcpy(seen->name, name, len + 1);
    pthread_rwlock_unlock(&auth->lock);
}

/* ---- checking ---- */

typedef enum verdict {
    UNKNOWN,
    KNOWN,
    BUSY, /* too many passwords are being checked */
    SLOW, /* too many were wrong */
    LATER /* it takes too long for a thread that may not wait */
} verdict;

/* A user that does not exist costs as much as one that does: names cannot be guessed by the clock. */
static verdict check_password(ch_auth *auth, const char *password, const auth_user *user)
{
    static const char NOBODY[] = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7";
    if (atomic_fetch_add(&auth->hashing, 1) >= HASHING_MOST) {
        atomic_fetch_sub(&auth->hashing, 1);
        return BUSY;
    }
    bool same = ch_auth_verify(password, user ? user->hash : NOBODY);
    atomic_fetch_sub(&auth->hashing, 1);
    return same && user ? KNOWN : UNKNOWN;
}

static verdict check_basic(ch_auth *auth, ch_arena *arena, const char *base64, const char *address, const char **name)
{
    auth_user user;
    char *given, *password;
    if (!ch_auth_read_basic(arena, base64, &given, &password)) return UNKNOWN;
    bool exists = ch_auth_find(auth, arena, given, &user), may = ch_auth_may_try(auth, address, given);
    verdict v = may ? check_password(auth, password, exists ? &user : NULL) : SLOW;
    explicit_bzero(password, strlen(password));
    if (v == KNOWN || v == UNKNOWN) ch_auth_tried(auth, address, given, v == KNOWN);
    if (v == KNOWN) *name = user.name;
    return v;
}

/* A token is found as fast as what was seen, and may end at any moment: it is not remembered. */
static verdict check_token(ch_auth *auth, ch_arena *arena, const char *token, const char **name)
{
    auth_user user;
    if (!ch_auth_find_token(auth, arena, token + strspn(token, " "), &user)) return UNKNOWN;
    *name = user.name;
    return KNOWN;
}

/* Whom an Authorization header that came from `address` is of, in `arena`. */
static verdict authenticate(ch_auth *auth, ch_arena *arena, const char *header, const char *address, bool may_wait,
                            const char **name)
{
    if (!strncasecmp(header, "Bearer ", 7)) return check_token(auth, arena, header + 7, name);
    if (strncasecmp(header, "Basic ", 6)) return UNKNOWN;
    unsigned char digest[CH_AUTH_DIGEST];
    char seen_name[sizeof auth->seen[0].name];
    bool good, fading;
    header_digest(auth, header, digest);
    if (recall(auth, digest, &good, &fading, seen_name)) {
        *name = ch_arena_strdup(arena, seen_name);
        if (fading) remember(auth, digest, true, seen_name);
        return good ? KNOWN : UNKNOWN;
    }
    if (!may_wait) return LATER;
    verdict v = check_basic(auth, arena, header + 6, address, name);
    if (v == KNOWN || v == UNKNOWN) remember(auth, digest, v == KNOWN, v == KNOWN ? *name : "");
    return v;
}

/* ---- the guard ---- */

static int refuse(ch_http_reply *reply, int status, const char *text)
{
    ch_http_text(reply, status, "text/plain; charset=utf-8", text);
    if (status == 401) ch_http_add_header(reply, "WWW-Authenticate", "Basic realm=\"mlflow\"");
    if (status == 429) ch_http_add_header(reply, "Retry-After", "1");
    return 1;
}

/* What is not a route of the tracking server, whose rows say what they need. */
static int check_rights(ch_auth *auth, ch_http_request *request, ch_http_reply *reply)
{
    const char *model = ch_auth_scored_model(request);
    auth_user user;
    ch_permission may;
    ch_error err;
    if (!model) return 0;
    if (!ch_auth_find(auth, ch_http_arena(request), ch_http_user(request), &user)) {
        return refuse(reply, 401, NOT_AUTHENTICATED);
    }
    if (user.admin) return 0;
    if (!ch_auth_recall_right(auth, &user, model, &may)) {
        if (!ch_http_may_wait(request)) return CH_HTTP_ASK_AGAIN;
        if (ch_auth_look_up_right(auth, &user, model, &may, &err)) {
            ch_log(CH_LOG_ERROR, "auth: %s", err.message);
            return refuse(reply, 500, "Internal Server Error");
        }
    }
    return may >= CH_READ ? 0 : refuse(reply, 403, "Permission denied");
}

int ch_auth_guard(ch_http_request *request, ch_http_reply *reply, void *arg)
{
    ch_auth *auth = arg;
    const char *header = ch_http_header(request, "Authorization"), *name;
    if (ch_signed_admits(auth->track, request)) return 0;
    if (!header) return refuse(reply, 401, NOT_AUTHENTICATED);
    switch (
        authenticate(auth, ch_http_arena(request), header, ch_http_remote(request), ch_http_may_wait(request), &name)) {
    case KNOWN: break;
    case LATER: return CH_HTTP_ASK_AGAIN;
    case BUSY: return refuse(reply, 429, "Too many passwords are being checked");
    case SLOW: return refuse(reply, 429, "Too many wrong passwords: try again later");
    default: return refuse(reply, 401, NOT_AUTHENTICATED);
    }
    ch_http_set_user(request, name);
    return check_rights(auth, request, reply);
}

bool ch_auth_whose(ch_auth *auth, const char *authorization, char name[CH_AUTH_NAME_SIZE])
{
    ch_arena *arena = ch_arena_new();
    const char *whose;
    bool known =
        authenticate(auth, arena, authorization, "", true, &whose) == KNOWN && strlen(whose) < CH_AUTH_NAME_SIZE;
    if (known) strcpy(name, whose);
    ch_arena_free(arena);
    return known;
}

bool ch_auth_is_admin(ch_auth *auth, const char *user)
{
    ch_arena *arena = ch_arena_new();
    auth_user found;
    bool admin = ch_auth_find(auth, arena, user, &found) && found.admin;
    ch_arena_free(arena);
    return admin;
}

/* ---- opening ---- */

typedef struct first_admin {
    const char *name;
    ch_buf hash;
} first_admin;

static int put_admin(ch_db *db, void *arg, ch_error *err)
{
    const first_admin *admin = arg;
    ch_db_sql(db, "INSERT INTO users(username, password, is_admin) VALUES (?1, ?2, 1)");
    ch_db_text(db, 1, admin->name);
    ch_db_text(db, 2, admin->hash.data);
    return ch_db_run(db, err);
}

static int make_admin(ch_auth *auth, ch_error *err)
{
    const char *name = getenv("MLFLOW_AUTH_ADMIN_USERNAME"), *password = getenv("MLFLOW_AUTH_ADMIN_PASSWORD");
    if (!password || !*password) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "The store has no users yet: set MLFLOW_AUTH_ADMIN_PASSWORD (and MLFLOW_AUTH_ADMIN_USERNAME) "
                        "for the first start with --auth store");
    }
    first_admin admin = {.name = name && *name ? name : "admin"};
    int status = ch_auth_hash(password, &admin.hash, err);
    if (!status) status = ch_db_write(auth->track->pool, put_admin, &admin, err);
    ch_buf_reset(&admin.hash);
    return status ? status : ch_auth_people_load(auth, err);
}

static int open_people(ch_auth *auth, ch_error *err)
{
    CH_TRY(ch_auth_people_load(auth, err));
    if (auth->file) return ch_auth_file_load(auth, err);
    return auth->people->nuser ? 0 : make_admin(auth, err);
}

int ch_auth_open(ch_track *track, const char *source, const char *otherwise, ch_auth **out, ch_error *err)
{
    ch_auth *auth = calloc(1, sizeof *auth);
    if (!auth) return ch_no_memory(err);
    auth->track = track;
    auth->file = strcmp(source, "store") ? ch_arena_strdup(track->arena, source) : NULL;
    auth->otherwise = CH_READ;
    pthread_rwlock_init(&auth->lock, NULL);
    pthread_mutex_init(&auth->loading, NULL);
    pthread_mutex_init(&auth->failures_mutex, NULL);
    pthread_mutex_init(&auth->refresh_mutex, NULL);
    pthread_cond_init(&auth->refresh_wake, NULL);
    int status = 0;
    if (getrandom(auth->secret, sizeof auth->secret, 0) != sizeof auth->secret) {
        status = ch_failf(err, CH_E_IO, "No random numbers to be had");
    } else if (otherwise && !ch_permission_parse(otherwise, &auth->otherwise)) {
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is no permission: READ, EDIT, MANAGE or NO_PERMISSIONS",
                          otherwise);
    } else {
        status = open_people(auth, err);
    }
    if (!status) status = ch_auth_refresh_start(auth, err);
    if (status) {
        ch_auth_close(auth);
        return status;
    }
    track->auth = auth;
    if (auth->file) ch_auth_protect(auth, auth->file);
    *out = auth;
    return 0;
}

void ch_auth_close(ch_auth *auth)
{
    if (!auth) return;
    ch_auth_refresh_stop(auth);
    if (auth->track->auth == auth) auth->track->auth = NULL;
    ch_auth_people_free(auth->people);
    pthread_rwlock_destroy(&auth->lock);
    pthread_mutex_destroy(&auth->loading);
    pthread_mutex_destroy(&auth->failures_mutex);
    pthread_mutex_destroy(&auth->refresh_mutex);
    pthread_cond_destroy(&auth->refresh_wake);
    explicit_bzero(auth, sizeof *auth);
    free(auth);
}
