/* udf.c: the C functions the engine knows, family by family. */
#include "frame/engine.h"
#include "frame/scan.h"

typedef int (*register_family)(duckdb_connection con, ch_error *err);

/* One `int ch_register_<family>(duckdb_connection, ch_error *)` for each udf_<family>.c. */
static const register_family FAMILIES[] = {
    ch_register_scan,
    NULL, /* ends the table */
};

int ch_register_functions(duckdb_connection con, ch_error *err)
{
    for (const register_family *family = FAMILIES; *family; family++) CH_TRY((*family)(con, err));
    return 0;
}
