/* secure.c: TLS and tokens on the Spark Connect port. */
#include "connect/secure.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PEM_MAX = 1 << 20, AUTHORIZATION_MAX = 4096 };

static int read_pem(const char *path, ch_buf *out, ch_error *err)
{
    FILE *file = fopen(path, "re");
    if (!file) return ch_failf(err, CH_E_IO, "Cannot read %s: %s", path, strerror(errno));
    char piece[4096];
    size_t got;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0 && out->len < PEM_MAX) ch_buf_add(out, piece, got);
    fclose(file);
    if (strstr(ch_buf_text(out), "-----BEGIN ")) return 0;
    return ch_failf(err, CH_E_IO, "%s is not a PEM file", path);
}

int ch_secure_credentials(const ch_secure *secure, grpc_server_credentials **out, ch_error *err)
{
    if (!secure->tls_cert && !secure->tls_key) {
        *out = grpc_insecure_server_credentials_create();
        return 0;
    }
    if (!secure->tls_cert || !secure->tls_key) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "TLS needs a certificate and a key");
    }
    ch_buf cert = {0}, key = {0};
    int status = read_pem(secure->tls_cert, &cert, err);
    if (!status) status = read_pem(secure->tls_key, &key, err);
    if (!status) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = key.data, .cert_chain = cert.data};
        *out = grpc_ssl_server_credentials_create_ex(NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL);
    }
    if (key.data) explicit_bzero(key.data, key.len);
    ch_buf_reset(&key);
    ch_buf_reset(&cert);
    return status;
}

bool ch_secure_admits(const ch_secure *secure, const grpc_metadata_array *metadata, char user[CH_AUTH_NAME_SIZE])
{
    user[0] = '\0';
    if (!secure->auth) return true;
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_slice_str_cmp(metadata->metadata[i].key, "authorization") != 0) continue;
        grpc_slice value = metadata->metadata[i].value;
        size_t len = GRPC_SLICE_LENGTH(value);
        char text[AUTHORIZATION_MAX];
        if (len >= sizeof text) return false;
        memcpy(text, GRPC_SLICE_START_PTR(value), len);
        text[len] = '\0';
        /* passwords take too long to check for a thread that polls, and clients have no way to send one */
        return strlen(text) == len && !strncasecmp(text, "Bearer ", 7) && ch_auth_whose(secure->auth, text, user);
    }
    return false;
}
