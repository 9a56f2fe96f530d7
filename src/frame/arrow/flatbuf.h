/* flatbuf.h: just enough of a FlatBuffers writer for Arrow's messages: tables, strings and vectors, written forwards,
 * parents before children, references patched when their target is written. */
#ifndef CHERT_FRAME_FLATBUF_H
#define CHERT_FRAME_FLATBUF_H

#include "base/buf.h"

#include <stdint.h>

/* One present field of a table. Scalars take `value` in `size` bytes (1, 2, 4, 8). A reference has size 0; its place is
 * stored in `at` for ch_fb_patch. */
typedef struct ch_fb_slot {
    uint16_t id;
    uint8_t size;
    int64_t value;
    size_t at;
} ch_fb_slot;

enum { CH_FB_SLOTS_MAX = 8 };

/* Starts a buffer: four bytes for the reference to the root table; patch it at 0. */
void ch_fb_start(ch_buf *fb);
/* Appends a table with the given fields; returns its position. n <= CH_FB_SLOTS_MAX, ids < CH_FB_SLOTS_MAX. */
size_t ch_fb_table(ch_buf *fb, ch_fb_slot *slots, size_t n);
size_t ch_fb_string(ch_buf *fb, const char *text);
/* Starts a vector of `count` zeroed elements aligned for their size; its elements begin 4 bytes after the position
 * returned. */
size_t ch_fb_vector(ch_buf *fb, size_t count, size_t element_size, size_t alignment);
/* Makes the reference at `at` point to `target` (which comes later). */
void ch_fb_patch(ch_buf *fb, size_t at, size_t target);

#endif
