/* udf.c: the C functions the engine knows, family by family. */
#include "frame/engine/engine.h"
#include "frame/io/scan.h"

typedef int (*register_family)(duckdb_connection con, ch_error *err);

/* One `int ch_register_<family>(duckdb_connection, ch_error *)` for each udf_<family>.c. */
int ch_register_case(duckdb_connection con, ch_error *err);
int ch_register_cast(duckdb_connection con, ch_error *err);
int ch_register_arithmetic(duckdb_connection con, ch_error *err);
int ch_register_decimal(duckdb_connection con, ch_error *err);
int ch_register_decimal_sum(duckdb_connection con, ch_error *err);
int ch_register_math(duckdb_connection con, ch_error *err);
int ch_register_string(duckdb_connection con, ch_error *err);
int ch_register_regex(duckdb_connection con, ch_error *err);
int ch_register_datetime(duckdb_connection con, ch_error *err);
int ch_register_format(duckdb_connection con, ch_error *err);
int ch_register_hash(duckdb_connection con, ch_error *err);
int ch_register_random(duckdb_connection con, ch_error *err);
int ch_register_list(duckdb_connection con, ch_error *err);
int ch_register_json(duckdb_connection con, ch_error *err);
int ch_register_misc(duckdb_connection con, ch_error *err);
int ch_register_aggregate(duckdb_connection con, ch_error *err);

static const register_family FAMILIES[] = {
    ch_register_scan,    ch_register_cast,        ch_register_arithmetic,
    ch_register_decimal, ch_register_math,        ch_register_string,
    ch_register_regex,   ch_register_datetime,    ch_register_hash,
    ch_register_random,  ch_register_list,        ch_register_json,
    ch_register_misc,    ch_register_aggregate,   ch_register_case,
    ch_register_format,  ch_register_decimal_sum, NULL, /* ends the table */
};

int ch_register_functions(duckdb_connection con, ch_error *err)
{
    for (const register_family *family = FAMILIES; *family; family++) CH_TRY((*family)(con, err));
    return 0;
}
