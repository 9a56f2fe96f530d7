/* log.h: one line a message on stderr: "2026-11-21T19:45:02.123Z INFO  text". Thread safe. */
#ifndef CHERT_BASE_LOG_H
#define CHERT_BASE_LOG_H

#include <stddef.h>

typedef enum ch_log_level { CH_LOG_DEBUG, CH_LOG_INFO, CH_LOG_WARN, CH_LOG_ERROR, CH_LOG_OFF } ch_log_level;

void ch_log_set_level(ch_log_level level); /* default CH_LOG_WARN */
void ch_log(ch_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes a whole line, its newline included, whatever the level. */
void ch_log_line(const char *line, size_t len);

#endif
