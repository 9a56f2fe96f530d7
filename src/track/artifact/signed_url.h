/* signed_url.h: addresses of ours that carry their own permission: for clients that transfer a file, or a part of one,
 * with plain requests, without the credentials that they asked with.
 *
 *     /api/2.0/mlflow-artifacts/signed/...?expires=SECONDS&signature=HEX
 *
 * The signature is HMAC-SHA256 (RFC 2104) of method, path and end, with a secret that lies among the uploads of the
 * artifact folder: it survives the process, and several processes that share the folder understand each other.
 */
#ifndef CHERT_TRACK_SIGNED_URL_H
#define CHERT_TRACK_SIGNED_URL_H

#include "track/call.h"

/* Below which all signed addresses are. */
#define CH_SIGNED_PREFIX "/api/2.0/mlflow-artifacts/signed/"

typedef struct ch_signer ch_signer;

/* For an artifact folder; lives in the arena, and must be forgotten before it. */
ch_signer *ch_signer_new(ch_arena *arena, const char *folder);
void ch_signer_forget(ch_signer *signer); /* NULL is fine */

/* *url: the absolute address, as the client of the call can reach it, that `method` may be sent to for `seconds`.
 * `path` is what comes behind CH_SIGNED_PREFIX, not yet escaped. Behind a proxy the address is the proxy's: of
 * X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Prefix where they are there. Fails the call when the request does
 * not tell a host, or the secret cannot be kept. */
int ch_signed_url(ch_call *call, const char *method, const char *path, int64_t seconds, const char **url);
/* Whether the request is to a signed address and its signature is good and has not ended. */
bool ch_signed_admits(const ch_track *track, const ch_http_request *request);

/* HMAC-SHA256; `key` has at most 64 bytes. */
void ch_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[32]);

#endif
