/* fuzz_invocations.c: what strangers send to be scored: JSON and CSV bodies, content types, names of columns, through
 * decoding, binding and the stages of real models; and MLmodel files.
 *
 * An input is a line "<kind> <content type or columns>" and the body behind it. Kind: m an MLmodel file, otherwise the
 * model: l with a signature, p without, s one that leaves rows out, v one that takes vectors. */
#include "serve/invoke.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_served *models[4];
static const char *const NAMES[4] = {"leads", "plain", "skipping", "vector"};

static void load_models(void)
{
    ch_error err;
    char path[1000];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, TESTS_DIR "/serve/models/%s", NAMES[i]);
        if (!ch_served_load(NULL, path, NAMES[i], "", &models[i], &err)) continue;
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
}

static void parse_mlmodel(const char *text, size_t len)
{
    ch_error err;
    ch_mlmodel model;
    ch_arena *arena = ch_arena_new();
    (void)ch_mlmodel_parse(arena, "/m", text, len, &model, &err);
    ch_arena_free(arena);
}

static void invoke(ch_served *model, char *options, const char *body, size_t len)
{
    ch_buf out = {0};
    size_t rows;
    ch_fault fault = {.arena = ch_arena_new()};
    char *columns = strchr(options, '?');
    if (columns) *columns++ = '\0';
    if (ch_invoke_body(model, *options ? options : "application/json", body, len, columns, &out, &rows, &fault) &&
        (!fault.message || fault.kind == CH_FAULT_MODEL))
        abort();
    ch_buf_reset(&out);
    ch_arena_free(fault.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!models[0]) load_models();
    const uint8_t *newline = memchr(data, '\n', size);
    if (!newline || size > 1 << 16) return 0;
    size_t head = (size_t)(newline - data), len = size - head - 1;
    char *options = calloc(head + 1, 1), *body = malloc(len + 1); /* NUL-terminated, as the HTTP server gives it */
    if (!options || !body) abort();
    memcpy(options, data, head);
    memcpy(body, newline + 1, len);
    body[len] = '\0';
    static const char KINDS[] = "lpsv";
    const char *kind = strchr(KINDS, head ? options[0] : 'l');
    if (options[0] == 'm')
        parse_mlmodel(body, len);
    else
        invoke(models[kind && *kind ? kind - KINDS : 0], head > 2 ? options + 2 : options + head, body, len);
    free(options);
    free(body);
    return 0;
}
