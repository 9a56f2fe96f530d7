/* auth_people.c: all users and tokens in memory, as the store has them. */
#include "track/auth/auth_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct user_list {
    auth_people *people;
    size_t user_room, token_room;
} user_list;

static int read_users(ch_db *db, user_list *list, ch_error *err)
{
    auth_people *p = list->people;
    ch_db_sql(db, "SELECT id, username, password, is_admin FROM users ORDER BY id");
    for (bool more = true;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if (p->nuser == list->user_room) {
            list->user_room = list->user_room ? list->user_room * 2 : 16;
            p->users = ch_arena_grow(p->arena, p->users, sizeof *p->users, p->nuser, list->user_room);
        }
        p->users[p->nuser++] = (auth_user){
            .number = ch_db_get_int(db, 0),
            .name = ch_arena_strdup(p->arena, ch_db_get_text(db, 1)),
            .hash = ch_arena_strdup(p->arena, ch_db_get_text(db, 2)),
            .admin = ch_db_get_int(db, 3) != 0,
        };
    }
}

static int compare_tokens(const void *a, const void *b)
{
    return memcmp(((const auth_token *)a)->digest, ((const auth_token *)b)->digest, CH_AUTH_DIGEST);
}

static const auth_user *user_numbered(const auth_people *p, int64_t number)
{
    for (size_t i = 0; i < p->nuser; i++) {
        if (p->users[i].number == number) return &p->users[i];
    }
    return NULL;
}

static int read_tokens(ch_db *db, user_list *list, ch_error *err)
{
    auth_people *p = list->people;
    ch_db_sql(db, "SELECT user_number, secret, expires FROM user_tokens");
    for (bool more = true;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) break;
        auth_token token = {.user = user_numbered(p, ch_db_get_int(db, 0)), .expires = ch_db_get_int(db, 2)};
        if (!token.user || !ch_auth_from_hex(ch_db_get_text(db, 1), token.digest)) continue;
        if (p->ntoken == list->token_room) {
            list->token_room = list->token_room ? list->token_room * 2 : 16;
            p->tokens = ch_arena_grow(p->arena, p->tokens, sizeof *p->tokens, p->ntoken, list->token_room);
        }
        p->tokens[p->ntoken++] = token;
    }
    if (p->ntoken) qsort(p->tokens, p->ntoken, sizeof *p->tokens, compare_tokens);
    return 0;
}

static int read_people(ch_db *db, void *arg, ch_error *err)
{
    user_list *list = arg;
    list->people->nuser = list->people->ntoken = 0; /* in case it is run again */
    CH_TRY(read_users(db, list, err));
    return read_tokens(db, list, err);
}

void ch_auth_people_free(auth_people *people)
{
    if (!people) return;
    ch_map_free(people->by_name, NULL);
    ch_arena_free(people->arena);
}

static void take_digest(auth_people *p)
{
    ch_buf text = {0};
    for (size_t i = 0; i < p->nuser; i++) {
        const auth_user *u = &p->users[i];
        ch_buf_printf(&text, "%lld %d %s\n%s\n", (long long)u->number, u->admin, u->name, u->hash);
    }
    for (size_t i = 0; i < p->ntoken; i++) {
        const auth_token *t = &p->tokens[i];
        ch_buf_printf(&text, "%lld %lld ", (long long)t->user->number, (long long)t->expires);
        ch_buf_add(&text, t->digest, sizeof t->digest);
    }
    ch_auth_digest(ch_buf_text(&text), text.len, p->digest);
    ch_buf_reset(&text);
}

/* Takes over `people`, which are in force from now on unless they are as they were. */
static void put_in_force(ch_auth *auth, auth_people *people)
{
    pthread_rwlock_wrlock(&auth->lock);
    auth_people *old = auth->people;
    bool same = old && memcmp(old->digest, people->digest, CH_AUTH_DIGEST) == 0;
    if (!same) {
        auth->people = people;
        memset(auth->seen, 0, sizeof auth->seen);
    }
    pthread_rwlock_unlock(&auth->lock);
    if (!same) ch_auth_grants_changed(auth);
    ch_auth_people_free(same ? people : old);
}

int ch_auth_people_load(ch_auth *auth, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    auth_people *people = CH_NEW(arena, auth_people);
    people->arena = arena;
    people->by_name = ch_map_new();
    user_list list = {.people = people};
    pthread_mutex_lock(&auth->loading);
    int status = ch_db_read(auth->track->pool, read_people, &list, err);
    if (status) {
        ch_auth_people_free(people);
    } else {
        for (size_t i = 0; i < people->nuser; i++) {
            ch_map_put(people->by_name, people->users[i].name, &people->users[i]);
        }
        take_digest(people);
        put_in_force(auth, people);
    }
    pthread_mutex_unlock(&auth->loading);
    return status;
}

static void copy_user(ch_arena *arena, const auth_user *user, auth_user *out)
{
    *out = *user;
    out->name = ch_arena_strdup(arena, user->name);
    out->hash = ch_arena_strdup(arena, user->hash);
}

bool ch_auth_find(ch_auth *auth, ch_arena *arena, const char *name, auth_user *out)
{
    if (!name) return false;
    pthread_rwlock_rdlock(&auth->lock);
    const auth_user *user = ch_map_get(auth->people->by_name, name);
    if (user) copy_user(arena, user, out);
    pthread_rwlock_unlock(&auth->lock);
    return user != NULL;
}

bool ch_auth_find_token(ch_auth *auth, ch_arena *arena, const char *token, auth_user *out)
{
    auth_token wanted;
    ch_auth_digest(token, strlen(token), wanted.digest);
    pthread_rwlock_rdlock(&auth->lock);
    const auth_people *p = auth->people;
    /* the search's timing tells of digests only, which lead nobody to a token */
    const auth_token *found =
        p->ntoken ? bsearch(&wanted, p->tokens, p->ntoken, sizeof *p->tokens, compare_tokens) : NULL;
    bool good = found && ch_auth_same(found->digest, wanted.digest, CH_AUTH_DIGEST) &&
                (!found->expires || found->expires > ch_clock_ms());
    if (good) copy_user(arena, found->user, out);
    pthread_rwlock_unlock(&auth->lock);
    return good;
}
