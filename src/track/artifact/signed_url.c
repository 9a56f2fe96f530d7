/* signed_url.c: signing addresses and checking them. */
#include "track/artifact/signed_url.h"

#include "base/log.h"
#include "frame/type/sha2.h"
#include "track/artifact/artifact_store.h"
#include "track/auth/auth_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_SIZE = 32, BLOCK = 64 /* bytes of a block of SHA-256 */ };

struct ch_signer {
    pthread_mutex_t mutex;
    const char *folder, *file; /* of the uploads; the secret in it */
    bool known;
    unsigned char secret[SECRET_SIZE];
};

void ch_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[32])
{
    unsigned char inner[BLOCK] = {0}, outer[BLOCK + CH_AUTH_DIGEST] = {0};
    memcpy(inner, key, key_len);
    memcpy(outer, key, key_len);
    for (size_t i = 0; i < BLOCK; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }
    ch_buf text = {0};
    ch_buf_add(&text, inner, sizeof inner);
    ch_buf_add(&text, data, len);
    ch_auth_digest(text.data, text.len, outer + BLOCK);
    ch_auth_digest(outer, sizeof outer, out);
    explicit_bzero(text.data, text.len);
    ch_buf_reset(&text);
}

/* ---- the secret ----------------------------------------------------------------------------------------------- */

ch_signer *ch_signer_new(ch_arena *arena, const char *folder)
{
    ch_signer *signer = CH_NEW(arena, ch_signer);
    pthread_mutex_init(&signer->mutex, NULL);
    signer->folder = ch_arena_printf(arena, "%s/" CH_ARTIFACT_UPLOADS, folder);
    signer->file = ch_arena_printf(arena, "%s/secret", signer->folder);
    return signer;
}

void ch_signer_forget(ch_signer *signer)
{
    if (!signer) return;
    explicit_bzero(signer->secret, sizeof signer->secret);
    pthread_mutex_destroy(&signer->mutex);
}

static bool read_secret(ch_signer *signer)
{
    int file = open(signer->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return false;
    signer->known = read(file, signer->secret, SECRET_SIZE) == SECRET_SIZE;
    close(file);
    return signer->known;
}

/* Puts a new secret there, whole, unless another process was quicker. False with errno. */
static bool make_secret(const ch_signer *signer)
{
    unsigned char secret[SECRET_SIZE];
    ch_buf name = {0};
    if (mkdir(signer->folder, 0700) && errno != EEXIST) return false;
    if (getrandom(secret, sizeof secret, 0) != sizeof secret) return false;
    ch_buf_printf(&name, "%s.%d", signer->file, (int)getpid());
    int file = open(name.data, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = file >= 0 && write(file, secret, sizeof secret) == sizeof secret && fsync(file) == 0;
    if (file >= 0 && close(file)) good = false;
    if (good) good = link(name.data, signer->file) == 0 || errno == EEXIST;
    int kept = errno;
    if (file >= 0) unlink(name.data);
    ch_buf_reset(&name);
    explicit_bzero(secret, sizeof secret);
    errno = kept;
    return good;
}

/* Copies the secret; false when there is none, and with `make` when none can be made. */
static bool get_secret(ch_signer *signer, bool make, unsigned char out[SECRET_SIZE])
{
    pthread_mutex_lock(&signer->mutex);
    bool good = signer->known || read_secret(signer) || (make && make_secret(signer) && read_secret(signer));
    if (good) memcpy(out, signer->secret, SECRET_SIZE);
    pthread_mutex_unlock(&signer->mutex);
    return good;
}

static void sign(const unsigned char secret[SECRET_SIZE], const char *method, const char *path, int64_t expires,
                 unsigned char out[CH_AUTH_DIGEST])
{
    ch_buf text = {0};
    ch_buf_printf(&text, "%s\n%s\n%lld", method, path, (long long)expires);
    ch_hmac_sha256(secret, SECRET_SIZE, text.data, text.len, out);
    ch_buf_reset(&text);
}

/* ---- addresses ------------------------------------------------------------------------------------------------ */

static void add_escaped(ch_buf *out, const char *text)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (strchr(PLAIN, *c)) {
            ch_buf_char(out, (char)*c);
        } else {
            ch_buf_printf(out, "%%%02X", *c);
        }
    }
}

/* The first of a header's values, which proxies put commas between; NULL unless it has only characters of `allowed`. */
static const char *header_of(ch_call *call, const char *name, const char *allowed)
{
    const char *value = ch_http_header(call->request, name);
    if (!value) return NULL;
    value += strspn(value, " ");
    size_t len = strcspn(value, ", ");
    return len && strspn(value, allowed) >= len ? ch_arena_strndup(call->arena, value, len) : NULL;
}

/* "http://host:port/prefix" as the client knows us; NULL: the request does not tell. */
static const char *base_url(ch_call *call)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    const char *scheme = header_of(call, "X-Forwarded-Proto", LETTERS);
    const char *host = header_of(call, "X-Forwarded-Host", LETTERS "-._:[]");
    const char *prefix = header_of(call, "X-Forwarded-Prefix", LETTERS "-._~/%");
#undef LETTERS
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        scheme = ch_http_is_tls(call->request) ? "https" : "http";
    if (!host) host = ch_http_header(call->request, "Host");
    if (!host || !*host) return NULL;
    if (!prefix || *prefix != '/') prefix = "";
    size_t len = strlen(prefix);
    while (len && prefix[len - 1] == '/') len--;
    return ch_arena_printf(call->arena, "%s://%s%.*s", scheme, host, (int)len, prefix);
}

int ch_signed_url(ch_call *call, const char *method, const char *path, int64_t seconds, const char **url)
{
    unsigned char secret[SECRET_SIZE], digest[CH_AUTH_DIGEST];
    char hex[CH_AUTH_HEX];
    const char *base = base_url(call);
    if (!base) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "The request has no Host header.");
    if (!get_secret(call->track->signer, true, secret)) {
        ch_log(CH_LOG_ERROR, "cannot keep the secret of signed addresses at %s", call->track->signer->file);
        return ch_call_fail(call, INTERNAL_ERROR, "The server cannot sign addresses");
    }
    int64_t expires = ch_clock_ms() / 1000 + seconds;
    sign(secret, method, ch_arena_printf(call->arena, CH_SIGNED_PREFIX "%s", path), expires, digest);
    explicit_bzero(secret, sizeof secret);
    ch_auth_to_hex(digest, hex);
    ch_buf out = {0};
    ch_buf_printf(&out, "%s" CH_SIGNED_PREFIX, base);
    add_escaped(&out, path);
    ch_buf_printf(&out, "?expires=%lld&signature=%s", (long long)expires, hex);
    *url = ch_arena_strndup(call->arena, out.data, out.len);
    ch_buf_reset(&out);
    return 0;
}

bool ch_signed_admits(const ch_track *track, const ch_http_request *request)
{
    unsigned char secret[SECRET_SIZE], given[CH_AUTH_DIGEST], digest[CH_AUTH_DIGEST];
    const char *path = ch_http_path(request), *signature = ch_http_query(request, "signature");
    const char *expires = ch_http_query(request, "expires");
    if (strncmp(path, CH_SIGNED_PREFIX, sizeof CH_SIGNED_PREFIX - 1) != 0 || !signature || !expires) return false;
    size_t digits = strspn(expires, "0123456789");
    if (!digits || digits > 15 || expires[digits] || !ch_auth_from_hex(signature, given)) return false;
    int64_t until = strtoll(expires, NULL, 10);
    if (until < ch_clock_ms() / 1000 || !get_secret(track->signer, false, secret)) return false;
    sign(secret, ch_http_method(request), path, until, digest);
    explicit_bzero(secret, sizeof secret);
    return ch_auth_same(given, digest, sizeof digest);
}
