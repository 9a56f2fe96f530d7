/* flatbuf.c: the FlatBuffers wire format, little-endian hosts only (as all of chert). */
#include "frame/arrow/flatbuf.h"

#include <string.h>

/* Zero bytes until (length + ahead) is a multiple of `alignment`. */
static void align(ch_buf *fb, size_t ahead, size_t alignment)
{
    while ((fb->len + ahead) % alignment) ch_buf_char(fb, '\0');
}

void ch_fb_start(ch_buf *fb)
{
    ch_buf_clear(fb);
    ch_buf_add(fb, "\0\0\0\0", 4);
}

size_t ch_fb_table(ch_buf *fb, ch_fb_slot *slots, size_t n)
{
    /* where each field lies in the table, which starts with four bytes that lead back to its vtable */
    size_t place[CH_FB_SLOTS_MAX] = {0}, size = 4, fields = 0;
    for (size_t i = 0; i < n; i++) {
        size_t width = slots[i].size ? slots[i].size : 4;
        size = (size + width - 1) / width * width;
        place[i] = size;
        size += width;
        if (slots[i].id + 1u > fields) fields = slots[i].id + 1u;
    }
    size_t vtable_size = 4 + 2 * fields;
    align(fb, vtable_size, 8);
    uint16_t vtable[2 + CH_FB_SLOTS_MAX] = {(uint16_t)vtable_size, (uint16_t)size};
    for (size_t i = 0; i < n; i++) vtable[2 + slots[i].id] = (uint16_t)place[i];
    ch_buf_add(fb, vtable, vtable_size);

    size_t table = fb->len;
    unsigned char body[4 + 16 * CH_FB_SLOTS_MAX] = {0};
    int32_t back = (int32_t)vtable_size;
    memcpy(body, &back, 4);
    for (size_t i = 0; i < n; i++) {
        slots[i].at = table + place[i];
        memcpy(body + place[i], &slots[i].value, slots[i].size);
    }
    ch_buf_add(fb, body, size);
    return table;
}

size_t ch_fb_string(ch_buf *fb, const char *text)
{
    align(fb, 0, 4);
    size_t at = fb->len;
    uint32_t len = (uint32_t)strlen(text);
    ch_buf_add(fb, &len, 4);
    ch_buf_add(fb, text, (size_t)len + 1);
    return at;
}

size_t ch_fb_vector(ch_buf *fb, size_t count, size_t element_size, size_t alignment)
{
    align(fb, 4, alignment < 4 ? 4 : alignment);
    size_t at = fb->len, bytes = count * element_size;
    uint32_t n = (uint32_t)count;
    ch_buf_add(fb, &n, 4);
    ch_buf_reserve(fb, bytes);
    memset(fb->data + fb->len, 0, bytes + 1);
    fb->len += bytes;
    return at;
}

void ch_fb_patch(ch_buf *fb, size_t at, size_t target)
{
    uint32_t distance = (uint32_t)(target - at);
    memcpy(fb->data + at, &distance, 4);
}
