/* secure.h: TLS and tokens on the Spark Connect port. */
#ifndef CHERT_CONNECT_SECURE_H
#define CHERT_CONNECT_SECURE_H

#include "track/auth/auth.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

/* Who may call, and under which cipher. All zero: everybody, in plain text. */
typedef struct ch_secure {
    const char *tls_cert, *tls_key; /* PEM files, both or neither */
    ch_auth *auth;                  /* NULL: nobody is asked for a token */
} ch_secure;

/* What the server listens with; released by the caller. err: the files cannot be read. */
int ch_secure_credentials(const ch_secure *secure, grpc_server_credentials **out, ch_error *err);
/* Whether a call's metadata have the token of a user ("authorization: Bearer ..."), as clients send it whose address is
 * sc://host:port/;token=...; the user's name comes in `user`, "" when nobody is asked. */
bool ch_secure_admits(const ch_secure *secure, const grpc_metadata_array *metadata, char user[CH_AUTH_NAME_SIZE]);

#endif
