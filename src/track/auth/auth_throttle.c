/* auth_throttle.c: how fast passwords may be guessed. Each wrong one takes its time to be forgiven, and only so many
 * may be unforgiven (the generic cell rate algorithm of ATM's traffic management, I.371): for an address, and for an
 * address and one user's name. Who gave the right password from there once is judged by the second alone: a neighbour
 * behind the same address who guesses at others shuts nobody out. */
#include "track/auth/auth_internal.h"

#include <arpa/inet.h>
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

/* The entry, or an empty one in its place; NULL when somebody with more on the slate is there. The mutex is held. */
static auth_failures *entry_of(ch_auth *auth, uint64_t who, int64_t now, bool make)
{
    auth_failures *entry = &auth->failures[(who >> 1) % CH_AUTH_FAILURES];
    if (entry->who == who) return entry;
    if (!make || entry->paid_ms > now) return NULL;
    *entry = (auth_failures){.who = who};
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
    const auth_failures *theirs = entry_of(auth, pair, now, false), *everybodys = entry_of(auth, all, now, false);
    bool may = is_within(theirs, now, PAIR.forgiven_ms, PAIR.most) &&
               ((theirs && theirs->trusted) || is_within(everybodys, now, ADDRESS.forgiven_ms, ADDRESS.most));
    pthread_mutex_unlock(&auth->failures_mutex);
    return may;
}

static void charge(auth_failures *entry, int64_t now, int64_t forgiven_ms)
{
    if (entry) entry->paid_ms = (entry->paid_ms > now ? entry->paid_ms : now) + forgiven_ms;
}

void ch_auth_tried(ch_auth *auth, const char *address, const char *name, bool good)
{
    int64_t now = ch_clock_ms();
    uint64_t pair = identify(auth, address, name), all = identify(auth, address, NULL);
    pthread_mutex_lock(&auth->failures_mutex);
    auth_failures *theirs = entry_of(auth, pair, now, true);
    if (!good) {
        charge(theirs, now, PAIR.forgiven_ms);
        charge(entry_of(auth, all, now, true), now, ADDRESS.forgiven_ms);
    } else if (theirs) {
        theirs->trusted = true;
    }
    pthread_mutex_unlock(&auth->failures_mutex);
}
