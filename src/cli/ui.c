/* ui.c: the HTTP side put together. */
#include "cli/ui.h"

#include "cli/commands.h"
#include "serve/serve.h"
#include "track/artifact/artifact_store.h"
#include "track/auth/auth.h"
#include "web/web.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOUNTS_MAX = 512, STOP_GRACE_MS = 300 };
static const char DEFAULT_ARTIFACTS[] = "chert-data/artifacts"; /* of a store that is no file */

struct cli_ui {
    cli_ui_options options;
    char *artifacts, *uploads;
    char *folder; /* of the store; NULL when it is no file */
    bool new_folder, new_artifacts;
    pthread_t opener;
    bool opening;
    int status; /* of opening the store */
    ch_error error;
    ch_track *track;
    ch_serve *serve;
    ch_auth *auth;
    ch_http_server *http;
    atomic_bool written; /* somebody has sent more than questions */
};

static void *checked(void *memory)
{
    if (!memory) abort(); /* as ch_buf: at start-up */
    return memory;
}

static bool is_file(const char *store)
{
    return !strstr(store, "://") || strncmp(store, "sqlite:", 7) == 0;
}

/* The path of the store's file, of the caller. */
static char *file_of(const char *store)
{
    if (strncmp(store, "sqlite:///", 10) == 0) store += 10;
    return checked(strndup(store, strcspn(store, "?")));
}

static bool is_missing(const char *path)
{
    return path && access(path, F_OK) != 0;
}

/* Makes a folder and those above it. */
static int make_folders(const char *path, ch_error *err)
{
    char *copy = checked(strdup(path));
    int status = CH_OK;
    for (char *at = copy + 1; !status; at++) {
        char end = *at;
        if (end && end != '/') continue;
        *at = '\0';
        struct stat st;
        if (mkdir(copy, 0777) && (stat(copy, &st) || !S_ISDIR(st.st_mode))) {
            status = ch_failf(err, CH_E_IO, "Cannot make the folder %s.", copy);
        }
        *at = end;
        if (!end) break;
    }
    free(copy);
    return status;
}

static int open_track(cli_ui *ui)
{
    enum { TRIES = 5 };
    ch_error *err = &ui->error;
    ch_track_options options = {.store = ui->options.store, .artifacts = ui->artifacts, .testing = ui->options.testing};
    /* A folder of an empty store belongs to whoever tidies it up: another process may be doing so just now. */
    ui->new_folder = is_missing(ui->folder) || strcmp(ui->options.store, CLI_DEFAULT_STORE) == 0;
    ui->new_artifacts = is_missing(ui->artifacts) || !ui->options.artifacts;
    int status = CH_OK;
    for (int try = 0; try < TRIES; try++) {
        if (ui->folder) CH_TRY(make_folders(ui->folder, err));
        status = ch_track_open(&options, &ui->track, err);
        if (!status || !is_missing(ui->folder)) break;
    }
    return status;
}

static void *opener(void *arg)
{
    cli_ui *ui = arg;
    ui->status = open_track(ui);
    return NULL;
}

cli_ui *cli_ui_open(const cli_ui_options *options)
{
    cli_ui *ui = checked(calloc(1, sizeof *ui));
    ui->options = *options;
    if (is_file(options->store)) {
        char *file = file_of(options->store), *slash = strrchr(file, '/');
        if (slash) slash[slash == file] = '\0';
        ui->folder = slash ? file : checked(strdup("."));
        if (!slash) free(file);
    }
    if (options->artifacts) {
        ui->artifacts = checked(strdup(options->artifacts));
    } else if (ui->folder) {
        int n = asprintf(&ui->artifacts, "%s/artifacts", ui->folder);
        if (n < 0) abort();
    } else {
        ui->artifacts = checked(strdup(DEFAULT_ARTIFACTS));
    }
    if (asprintf(&ui->uploads, "%s/" CH_ARTIFACT_UPLOADS, ui->artifacts) < 0) abort();
    ui->opening = pthread_create(&ui->opener, NULL, opener, ui) == 0;
    if (!ui->opening) opener(ui);
    return ui;
}

const char *cli_ui_artifacts(const cli_ui *ui)
{
    return ui->artifacts;
}

static void wait_opened(cli_ui *ui)
{
    if (ui->opening) pthread_join(ui->opener, NULL);
    ui->opening = false;
}

static void observe(void *arg, const ch_http_request *request, const char *route, int status, uint64_t bytes,
                    double seconds)
{
    (void)route;
    (void)status;
    (void)bytes;
    (void)seconds;
    cli_ui *ui = arg;
    if (strcmp(ch_http_method(request), "GET") != 0) atomic_store(&ui->written, true);
}

enum { HOSTS_MAX = 64 };

/* Splits the names at commas, in place. */
static void split_hosts(char *text, const char *out[HOSTS_MAX + 1])
{
    size_t n = 0;
    for (char *name = text ? strtok(text, ", ") : NULL; name && n < HOSTS_MAX; name = strtok(NULL, ", ")) {
        out[n++] = name;
    }
    out[n] = NULL;
}

static int start_http(cli_ui *ui, ch_server *server, ch_error *err)
{
    ch_http_mount mounts[MOUNTS_MAX];
    size_t n = ch_track_mounts(ui->track, mounts, MOUNTS_MAX);
    n += ch_server_mounts(server, mounts + n, MOUNTS_MAX - n);
    CH_TRY(ch_serve_new(ch_server_engine(server), ui->track, &ui->serve, err));
    n += ch_serve_mounts(ui->serve, mounts + n, MOUNTS_MAX - n);
    n += ch_web_mounts(ui->track, mounts + n, MOUNTS_MAX - n);
    if (n < MOUNTS_MAX) mounts[n++] = ch_http_metrics_mount;
    const char *hosts[HOSTS_MAX + 1];
    char *names = ui->options.allowed_hosts ? checked(strdup(ui->options.allowed_hosts)) : NULL;
    split_hosts(names, hosts);
    mkdir(ui->uploads, 0700);
    ch_http_options options = {.host = ui->options.host,
                               .port = ui->options.port,
                               .mounts = mounts,
                               .nmount = n,
                               .temp_dir = ui->uploads,
                               .tls_cert = ui->options.tls_cert,
                               .tls_key = ui->options.tls_key,
                               .allowed_hosts = hosts,
                               .any_host = strcmp(hosts[0] ? hosts[0] : "", "*") == 0,
                               .guard = ui->auth ? ch_auth_guard : NULL,
                               .guard_arg = ui->auth,
                               .access_log = ui->options.access_log,
                               .observer = ui->options.tidy ? observe : NULL,
                               .observer_arg = ui};
    ch_error taken;
    int status = ch_http_start(&options, &ui->http, &taken);
    free(names);
    if (!status) return CH_OK;
    return ch_failf(err, taken.kind, "%s; --ui-port chooses another port, --ui-port 0 a free one", taken.message);
}

/* Who may use the server, and what none of them but administrators may have of its files. */
static int open_auth(cli_ui *ui, ch_server *server, ch_error *err)
{
    const cli_ui_options *o = &ui->options;
    if (!o->auth) return CH_OK;
    CH_TRY(ch_auth_open(ui->track, o->auth, o->default_permission, &ui->auth, err));
    char *store = is_file(o->store) ? file_of(o->store) : NULL;
    if (store) ch_auth_protect(ui->auth, store);
    if (o->tls_key) ch_auth_protect(ui->auth, o->tls_key);
    free(store);
    ch_server_use_auth(server, ui->auth);
    return CH_OK;
}

int cli_ui_start(cli_ui *ui, ch_server *server, ch_error *err)
{
    wait_opened(ui);
    if (ui->status) {
        *err = ui->error;
        return ui->status;
    }
    CH_TRY(open_auth(ui, server, err));
    ch_server_use_track(server, ui->track);
    return start_http(ui, server, err);
}

int cli_ui_port(const cli_ui *ui)
{
    return ch_http_port(ui->http);
}

/* Removes the store and the folders that were made for it, which are empty. */
static void tidy(cli_ui *ui)
{
    rmdir(ui->uploads);
    if (ui->new_artifacts) rmdir(ui->artifacts);
    ch_track_discard(ui->track);
    if (ui->new_folder) rmdir(ui->folder);
}

void cli_ui_close(cli_ui *ui)
{
    if (!ui) return;
    wait_opened(ui);
    ch_http_stop(ui->http, STOP_GRACE_MS);
    ch_serve_free(ui->serve);
    ch_auth_close(ui->auth);
    if (ui->track && ui->options.tidy && ch_track_is_new(ui->track) && !atomic_load(&ui->written)) {
        tidy(ui);
    } else {
        ch_track_close(ui->track);
    }
    free(ui->uploads);
    free(ui->artifacts);
    free(ui->folder);
    free(ui);
}
