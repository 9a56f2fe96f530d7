/* auth.h: who may use the server, and for what: `chert serve --auth FILE|store`.
 *
 * Users come from a text file or from the store, prove who they are with a password (HTTP Basic) or a token (Bearer),
 * and hold MLflow's permissions on experiments and registered models. Administrators may do everything.
 *
 * Users live in memory. What changes them elsewhere, an edited file or another process on the same PostgreSQL, is seen
 * within a second.
 *
 * The file has a line for each user and for each token, as `chert user` prints them; it is read again when it changes:
 *
 *     # NAME:HASH[:admin]      HASH as of crypt(3), yescrypt by default
 *     alice:$y$j9T$...:admin
 *     bob:$y$j9T$...
 *     # NAME:token:DIGEST      the token's SHA-256 in hexadecimal
 *     bob:token:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
 */
#ifndef CHERT_TRACK_AUTH_H
#define CHERT_TRACK_AUTH_H

#include "http/http.h"
#include "track/track.h"

typedef struct ch_auth ch_auth;

/* Guards `track` from now on. `source` is "store" or the path of a file; `otherwise` is the permission of users on what
 * they were given none for: "READ", "EDIT", "MANAGE" or "NO_PERMISSIONS"; NULL: READ. A store without users gets an
 * administrator from MLFLOW_AUTH_ADMIN_USERNAME ("admin") and MLFLOW_AUTH_ADMIN_PASSWORD. err: no such password, a file
 * that cannot be read. Close it when nobody is inside, before the track. */
int ch_auth_open(ch_track *track, const char *source, const char *otherwise, ch_auth **out, ch_error *err);
void ch_auth_close(ch_auth *auth); /* NULL is fine */

/* The ch_http_guard: asks who it is, and for scoring whether they may read the model. */
int ch_auth_guard(ch_http_request *request, ch_http_reply *reply, void *auth);

/* Whose an Authorization header ("Bearer ...", "Basic ...") is; false: nobody's. May take as long as a password hash.
 */
enum { CH_AUTH_NAME_SIZE = 128 };
bool ch_auth_whose(ch_auth *auth, const char *authorization, char name[CH_AUTH_NAME_SIZE]);
bool ch_auth_is_admin(ch_auth *auth, const char *user);

/* --- files, for users of the engine (auth_files.c) ---- */

/* Whether a user may read or write what a URI of the tracking server (ch_track_is_uri) names: a run or logged model as
 * its experiment, a version as its registered model. Nobody is asked for when there are no users or `user` is NULL. The
 * place that the URI leads to is asked for by itself: ch_auth_allow_file. err: INSUFFICIENT_PERMISSIONS. */
int ch_auth_allow_uri(ch_track *track, const char *user, const char *uri, bool write, ch_error *err);
/* The same for a path of this machine ("file:" URIs, too): what lies in the artifact folder is as its experiment, and
 * nobody but administrators gets at what was protected, or writes over a folder that holds either. Symbolic links are
 * followed. Other files are everybody's. */
int ch_auth_allow_file(ch_auth *auth, const char *user, const char *path, bool write, ch_error *err);
/* Protects a file, and those whose names begin with its (the journal of a store). At the start, before anybody asks. */
void ch_auth_protect(ch_auth *auth, const char *path);

/* One line for the file: a user with this password, or with a new token, which is put into `token` (may be NULL then).
 * err: a name that the file cannot hold. */
enum { CH_AUTH_TOKEN_SIZE = 48 };
int ch_auth_user_line(const char *name, const char *password, bool admin, ch_buf *line, ch_error *err);
int ch_auth_token_line(const char *name, char token[CH_AUTH_TOKEN_SIZE], ch_buf *line, ch_error *err);

#endif
