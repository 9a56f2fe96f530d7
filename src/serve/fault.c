/* fault.c: faults as replies. */
#include "serve/fault.h"

#include "base/json_write.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *code, *state, *error_class; /* NULL code: plain text */
} KINDS[] = {
    [CH_FAULT_BAD_REQUEST] = {400, "BAD_REQUEST", "KAM00", "INVALID_PARAMETER_VALUE"},
    [CH_FAULT_SCHEMA] = {400, "INVALID_PARAMETER_VALUE", "KAM01", "SCHEMA_ENFORCEMENT_FAILED"},
    [CH_FAULT_NOT_FOUND] = {404, "RESOURCE_DOES_NOT_EXIST", "KAMC2", "RESOURCE_NOT_FOUND"},
    [CH_FAULT_CONFLICT] = {409, "RESOURCE_CONFLICT", "KAMC5", "CP_RESOURCE_CONFLICT"},
    [CH_FAULT_TOO_LARGE] = {413, "BAD_REQUEST", "KAM00", "INVALID_PARAMETER_VALUE"},
    [CH_FAULT_MEDIA_TYPE] = {415, NULL, NULL, NULL},
    [CH_FAULT_MODEL] = {500, "INTERNAL_ERROR", "XXM00", "CLIENT_INTERNAL_ERROR"},
    [CH_FAULT_TIMEOUT] = {504, NULL, NULL, NULL},
    [CH_FAULT_NO_ROOM] = {507, "RESOURCE_EXHAUSTED", "XXM00", "CLIENT_INTERNAL_ERROR"},
};

int ch_fault_set(ch_fault *fault, ch_fault_kind kind, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = ch_arena_alloc(fault->arena, (size_t)(len > 0 ? len : 0) + 1);
    vsnprintf(text, (size_t)(len > 0 ? len : 0) + 1, format, again);
    va_end(again);
    va_end(args);
    fault->kind = kind;
    fault->message = text;
    return (int)kind;
}

int ch_fault_from_model(ch_fault *fault, const ch_error *err)
{
    if (err->kind == CH_E_MEMORY) return ch_fault_set(fault, CH_FAULT_NO_ROOM, "%s", err->message);
    return ch_fault_set(fault, CH_FAULT_BAD_REQUEST, CH_FAULT_EVALUATING "%s", err->message);
}

int ch_fault_reply(const ch_fault *fault, ch_http_reply *reply)
{
    ch_json json = {.out = &reply->body};
    ch_buf message = {0};
    /* values of the request that a message repeats are cut off somewhere, perhaps within a character */
    ch_utf8_repair(&message, fault->message, strlen(fault->message));
    reply->status = KINDS[fault->kind].status;
    if (!KINDS[fault->kind].code) {
        ch_http_text(reply, reply->status, "text/plain; charset=utf-8", ch_buf_text(&message));
        ch_buf_reset(&message);
        return 0;
    }
    reply->content_type = "application/json";
    ch_json_begin(&json, '{');
    ch_json_member(&json, "error_code", KINDS[fault->kind].code);
    ch_json_member(&json, "message", ch_buf_text(&message));
    ch_json_member(&json, "sqlstate", KINDS[fault->kind].state);
    ch_json_member(&json, "error_class", KINDS[fault->kind].error_class);
    ch_json_end(&json, '}');
    ch_buf_reset(&message);
    return 0;
}
