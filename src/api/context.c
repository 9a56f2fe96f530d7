/* context.c: opening and closing, errors, cancelling. */
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static chert_status status_of(ch_errkind kind)
{
    switch (kind) {
    case CH_OK: return CHERT_OK;
    case CH_E_IO:
    case CH_E_FILE_NOT_FOUND: return CHERT_IO;
    case CH_E_MEMORY: return CHERT_MEMORY;
    case CH_E_CANCELLED: return CHERT_CANCELLED;
    case CH_E_INTERNAL: return CHERT_INTERNAL;
    default: return CHERT_INVALID;
    }
}

int api_report(const ch_error *inner, chert_error *err)
{
    chert_status status = status_of(inner->kind);
    if (err) {
        err->status = status;
        snprintf(err->condition, sizeof err->condition, "%s", inner->condition);
        snprintf(err->message, sizeof err->message, "%s", inner->message);
    }
    return (int)status;
}

int api_fail(chert_error *err, chert_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        err->status = status;
        err->condition[0] = '\0';
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return (int)status;
}

const char *chert_version(void)
{
    return CHERT_VERSION;
}

int chert_open(const chert_options *options, chert_context **out, chert_error *err)
{
    ch_engine_options engine_options = {0};
    ch_error inner;
    if (options) {
        if (options->size < sizeof *options)
            return api_fail(err, CHERT_INVALID, "chert_options.size is %zu, must be sizeof(chert_options)",
                            options->size);
        engine_options.threads = options->threads;
        engine_options.memory_limit = options->memory_limit;
        engine_options.temp_dir = options->temp_dir;
    }
    chert_context *context = calloc(1, sizeof *context);
    if (!context) return api_fail(err, CHERT_MEMORY, "out of memory");
    pthread_mutex_init(&context->lock, NULL);
    if (ch_engine_open(&engine_options, &context->engine, &inner) ||
        ch_session_open(context->engine, &context->session, &inner)) {
        chert_close(context);
        return api_report(&inner, err);
    }
    context->ml = ch_ml_new(context->session);
    *out = context;
    return 0;
}

void chert_close(chert_context *context)
{
    if (!context) return;
    if (context->ml) ch_ml_free(context->ml);
    if (context->session) ch_session_release(context->session);
    if (context->engine) ch_engine_close(context->engine);
    pthread_mutex_destroy(&context->lock);
    free(context);
}

void api_begin(chert_context *context, api_work *work)
{
    ch_task_init(&work->task);
    pthread_mutex_lock(&context->lock);
    work->next = context->running;
    context->running = work;
    pthread_mutex_unlock(&context->lock);
}

void api_end(chert_context *context, api_work *work)
{
    pthread_mutex_lock(&context->lock);
    for (api_work **at = &context->running; *at; at = &(*at)->next)
        if (*at == work) {
            *at = work->next;
            break;
        }
    pthread_mutex_unlock(&context->lock);
}

void chert_cancel(chert_context *context)
{
    pthread_mutex_lock(&context->lock);
    for (api_work *work = context->running; work; work = work->next) ch_task_cancel(&work->task);
    pthread_mutex_unlock(&context->lock);
}

void chert_free(void *memory)
{
    free(memory);
}
