/* address.h: how programs find the server that holds a store: a file beside the store tells its addresses while it
 * runs.
 *
 * Locks on the file, which the kernel lets go with the process that held them, say the rest: the server holds the first
 * byte, so a file left behind by a killed one fools nobody; each `chert submit` that uses the server holds the second
 * byte, shared, so the server knows whether it may end.
 */
#ifndef CHERT_CLI_ADDRESS_H
#define CHERT_CLI_ADDRESS_H

#include <stdbool.h>

typedef struct cli_address {
    int fd; /* -1: none */
    char *path;
} cli_address;

enum { CLI_URL_MAX = 300 };

/* By the server: tells its addresses, and whether clients need a token. Without effect when the file cannot be written:
 * then nobody finds it. */
cli_address cli_address_publish(const char *store, const char *connect, const char *tracking, bool guarded);
/* Whether no submit uses the server; if so, none will find it any more. */
bool cli_address_unused(cli_address *address);
void cli_address_withdraw(cli_address *address);

/* By a submit: finds the running server of a store and keeps it from ending until cli_address_leave. */
bool cli_address_use(const char *store, cli_address *address, char connect[CLI_URL_MAX], char tracking[CLI_URL_MAX],
                     bool *guarded);
void cli_address_leave(cli_address *address);
/* Whether a submit uses the store's server now. */
bool cli_address_shared(const char *store);
/* Whether some process has the store open: one that starts or ends tells no address. */
bool cli_store_held(const char *store);

#endif
