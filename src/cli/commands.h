/* commands.h: the subcommands of `chert`, one file each. */
#ifndef CHERT_CLI_COMMANDS_H
#define CHERT_CLI_COMMANDS_H

#include "cli/options.h"

extern const cli_command cli_serve;
extern const cli_command cli_submit;

/* The words of --log-level, in the order of ch_log_level. */
extern const char *const cli_log_levels[];

/* What `chert serve` prints in front of the address when clients may connect; `chert submit` waits for it. */
#define CLI_READY_LINE "chert serve: listening on "

#endif
