/* auth_file.c: the text file of users. Its users are put into the store's tables, so that permissions can name them;
 * those who are no longer in the file go, with what they were permitted. */
#include "track/auth/auth_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST_LINE = 1024 };

typedef struct file_line {
    const char *name, *hash, *token; /* hash or token */
    bool admin;
} file_line;

typedef struct file_users {
    ch_arena *arena;
    const char *path;
    file_line *lines;
    size_t n, room;
    int64_t now;
} file_users;

/* NAME:HASH[:admin] or NAME:token:DIGEST */
static int read_line(file_users *file, char *text, int number, ch_error *err)
{
    text[strcspn(text, "\r\n")] = '\0';
    if (!text[strspn(text, " \t")] || text[0] == '#') return 0;
    char *rest = strchr(text, ':');
    char *last = rest ? strchr(rest + 1, ':') : NULL;
    if (!rest || rest == text) return ch_failf(err, CH_E_IO, "%s, line %d: no name and password", file->path, number);
    *rest++ = '\0';
    if (last) *last++ = '\0';
    file_line line = {.name = ch_arena_strdup(file->arena, text)};
    unsigned char digest[CH_AUTH_DIGEST];
    if (strcmp(rest, "token") == 0 && last) {
        if (!ch_auth_from_hex(last, digest)) {
            return ch_failf(err, CH_E_IO, "%s, line %d: the token is no SHA-256 in hexadecimal", file->path, number);
        }
        line.token = ch_arena_strdup(file->arena, last);
    } else if (rest[0] == '$' && (!last || strcmp(last, "admin") == 0)) {
        line.hash = ch_arena_strdup(file->arena, rest);
        line.admin = last != NULL;
    } else {
        return ch_failf(err, CH_E_IO, "%s, line %d: passwords are hashes as `chert user` prints them", file->path,
                        number);
    }
    if (file->n == file->room) {
        file->room = file->room ? file->room * 2 : 16;
        file->lines = ch_arena_grow(file->arena, file->lines, sizeof *file->lines, file->n, file->room);
    }
    file->lines[file->n++] = line;
    return 0;
}

static int read_file(file_users *file, ch_error *err)
{
    FILE *in = fopen(file->path, "re");
    if (!in) return ch_failf(err, CH_E_IO, "Cannot read %s: %s", file->path, strerror(errno));
    char text[LONGEST_LINE];
    int status = 0;
    for (int number = 1; !status && fgets(text, sizeof text, in); number++) {
        if (strlen(text) == sizeof text - 1) {
            status = ch_failf(err, CH_E_IO, "%s, line %d: too long", file->path, number);
        } else {
            status = read_line(file, text, number, err);
        }
    }
    fclose(in);
    if (status) return status;
    return file->n ? 0 : ch_failf(err, CH_E_IO, "%s names no user", file->path);
}

static int put_user(ch_db *db, const file_line *line, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO users(username, password, is_admin) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (username) DO UPDATE SET password = excluded.password, is_admin = excluded.is_admin");
    ch_db_text(db, 1, line->name);
    ch_db_text(db, 2, line->hash);
    ch_db_int(db, 3, line->admin);
    return ch_db_run(db, err);
}

static int put_token(ch_db *db, const file_users *file, const file_line *line, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO user_tokens(user_number, name, secret, created)"
                  " SELECT id, 'file', ?2, ?3 FROM users WHERE username = ?1 ON CONFLICT (secret) DO NOTHING");
    ch_db_text(db, 1, line->name);
    ch_db_text(db, 2, line->token);
    ch_db_int(db, 3, file->now);
    return ch_db_run(db, err);
}

/* A user who has tokens but no password gets one that no password matches. */
static int put_users(ch_db *db, const file_users *file, ch_error *err)
{
    for (size_t i = 0; i < file->n; i++) {
        const file_line *line = &file->lines[i];
        if (!line->token) continue;
        file_line nobody = {.name = line->name, .hash = "*"};
        CH_TRY(put_user(db, &nobody, err));
    }
    for (size_t i = 0; i < file->n; i++) {
        if (file->lines[i].hash) CH_TRY(put_user(db, &file->lines[i], err));
    }
    for (size_t i = 0; i < file->n; i++) {
        if (file->lines[i].token) CH_TRY(put_token(db, file, &file->lines[i], err));
    }
    return 0;
}

/* Whose password is still the mark that all got at first is not in the file any more. */
static int store_users(ch_db *db, void *arg, ch_error *err)
{
    const file_users *file = arg;
    CH_TRY(ch_db_script(db, "DELETE FROM user_tokens; UPDATE users SET password = '';", err));
    CH_TRY(put_users(db, file, err));
    return ch_db_script(db,
                        "DELETE FROM users WHERE password = '';"
                        "DELETE FROM experiment_permissions WHERE user_number NOT IN (SELECT id FROM users);"
                        "DELETE FROM model_permissions WHERE user_number NOT IN (SELECT id FROM users);",
                        err);
}

int ch_auth_file_load(ch_auth *auth, ch_error *err)
{
    struct stat st;
    if (stat(auth->file, &st)) return ch_failf(err, CH_E_IO, "Cannot read %s: %s", auth->file, strerror(errno));
    int64_t mtime = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
    if (mtime == auth->file_mtime_ns && st.st_size == auth->file_size) return 0;
    auth->file_mtime_ns = mtime;
    auth->file_size = st.st_size;
    file_users file = {.arena = ch_arena_new(), .path = auth->file, .now = ch_clock_ms()};
    int status = read_file(&file, err);
    if (!status) status = ch_db_write(auth->track->pool, store_users, &file, err);
    ch_arena_free(file.arena);
    return status ? status : ch_auth_people_load(auth, err);
}
