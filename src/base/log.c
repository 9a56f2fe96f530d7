/* log.c: log lines, each written with one system call so that lines of several threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int threshold = CH_LOG_WARN;

void ch_log_set_level(ch_log_level level)
{
    atomic_store(&threshold, (int)level);
}

void ch_log(ch_log_level level, const char *format, ...)
{
    static const char *const name[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    if ((int)level < atomic_load(&threshold) || level >= CH_LOG_OFF) return;
    char line[4096];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t len = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, sizeof line - len, ".%03ldZ %s ", now.tv_nsec / 1000000, name[level]);
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + len, sizeof line - len, format, args);
    va_end(args);
    size_t room = sizeof line - len - 1;
    len += wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written; /* there is nowhere left to complain */
}
