/* auth_throttle.c: how fast passwords may be guessed. Each wrong one takes its time to be forgiven, and only so many
 * may be unforgiven (the generic cell rate algorithm of ATM's traffic management, I.371): for an address, and for an
 * address and one user's name. Who gave the right password from there once is judged by the second alone: a neighbour
 * behind the same address who guesses at others shuts nobody out. */
#include "track/auth/auth_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

/* A person mistypes a few times; a program that guesses gets some hundred thousand a year at one user. */
static const struct {
    int64_t forgiven_ms; /* one failure */
    int64_t most;
} ADDRESS = {1000, 50}, PAIR = {2000, 10};

/* The part of an address that its owner cannot choose: of IPv6 the network's 64 bits. */
static void network_of(const char *address, unsigned char out[16])
{
    memset(out, 0, 16);
    if (inet_pton(AF_INET6, address, out) == 1) {
        static const unsigned char MAPPED[12] = {[10] = 0xff, [11] = 0xff};
        if (memcmp(out, MAPPED, sizeof MAPPED) != 0) memset(out + 8, 0, 8);
    } else {
        inet_pton(AF_INET, address, out);
    }
}

/* A keyed digest: nobody can aim at another's place. */
static uint64_t identify(const ch_auth *auth, const char *address, const char *name)
{
    unsigned char network[16], digest[CH_AUTH_DIGEST];
    ch_buf text = {0};
    network_of(address, network);
    ch_buf_add(&text, auth->secret, sizeof auth->secret);
    ch_buf_add(&text, network, sizeof network);
    if (name) ch_buf_str(&text, name);
    ch_auth_digest(text.data, text.len, digest);
    ch_buf_reset(&text);
    uint64_t who;
    memcpy(&who, digest, sizeof who);
    return who | 1; /* never that of an empty place */
}

enum { WAYS = 8 }; /* places where an entry may be: who comes ninth to them takes that of the first to be forgiven */
static_assert(CH_AUTH_FAILURES % WAYS == 0, "the table is made of whole sets");

static auth_failures *set_of(ch_auth *auth, uint64_t who)
{
    return &auth->failures[(who >> 1) % (CH_AUTH_FAILURES / WAYS) * WAYS];
}

/* The entry, or NULL. The mutex is held. */
static auth_failures *find_entry(ch_auth *auth, uint64_t who)
{
    auth_failures *set = set_of(auth, who);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].who == who) return &set[i];
    }
    return NULL;
}

/* The entry, made if need be. The mutex is held. */
static auth_failures *make_entry(ch_auth *auth, uint64_t who, int64_t now)
{
    auth_failures *set = set_of(auth, who), *entry = find_entry(auth, who);
    if (entry) return entry;
    entry = set;
    for (size_t i = 1; i < WAYS; i++) {
        if (set[i].paid_ms < entry->paid_ms) entry = &set[i]; /* 0: never used */
    }
    *entry = (auth_failures){.who = who, .paid_ms = now};
    return entry;
}

static bool is_within(const auth_failures *entry, int64_t now, int64_t forgiven_ms, int64_t most)
{
    return !entry || entry->paid_ms - now <= forgiven_ms * (most - 1);
}

bool ch_auth_may_try(ch_auth *auth, const char *address, const char *name)
{
    int64_t now = ch_clock_ms();
    uint64_t pair = identify(auth, address, name), all = identify(auth, address, NULL);
    pthread_mutex_lock(&auth->failures_mutex);
    const auth_failures *theirs = find_entry(auth, pair), *everybodys = find_entry(auth, all);
    bool may = is_within(theirs, now, PAIR.forgiven_ms, PAIR.most) &&
               ((theirs && theirs->trusted) || is_within(everybodys, now, ADDRESS.forgiven_ms, ADDRESS.most));
    pthread_mutex_unlock(&auth->failures_mutex);
    return may;
}

static void charge(auth_failures *entry, int64_t now, int64_t forgiven_ms)
{
    entry->paid_ms = (entry->paid_ms > now ? entry->paid_ms : now) + forgiven_ms;
}

void ch_auth_tried(ch_auth *auth, const char *address, const char *name, bool good)
{
    int64_t now = ch_clock_ms();
    uint64_t pair = identify(auth, address, name), all = identify(auth, address, NULL);
    pthread_mutex_lock(&auth->failures_mutex);
    if (good) {
        make_entry(auth, pair, now)->trusted = true;
    } else {
        charge(make_entry(auth, pair, now), now, PAIR.forgiven_ms);
        charge(make_entry(auth, all, now), now, ADDRESS.forgiven_ms);
    }
    pthread_mutex_unlock(&auth->failures_mutex);
}
