/* run_table.h: the pages' table of runs (ui_api.c mounts it). */
#ifndef CHERT_TRACK_RUN_TABLE_H
#define CHERT_TRACK_RUN_TABLE_H

#include "track/call.h"

int ch_run_table(ch_call *call);

#endif
