/* error.h: how a failure travels from the place it happens to the person who reads it.
 *
 * Every fallible function of chert returns an int, 0 for success and a ch_errkind otherwise, and takes a
 * caller-owned `ch_error *` as its last argument, which it fills before it returns non-zero. There is no global
 * error and nothing to free. `err` may not be NULL; on success its content is unspecified.
 *
 *     ch_error err;
 *     if (ch_thing_open(path, &thing, &err)) return report(&err);
 *
 * A Spark user must see the exception Spark itself would raise, so an error carries Spark's condition name, SQLSTATE
 * and message parameters. Conditions known to chert are rows of error_conditions.def, the only place that knows their
 * SQLSTATE and their wording.
 */
#ifndef CHERT_BASE_ERROR_H
#define CHERT_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* What kind of exception the client raises; each maps to one chain of JVM class names (see connect/). */
typedef enum ch_errkind {
    CH_OK = 0,
    CH_E_ANALYSIS,         /* org.apache.spark.sql.AnalysisException */
    CH_E_PARSE,            /* org.apache.spark.sql.catalyst.parser.ParseException */
    CH_E_ILLEGAL_ARGUMENT, /* org.apache.spark.SparkIllegalArgumentException / java.lang.IllegalArgumentException */
    CH_E_ARITHMETIC,       /* org.apache.spark.SparkArithmeticException */
    CH_E_NUMBER_FORMAT,    /* org.apache.spark.SparkNumberFormatException */
    CH_E_DATETIME,         /* org.apache.spark.SparkDateTimeException */
    CH_E_ARRAY_INDEX,      /* org.apache.spark.SparkArrayIndexOutOfBoundsException */
    CH_E_UNSUPPORTED,      /* org.apache.spark.SparkUnsupportedOperationException */
    CH_E_RUNTIME,          /* org.apache.spark.SparkRuntimeException */
    CH_E_SPARK,            /* org.apache.spark.SparkException */
    CH_E_NOT_FOUND,        /* java.util.NoSuchElementException / SparkNoSuchElementException */
    CH_E_IO,               /* java.io.IOException */
    CH_E_FILE_NOT_FOUND,   /* java.io.FileNotFoundException / SparkFileNotFoundException */
    CH_E_MEMORY,           /* out of memory or of disk space */
    CH_E_CANCELLED,        /* the operation was interrupted */
    CH_E_INTERNAL          /* a bug of ours: org.apache.spark.SparkException, condition INTERNAL_ERROR */
} ch_errkind;

enum { CH_ERROR_PARAMS_MAX = 8 };

typedef struct ch_error {
    ch_errkind kind;
    char condition[80]; /* Spark's error condition, e.g. "DIVIDE_BY_ZERO"; "" when it has none */
    char sqlstate[6];   /* five characters, or "" */
    char message[3072]; /* what the person reads, with "[CONDITION] " and " SQLSTATE: xxxxx" in place */
    int nparam;         /* message parameters, in the order of the condition's text */
    char param_name[CH_ERROR_PARAMS_MAX][40];
    char param_value[CH_ERROR_PARAMS_MAX][400];
} ch_error;

/* Fills err from the row of `condition` in error_conditions.def: `...` is name, value, name, value, ..., (char *)NULL.
 * A condition without a row is a bug and becomes INTERNAL_ERROR naming it. Returns the row's kind (never 0). */
int ch_raise(ch_error *err, const char *condition, ...) __attribute__((sentinel));

/* Fills err with a plain message that belongs to no Spark condition (java.io.IOException texts, `requirement failed`).
 * Returns kind. */
int ch_failf(ch_error *err, ch_errkind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reports a broken invariant of our own code without ending the process. Returns CH_E_INTERNAL. */
int ch_bug(ch_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reports that memory ran out. Returns CH_E_MEMORY. */
int ch_no_memory(ch_error *err);

/* Fills err from a condition and parameters already split, as the frame layer parses them out of an engine's message.
 * `n` pairs; returns the row's kind. */
int ch_raise_pairs(ch_error *err, const char *condition, int n, const char *const *names, const char *const *values);

/* Early return: `CH_TRY(f(..., err));` in a function that itself returns int. */
#define CH_TRY(call)                                                                                                   \
    do {                                                                                                               \
        int ch_try_status_ = (call);                                                                                   \
        if (ch_try_status_) return ch_try_status_;                                                                     \
    } while (0)

#endif
