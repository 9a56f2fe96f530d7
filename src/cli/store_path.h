/* store_path.h: where the commands that work on a store find what belongs to it. */
#ifndef CHERT_CLI_STORE_PATH_H
#define CHERT_CLI_STORE_PATH_H

#include "base/arena.h"

/* The folder of artifacts of a store when none is named, as `chert serve` has it: "artifacts" beside its file. */
const char *cli_artifacts_beside(ch_arena *arena, const char *store);

#endif
