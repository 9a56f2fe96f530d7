/* log.c: log lines, written one after the other so that lines of several threads never mix. A pipe takes only 4 KB of
 * them at once, hence the lock. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int threshold = CH_LOG_WARN;

void ch_log_set_level(ch_log_level level)
{
    atomic_store(&threshold, (int)level);
}

void ch_log_line(const char *line, size_t len)
{
    pthread_mutex_lock(&mutex);
    while (len) {
        ssize_t put = write(STDERR_FILENO, line, len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) break; /* there is nowhere left to complain */
        line += put;
        len -= (size_t)put;
    }
    pthread_mutex_unlock(&mutex);
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
    for (size_t i = 0; i < len; i++) { /* what clients made up begins no line of ours */
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = ' ';
    }
    line[len++] = '\n';
    ch_log_line(line, len);
}
