/* auth_scoring.c: the right to score a model. A scoring request takes some 20 us, so rights are remembered, until a
 * permission or the registry changes. */
#include "track/auth/auth_internal.h"

#include <string.h>

const char *ch_auth_scored_model(const ch_http_request *request)
{
    const char *path = ch_http_path(request);
    if (strncmp(path, "/serve/", 7) && strncmp(path, "/endpoints/", 11)) return NULL;
    return ch_http_param(request, "name");
}

static size_t place_of(const auth_user *user, const char *model)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)user->number;
    for (const char *c = model; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    return (hash ^ hash >> 32) % CH_AUTH_RIGHTS;
}

bool ch_auth_recall_right(ch_auth *auth, const auth_user *user, const char *model, ch_permission *out)
{
    pthread_rwlock_rdlock(&auth->lock);
    const auth_right *right = &auth->rights[place_of(user, model)];
    bool known = right->user == user->number && strcmp(right->model, model) == 0 &&
                 right->grants == atomic_load(&auth->grants) && right->registry == ch_track_generation(auth->track);
    if (known) *out = right->permission;
    pthread_rwlock_unlock(&auth->lock);
    return known;
}

int ch_auth_look_up_right(ch_auth *auth, const auth_user *user, const char *model, ch_permission *out, ch_error *err)
{
    bool found;
    /* taken before the look: a change meanwhile makes the entry old at once */
    auth_right right = {
        .user = user->number, .grants = atomic_load(&auth->grants), .registry = ch_track_generation(auth->track)};
    CH_TRY(ch_auth_permission(auth, user, CH_ON_MODEL, model, out, &found, err));
    if (!found) *out = CH_READ; /* the handler says that there is none */
    size_t len = strlen(model);
    if (len >= sizeof right.model) return 0;
    right.permission = *out;
    memcpy(right.model, model, len + 1);
    pthread_rwlock_wrlock(&auth->lock);
    auth->rights[place_of(user, model)] = right;
    pthread_rwlock_unlock(&auth->lock);
    return 0;
}

void ch_auth_grants_changed(ch_auth *auth)
{
    if (auth) atomic_fetch_add(&auth->grants, 1);
}
