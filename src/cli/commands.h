/* commands.h: the subcommands of `chert`, one file each. */
#ifndef CHERT_CLI_COMMANDS_H
#define CHERT_CLI_COMMANDS_H

#include "cli/options.h"

extern const cli_command cli_serve;
extern const cli_command cli_gc;
extern const cli_command cli_import_mlflow;
extern const cli_command cli_score_server;
extern const cli_command cli_submit;
extern const cli_command cli_user;

/* The words of --log-level, in the order of ch_log_level. */
extern const char *const cli_log_levels[];

/* The store of `chert serve` and `chert submit`, in the current folder as MLflow's own is. */
#define CLI_DEFAULT_STORE "chert-data/tracking.db"

/* Exit status of a server of `chert submit` that found its store in use: there is a server to be used instead. */
enum { CLI_STORE_HELD = 3 };

/* What `chert serve` prints in front of the address when clients may connect; `chert submit` waits for it. */
#define CLI_READY_LINE "chert serve: listening on "

#endif
