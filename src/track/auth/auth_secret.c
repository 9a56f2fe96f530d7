/* auth_secret.c: passwords, tokens and digests. */
#include "track/auth/auth_internal.h"

#include "frame/type/sha2.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

void ch_auth_digest(const void *bytes, size_t len, unsigned char out[CH_AUTH_DIGEST])
{
    unsigned char digest[CH_SHA2_MAX];
    ch_sha2(256, bytes, len, digest);
    memcpy(out, digest, CH_AUTH_DIGEST);
}

void ch_auth_to_hex(const unsigned char digest[CH_AUTH_DIGEST], char out[CH_AUTH_HEX])
{
    for (size_t i = 0; i < CH_AUTH_DIGEST; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[2 * CH_AUTH_DIGEST] = '\0';
}

bool ch_auth_from_hex(const char *hex, unsigned char out[CH_AUTH_DIGEST])
{
    static const char DIGITS[] = "0123456789abcdef";
    if (strlen(hex) != CH_AUTH_HEX - 1 || hex[strspn(hex, DIGITS)]) return false;
    for (size_t i = 0; i < CH_AUTH_DIGEST; i++) {
        out[i] =
            (unsigned char)((strchr(DIGITS, hex[2 * i]) - DIGITS) * 16 + (strchr(DIGITS, hex[2 * i + 1]) - DIGITS));
    }
    return true;
}

bool ch_auth_same(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char difference = 0;
    for (size_t i = 0; i < len; i++) difference |= x[i] ^ y[i];
    return !difference;
}

int ch_auth_hash(const char *password, ch_buf *out, ch_error *err)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return ch_no_memory(err);
    const char *hash = NULL;
    if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting)) hash = crypt_r(password, setting, data);
    bool good = hash && hash[0] == '$';
    if (good) ch_buf_str(out, hash);
    explicit_bzero(data, sizeof *data);
    free(data);
    return good ? 0 : ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The password cannot be hashed");
}

bool ch_auth_verify(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data) return false;
    const char *again = crypt_r(password, hash, data);
    bool same = again && again[0] == '$' && strlen(again) == strlen(hash) && ch_auth_same(again, hash, strlen(hash));
    explicit_bzero(data, sizeof *data);
    free(data);
    return same;
}

void ch_auth_new_token(char token[CH_AUTH_TOKEN_SIZE])
{
    char digits[33], more[33];
    ch_new_id(digits);
    ch_new_id(more);
    memcpy(token, "chert_", 6);
    memcpy(token + 6, digits, 32);
    memcpy(token + 38, more, 8);
    token[46] = '\0';
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool ch_auth_read_basic(ch_arena *arena, const char *base64, char **name, char **password)
{
    size_t len = strlen(base64);
    while (len && base64[len - 1] == '=') len--;
    char *text = ch_arena_alloc(arena, len + 1);
    size_t n = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = base64_digit(base64[i]);
        if (digit < 0) return false;
        bits = (bits << 6 | (unsigned)digit) & 0xfffff;
        if (i % 4) text[n++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    text[n] = '\0';
    if (strlen(text) != n) return false;
    char *colon = strchr(text, ':');
    if (!colon) return false;
    *colon = '\0';
    *name = text;
    *password = colon + 1;
    return true;
}

/* A name must not break the lines of the file. */
static int check_name(const char *name, ch_error *err)
{
    size_t len = strlen(name);
    if (len && len < sizeof((auth_seen *)0)->name && !name[strcspn(name, ":\r\n#")]) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "A user's name must have 1 to 127 characters, none of them ':' or '#'");
}

int ch_auth_user_line(const char *name, const char *password, bool admin, ch_buf *line, ch_error *err)
{
    CH_TRY(check_name(name, err));
    ch_buf_printf(line, "%s:", name);
    CH_TRY(ch_auth_hash(password, line, err));
    ch_buf_str(line, admin ? ":admin" : "");
    return 0;
}

int ch_auth_token_line(const char *name, char token[CH_AUTH_TOKEN_SIZE], ch_buf *line, ch_error *err)
{
    CH_TRY(check_name(name, err));
    unsigned char digest[CH_AUTH_DIGEST];
    char hex[CH_AUTH_HEX];
    ch_auth_new_token(token);
    ch_auth_digest(token, strlen(token), digest);
    ch_auth_to_hex(digest, hex);
    ch_buf_printf(line, "%s:token:%s", name, hex);
    return 0;
}
