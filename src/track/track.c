/* track.c: opening and closing the tracking server's store. */
#include "track/track.h"
#include "track/artifact/signed_url.h"
#include "track/artifact/uploads.h"
#include "track/call.h"
#include "track/registry/registry.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    READERS = 8,     /* the most connections that read at once */
    COMPANY_MS = 500 /* how long another process's change of the registry may go unnoticed */
};

/* Makes the folder and those above it. */
static int make_folder(const char *path, ch_error *err)
{
    char *copy = strdup(path);
    if (!copy) return ch_no_memory(err);
    int failed = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && !failed; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        failed = mkdir(copy, 0755) && errno != EEXIST;
        *slash = '/';
    }
    if (!failed) failed = mkdir(copy, 0755) && errno != EEXIST;
    free(copy);
    return failed ? ch_failf(err, CH_E_IO, "the artifact folder %s cannot be made: %s", path, strerror(errno)) : 0;
}

static int open_artifacts(ch_track *track, const char *path, bool read_only, ch_error *err)
{
    if (!read_only) CH_TRY(make_folder(path, err));
    char *real = realpath(path, NULL);
    if (!real) return ch_failf(err, CH_E_IO, "the artifact folder %s: %s", path, strerror(errno));
    track->artifacts = ch_arena_strdup(track->arena, real);
    free(real);
    track->signer = ch_signer_new(track->arena, track->artifacts);
    return 0;
}

int ch_track_open(const ch_track_options *options, ch_track **out, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_track *track = CH_NEW(arena, ch_track);
    track->arena = arena;
    track->testing = options->testing;
    int status = ch_version_source_pattern_check(err);
    if (!status) status = open_artifacts(track, options->artifacts, options->read_only, err);
    if (!status) {
        status = options->read_only ? ch_db_open_reading(options->store, &track->pool, err)
                                    : ch_db_open(options->store, READERS, &track->pool, err);
    }
    if (status) {
        ch_track_close(track);
        return status;
    }
    /* SQLite's file is one writer's */
    track->has_company = options->read_only || ch_db_pool_dialect(track->pool) == CH_POSTGRES;
    if (!options->read_only) ch_upload_sweep(track->artifacts, CH_UPLOAD_SECONDS);
    track->swept_ms = ch_clock_ms();
    *out = track;
    return 0;
}

void ch_track_close(ch_track *track)
{
    if (!track) return;
    ch_db_close(track->pool);
    ch_signer_forget(track->signer);
    ch_arena_free(track->arena);
}

bool ch_track_is_new(const ch_track *track)
{
    return ch_db_is_new(track->pool);
}

void ch_track_discard(ch_track *track)
{
    ch_db_discard(track->pool);
    ch_signer_forget(track->signer);
    ch_arena_free(track->arena);
}

/* Where another process may have changed the registry, what is known of it counts as old twice a second. The sum grows
 * with either part, so it is never the same again. */
int64_t ch_track_generation(const ch_track *track)
{
    int64_t generation = atomic_load(&track->generation);
    if (!track->has_company) return generation;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return generation + ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000) / COMPANY_MS;
}
