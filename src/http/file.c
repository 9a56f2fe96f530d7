/* file.c: answering with a file of the disk. Files are what users uploaded: none may run as a page of ours. */
#include "http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Types by the ending of a name. Those that a browser would run as a page or a picture with scripts in it are `active`:
 * they are sent to be saved, and in a sandbox should a browser show them all the same. */
static const struct {
    const char *ending, *type;
    bool active;
} TYPES[] = {
    {"txt", "text/plain; charset=utf-8", false},
    {"log", "text/plain; charset=utf-8", false},
    {"md", "text/plain; charset=utf-8", false},
    {"py", "text/plain; charset=utf-8", false},
    {"r", "text/plain; charset=utf-8", false},
    {"sql", "text/plain; charset=utf-8", false},
    {"sh", "text/plain; charset=utf-8", false},
    {"yaml", "text/plain; charset=utf-8", false},
    {"yml", "text/plain; charset=utf-8", false},
    {"toml", "text/plain; charset=utf-8", false},
    {"ini", "text/plain; charset=utf-8", false},
    {"cfg", "text/plain; charset=utf-8", false},
    {"mlmodel", "text/plain; charset=utf-8", false},
    {"mlproject", "text/plain; charset=utf-8", false},
    {"js", "text/plain; charset=utf-8", false},
    {"mjs", "text/plain; charset=utf-8", false},
    {"css", "text/plain; charset=utf-8", false},
    {"csv", "text/csv; charset=utf-8", false},
    {"tsv", "text/tab-separated-values; charset=utf-8", false},
    {"json", "application/json", false},
    {"geojson", "application/json", false},
    {"png", "image/png", false},
    {"jpg", "image/jpeg", false},
    {"jpeg", "image/jpeg", false},
    {"gif", "image/gif", false},
    {"webp", "image/webp", false},
    {"bmp", "image/bmp", false},
    {"ico", "image/x-icon", false},
    {"mp3", "audio/mpeg", false},
    {"wav", "audio/wav", false},
    {"ogg", "audio/ogg", false},
    {"flac", "audio/flac", false},
    {"mp4", "video/mp4", false},
    {"webm", "video/webm", false},
    {"zip", "application/zip", false},
    {"gz", "application/gzip", false},
    {"parquet", "application/vnd.apache.parquet", false},
    {"pdf", "application/pdf", true},
    {"html", "text/html; charset=utf-8", true},
    {"htm", "text/html; charset=utf-8", true},
    {"xhtml", "application/xhtml+xml", true},
    {"svg", "image/svg+xml", true},
    {"xml", "text/xml; charset=utf-8", true},
    {"xsl", "text/xml; charset=utf-8", true},
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *ch_http_type_of(const char *name)
{
    const char *base = base_name(name);
    const char *dot = strrchr(base, '.');
    const char *ending = dot ? dot + 1 : base; /* MLmodel, MLproject */
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (!strcasecmp(TYPES[i].ending, ending)) return TYPES[i].type;
    }
    return "application/octet-stream";
}

/* Whether a browser may run what comes with this type: anything that is not known to be harmless. */
static bool is_active(const char *type)
{
    size_t len = strcspn(type, "; ");
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (!TYPES[i].active && strcspn(TYPES[i].type, "; ") == len && !strncasecmp(TYPES[i].type, type, len)) {
            return false;
        }
    }
    return strcasecmp(type, "application/octet-stream") != 0;
}

static const char *find_header(const ch_http_reply *reply, const char *name)
{
    for (int i = 0; i < reply->nheader; i += 2) {
        if (!strcasecmp(reply->headers[i], name)) return reply->headers[i + 1];
    }
    return NULL;
}

/* "attachment; filename=..." with what does not belong into a quoted string replaced. */
static const char *attachment(ch_arena *arena, const char *path)
{
    char *name = ch_arena_strdup(arena, base_name(path));
    for (char *c = name; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 || *c & 0x80 || *c == 0x7f) *c = '_';
    }
    return ch_arena_printf(arena, "attachment; filename=\"%s\"", name);
}

static void add_protection(ch_http_request *request, ch_http_reply *reply, const char *path)
{
    if (!is_active(reply->content_type)) return;
    if (!find_header(reply, "Content-Disposition")) {
        ch_http_add_header(reply, "Content-Disposition", attachment(request->arena, path));
    }
    ch_http_add_header(reply, "Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'");
}

/* Whether the Range header is still about this version of the file. */
static bool range_applies(const ch_http_request *request, const char *tag)
{
    const char *condition = ch_http_header(request, "If-Range");
    return !condition || !strcmp(condition, tag);
}

static void choose_range(ch_http_request *request, ch_http_reply *reply, const char *tag, uint64_t size)
{
    ch_arena *arena = request->arena;
    const char *range = ch_http_header(request, "Range");
    reply->file_len = size;
    if (!range || !range_applies(request, tag)) return;
    switch (ch_http_parse_range(range, size, &reply->file_offset, &reply->file_len)) {
    case CH_RANGE_PART:
        reply->status = 206;
        ch_http_add_header(reply, "Content-Range",
                           ch_arena_printf(arena, "bytes %llu-%llu/%llu", (unsigned long long)reply->file_offset,
                                           (unsigned long long)(reply->file_offset + reply->file_len - 1),
                                           (unsigned long long)size));
        break;
    case CH_RANGE_OUTSIDE:
        reply->status = 416;
        reply->file_len = 0;
        ch_http_add_header(reply, "Content-Range", ch_arena_printf(arena, "bytes */%llu", (unsigned long long)size));
        break;
    default: reply->file_offset = 0; reply->file_len = size;
    }
}

void ch_http_send_file(ch_http_request *request, ch_http_reply *reply, const char *path, const char *content_type)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        int status = fd < 0 && errno == EACCES ? 403 : 404;
        if (fd >= 0) close(fd);
        ch_http_text(reply, status, "text/plain; charset=utf-8", status == 404 ? "Not Found" : "Forbidden");
        return;
    }
    const char *tag = ch_arena_printf(request->arena, "\"%llx-%llx%08lx\"", (unsigned long long)st.st_size,
                                      (unsigned long long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
    reply->status = 200;
    reply->content_type = content_type ? content_type : ch_http_type_of(path);
    ch_http_add_header(reply, "ETag", tag);
    ch_http_add_header(reply, "Accept-Ranges", "bytes");
    add_protection(request, reply, path);
    const char *known = ch_http_header(request, "If-None-Match");
    if (known && ch_http_tag_matches(known, tag)) {
        close(fd);
        reply->status = 304;
        return;
    }
    reply->file = fd;
    reply->is_file = true;
    choose_range(request, reply, tag, (uint64_t)st.st_size);
}
