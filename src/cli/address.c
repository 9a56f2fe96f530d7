/* address.c: the file beside a store that tells where its server listens. */
#include "cli/address.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { SERVER_BYTE = 0, USERS_BYTE = 1 };

/* The name of a file beside the store's; NULL for stores that are no files. The caller frees it. */
static char *beside(const char *store, const char *ending)
{
    if (strncmp(store, "sqlite:///", 10) == 0) store += 10;
    char *path = NULL;
    int n = (int)strcspn(store, "?");
    if (strstr(store, "://") || asprintf(&path, "%.*s%s", n, store, ending) < 0) return NULL;
    return path;
}

static bool lock_byte(int fd, short type, off_t byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* Whether others hold a lock of this type on the byte. */
static bool is_locked(int fd, short type, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == type;
}

static void forget(cli_address *address)
{
    if (address->fd >= 0) close(address->fd);
    free(address->path);
    *address = (cli_address){.fd = -1};
}

cli_address cli_address_publish(const char *store, const char *connect, const char *tracking, bool guarded)
{
    cli_address address = {.fd = -1, .path = beside(store, ".server")};
    if (!address.path) return address;
    unlink(address.path); /* of a server that was killed: the store's lock says that it is gone */
    address.fd = open(address.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (address.fd < 0 || !lock_byte(address.fd, F_WRLCK, SERVER_BYTE) ||
        dprintf(address.fd, "%s\n%s\n%s\n", connect, tracking, guarded ? "guarded" : "open") < 0) {
        forget(&address);
    }
    return address;
}

bool cli_address_unused(cli_address *address)
{
    return address->fd < 0 || lock_byte(address->fd, F_WRLCK, USERS_BYTE);
}

void cli_address_withdraw(cli_address *address)
{
    if (address->fd >= 0) unlink(address->path);
    forget(address);
}

/* Reads the three lines of the file. */
static bool read_lines(int fd, char connect[CLI_URL_MAX], char tracking[CLI_URL_MAX], bool *guarded)
{
    char text[2 * CLI_URL_MAX + 16], how[16];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) return false;
    text[n] = '\0';
    if (sscanf(text, "%299s %299s %15s", connect, tracking, how) != 3) return false;
    *guarded = strcmp(how, "guarded") == 0;
    return true;
}

bool cli_address_use(const char *store, cli_address *address, char connect[CLI_URL_MAX], char tracking[CLI_URL_MAX],
                     bool *guarded)
{
    *address = (cli_address){.fd = -1, .path = beside(store, ".server")};
    if (!address->path) return false;
    address->fd = open(address->path, O_RDWR | O_CLOEXEC);
    bool found = address->fd >= 0 && lock_byte(address->fd, F_RDLCK, USERS_BYTE) &&
                 is_locked(address->fd, F_WRLCK, SERVER_BYTE) && read_lines(address->fd, connect, tracking, guarded);
    if (!found) forget(address);
    return found;
}

void cli_address_leave(cli_address *address)
{
    forget(address);
}

bool cli_address_shared(const char *store)
{
    char *path = beside(store, ".server");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    bool shared = fd >= 0 && is_locked(fd, F_RDLCK, USERS_BYTE);
    if (fd >= 0) close(fd);
    free(path);
    return shared;
}

bool cli_store_held(const char *store)
{
    char *path = beside(store, ".lock"); /* taken by ch_db_open */
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0) close(fd);
    free(path);
    return held;
}
