/* ui.h: the HTTP side of `chert serve`: the tracking server, scoring, the engine's pages, put together and started. */
#ifndef CHERT_CLI_UI_H
#define CHERT_CLI_UI_H

#include "connect/server.h"

typedef struct cli_ui cli_ui;

typedef struct cli_ui_options {
    const char *host;
    int port;              /* 0: a free one */
    const char *store;     /* see ch_db_open */
    const char *artifacts; /* NULL: "artifacts" beside the store's file */
    bool testing;
    const char *auth;               /* see ch_auth_open; NULL: nobody is asked who they are */
    const char *default_permission; /* of users without one; NULL: READ */
    const char *tls_cert, *tls_key; /* PEM files, both or neither */
    const char *allowed_hosts;      /* names with commas between; NULL: none, see ch_http_options */
    bool access_log;
    bool tidy; /* a store that was made by this process and never written to is removed at the end */
} cli_ui_options;

/* Opens the store, on a thread of its own: the engine is opened meanwhile. */
cli_ui *cli_ui_open(const cli_ui_options *options);
/* Where the artifacts are; valid at once, as long as the ui. */
const char *cli_ui_artifacts(const cli_ui *ui);
/* Waits for the store and listens. err: what opening the store failed with, the port is taken. */
int cli_ui_start(cli_ui *ui, ch_server *server, ch_error *err);
int cli_ui_port(const cli_ui *ui);
/* Stops listening; to be called before ch_server_close. NULL is fine. */
void cli_ui_close(cli_ui *ui);

#endif
