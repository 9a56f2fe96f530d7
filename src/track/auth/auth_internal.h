/* auth_internal.h: what the files of the guard share. */
#ifndef CHERT_TRACK_AUTH_INTERNAL_H
#define CHERT_TRACK_AUTH_INTERNAL_H

#include "base/map.h"
#include "track/auth/auth.h"
#include "track/call.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CH_AUTH_DIGEST = 32, CH_AUTH_HEX = 65 };

typedef struct auth_user {
    int64_t number;
    const char *name, *hash;
    bool admin;
} auth_user;

typedef struct auth_token {
    unsigned char digest[CH_AUTH_DIGEST];
    const auth_user *user;
    int64_t expires; /* milliseconds since 1970; 0: never */
} auth_token;

/* All users as the store has them; replaced as a whole when they change. */
typedef struct auth_people {
    ch_arena *arena;
    ch_map *by_name;
    auth_user *users;
    size_t nuser;
    auth_token *tokens; /* sorted by digest */
    size_t ntoken;
    unsigned char digest[CH_AUTH_DIGEST]; /* of all of it: whether anything changed */
} auth_people;

/* Authorization headers that were checked lately, by digest: a password hash takes some 20 ms, this takes one us. */
typedef struct auth_seen {
    unsigned char digest[CH_AUTH_DIGEST];
    int64_t until; /* milliseconds since 1970; 0: an empty place */
    bool good;
    char name[CH_AUTH_NAME_SIZE];
} auth_seen;
enum { CH_AUTH_SEEN = 1024 };

/* How often somebody gave a wrong password lately: an address, or an address for one user. */
typedef struct auth_failures {
    uint64_t who;
    int64_t paid_ms; /* when the last of them will be forgiven */
    bool trusted;    /* the password was right once */
} auth_failures;
enum { CH_AUTH_FAILURES = 4096 };

/* What a user may do with a model, as long as nothing changed. */
typedef struct auth_right {
    int64_t user, grants, registry; /* the generations then */
    ch_permission permission;
    char model[256];
} auth_right;
enum { CH_AUTH_RIGHTS = 256 };

enum { CH_AUTH_PROTECTED = 4 };

struct ch_auth {
    ch_track *track;
    const char *file;                         /* NULL: users are kept in the store */
    const char *protected[CH_AUTH_PROTECTED]; /* real paths; NULL after the last */
    ch_permission otherwise;
    unsigned char secret[CH_AUTH_DIGEST]; /* of the digests in `seen`: nobody can aim at a place */
    pthread_rwlock_t lock;                /* of people, seen and rights */
    pthread_mutex_t loading;              /* one reads people: what is older never takes the place of what is newer */
    auth_people *people;
    auth_seen seen[CH_AUTH_SEEN];
    auth_right rights[CH_AUTH_RIGHTS];
    _Atomic int64_t grants; /* grows with each change of a permission or a user */
    atomic_int hashing;     /* passwords being checked right now */

    pthread_mutex_t failures_mutex;
    auth_failures failures[CH_AUTH_FAILURES];

    int64_t file_mtime_ns, file_size;
    pthread_t refresher;
    bool refreshing;
    pthread_mutex_t refresh_mutex; /* of ending */
    pthread_cond_t refresh_wake;
    bool ending;
};

/* auth_secret.c */
void ch_auth_digest(const void *bytes, size_t len, unsigned char out[CH_AUTH_DIGEST]);
void ch_auth_to_hex(const unsigned char digest[CH_AUTH_DIGEST], char out[CH_AUTH_HEX]);
bool ch_auth_from_hex(const char *hex, unsigned char out[CH_AUTH_DIGEST]);
bool ch_auth_same(const void *a, const void *b, size_t len); /* in constant time */
/* crypt(3)'s text of a password. */
int ch_auth_hash(const char *password, ch_buf *out, ch_error *err);
bool ch_auth_verify(const char *password, const char *hash);
void ch_auth_new_token(char token[CH_AUTH_TOKEN_SIZE]);
/* "user:password" of a Basic header's base64; false when it is none. *password points behind the name. */
bool ch_auth_read_basic(ch_arena *arena, const char *base64, char **name, char **password);

/* auth_file.c: puts the users of the file into the store if it has changed since. One thread at a time. */
int ch_auth_file_load(ch_auth *auth, ch_error *err);

/* auth_refresh.c: the thread that sees what changes users elsewhere. */
int ch_auth_refresh_start(ch_auth *auth, ch_error *err);
void ch_auth_refresh_stop(ch_auth *auth);

/* auth_throttle.c: wrong passwords. Whether a client at `address` may try one for the user `name` now; and what came of
 * it. */
bool ch_auth_may_try(ch_auth *auth, const char *address, const char *name);
void ch_auth_tried(ch_auth *auth, const char *address, const char *name, bool good);

/* auth_people.c */
int ch_auth_people_load(ch_auth *auth, ch_error *err); /* from the store; if they changed, forgets what was seen */
void ch_auth_people_free(auth_people *people);
/* Copies a user; name and hash live in `arena`. False: there is none. */
bool ch_auth_find(ch_auth *auth, ch_arena *arena, const char *name, auth_user *out);
bool ch_auth_find_token(ch_auth *auth, ch_arena *arena, const char *token, auth_user *out);

/* auth_permission.c: the words, and who may what. */
bool ch_permission_parse(const char *text, ch_permission *out);
/* What a user may do with a thing. `on` and `key` as in ch_track_route. *found: whether there is such a thing. */
int ch_auth_permission(ch_auth *auth, const auth_user *user, ch_access_on on, const char *key, ch_permission *out,
                       bool *found, ch_error *err);

/* auth_scoring.c */
const char *ch_auth_scored_model(const ch_http_request *request); /* NULL: the request scores none */
bool ch_auth_recall_right(ch_auth *auth, const auth_user *user, const char *model, ch_permission *out);
int ch_auth_look_up_right(ch_auth *auth, const auth_user *user, const char *model, ch_permission *out, ch_error *err);
void ch_auth_grants_changed(ch_auth *auth); /* after permissions or users changed */

/* The user who makes the call. Fails the call: no users, not one of them. */
int ch_auth_caller(ch_call *call, auth_user *user);
/* Fails the call with PERMISSION_DENIED unless the user may do so much. */
int ch_auth_require(ch_call *call, const auth_user *user, ch_access_on on, const char *key, ch_permission needs);

#endif
