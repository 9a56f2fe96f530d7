/* auth_refresh.c: users that change elsewhere: in the file, or by another process on the same database. One thread
 * looks for it, so that no request ever waits for a look. */
#include "track/auth/auth_internal.h"

#include "base/log.h"

#include <string.h>
#include <time.h>

enum { EVERY_MS = 500 };

static bool has_company(const ch_auth *auth)
{
    return ch_db_pool_dialect(auth->track->pool) == CH_POSTGRES; /* SQLite's file is one process's */
}

static int look(ch_auth *auth, ch_error *err)
{
    if (auth->file) CH_TRY(ch_auth_file_load(auth, err));
    if (!has_company(auth)) return 0;
    ch_auth_grants_changed(auth); /* for all we know */
    return ch_auth_people_load(auth, err);
}

/* False when it is time to end. */
static bool wait_a_while(ch_auth *auth)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += EVERY_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&auth->refresh_mutex);
    if (!auth->ending) pthread_cond_timedwait(&auth->refresh_wake, &auth->refresh_mutex, &until);
    bool ending = auth->ending;
    pthread_mutex_unlock(&auth->refresh_mutex);
    return !ending;
}

/* What goes wrong is told once, not at every look. */
static void *refresh(void *arg)
{
    ch_auth *auth = arg;
    char told[sizeof((ch_error *)0)->message] = "";
    while (wait_a_while(auth)) {
        ch_error err;
        if (!look(auth, &err)) {
            told[0] = '\0';
        } else if (strcmp(told, err.message) != 0) {
            ch_log(CH_LOG_ERROR, "auth: %s: the users stay as they were", err.message);
            memcpy(told, err.message, sizeof told);
        }
    }
    return NULL;
}

int ch_auth_refresh_start(ch_auth *auth, ch_error *err)
{
    if (!auth->file && !has_company(auth)) return 0;
    if (pthread_create(&auth->refresher, NULL, refresh, auth)) {
        return ch_failf(err, CH_E_MEMORY, "Cannot start a thread for the users");
    }
    auth->refreshing = true;
    return 0;
}

void ch_auth_refresh_stop(ch_auth *auth)
{
    if (!auth->refreshing) return;
    pthread_mutex_lock(&auth->refresh_mutex);
    auth->ending = true;
    pthread_cond_signal(&auth->refresh_wake);
    pthread_mutex_unlock(&auth->refresh_mutex);
    pthread_join(auth->refresher, NULL);
}
