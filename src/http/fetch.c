/* fetch.c: asking MLflow's REST API, over libcurl. */
#include "http/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TRIES = 4,
    CONNECT_SECONDS = 30,
    STALL_SECONDS = 120,    /* without a byte */
    REPLY_MOST = 512 << 20, /* bytes of a reply that is kept in memory */
    ERROR_MOST = 64 << 10   /* ... of one that tells of an error */
};

struct ch_fetch {
    CURL *curl;
    char *url; /* without a slash at its end */
    char why[CURL_ERROR_SIZE];
};

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void set_credentials(const ch_fetch *fetch)
{
    const char *token = setting("MLFLOW_TRACKING_TOKEN"), *user = setting("MLFLOW_TRACKING_USERNAME");
    const char *password = setting("MLFLOW_TRACKING_PASSWORD"), *trusted = setting("MLFLOW_TRACKING_SERVER_CERT_PATH");
    const char *own = setting("MLFLOW_TRACKING_CLIENT_CERT_PATH");
    if (user && password) {
        curl_easy_setopt(fetch->curl, CURLOPT_USERNAME, user);
        curl_easy_setopt(fetch->curl, CURLOPT_PASSWORD, password);
    } else if (token) {
        curl_easy_setopt(fetch->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(fetch->curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    if (trusted) curl_easy_setopt(fetch->curl, CURLOPT_CAINFO, trusted);
    if (own) curl_easy_setopt(fetch->curl, CURLOPT_SSLCERT, own);
}

int ch_fetch_open(const char *url, ch_fetch **out, ch_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is no address of a server: http://... or https://...", url);
    }
    pthread_once(&once, start_curl);
    ch_fetch *fetch = calloc(1, sizeof *fetch);
    if (fetch) {
        fetch->curl = curl_easy_init();
        fetch->url = strdup(url);
    }
    if (!fetch || !fetch->curl || !fetch->url) {
        ch_fetch_close(fetch);
        return ch_no_memory(err);
    }
    for (size_t len = strlen(fetch->url); len > 0 && fetch->url[len - 1] == '/'; len--) fetch->url[len - 1] = '\0';
    curl_easy_setopt(fetch->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(fetch->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(fetch->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(fetch->curl, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    curl_easy_setopt(fetch->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(fetch->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
    curl_easy_setopt(fetch->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(fetch->curl, CURLOPT_ERRORBUFFER, fetch->why);
    curl_easy_setopt(fetch->curl, CURLOPT_USERAGENT, "chert/" CHERT_VERSION);
    set_credentials(fetch);
    *out = fetch;
    return 0;
}

void ch_fetch_close(ch_fetch *fetch)
{
    if (!fetch) return;
    curl_easy_cleanup(fetch->curl);
    free(fetch->url);
    free(fetch);
}

void ch_fetch_encode(ch_buf *out, const char *text, bool slashes)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-_.~", *text) || (slashes && *text == '/');
        if (plain)
            ch_buf_char(out, *text);
        else
            ch_buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

/* Where a reply goes. */
typedef struct reply {
    CURL *curl;
    ch_buf *out;
    ch_buf said; /* when the status is not 200 */
    int file;
    int error; /* errno of what could not be written; EFBIG for a reply that is too long */
} reply;

static size_t take(char *data, size_t one, size_t len, void *arg)
{
    (void)one;
    reply *r = arg;
    long status = 0;
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        if (r->said.len < ERROR_MOST) ch_buf_add(&r->said, data, len);
        return len;
    }
    if (r->file < 0) {
        if (r->out->len + len > REPLY_MOST) r->error = EFBIG;
        if (!r->error) ch_buf_add(r->out, data, len);
        return r->error ? 0 : len;
    }
    for (size_t done = 0; done < len && !r->error;) {
        ssize_t n = write(r->file, data + done, len - done);
        if (n < 0) r->error = errno;
        if (n > 0) done += (size_t)n;
    }
    return r->error ? 0 : len;
}

static int begin_again(reply *r, ch_error *err)
{
    ch_buf_clear(&r->said);
    if (r->file < 0)
        ch_buf_clear(r->out);
    else if (lseek(r->file, 0, SEEK_SET) != 0 || ftruncate(r->file, 0) != 0)
        return ch_failf(err, CH_E_IO, "a file to download to: %s", strerror(errno));
    return 0;
}

static bool is_passing(CURLcode code, long status)
{
    if (code == CURLE_OK) return status == 429 || status == 502 || status == 503 || status == 504;
    return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_GOT_NOTHING ||
           code == CURLE_PARTIAL_FILE || code == CURLE_OPERATION_TIMEDOUT;
}

static int tell_failure(const ch_fetch *fetch, const char *path, CURLcode code, long status, const reply *r,
                        ch_error *err)
{
    if (r->error == EFBIG) return ch_failf(err, CH_E_IO, "%s%s: the answer is too long", fetch->url, path);
    if (r->error) {
        return ch_failf(err, r->error == ENOSPC ? CH_E_MEMORY : CH_E_IO, "what %s gives cannot be written: %s",
                        fetch->url, strerror(r->error));
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
        return ch_failf(err, CH_E_IO,
                        "%s: %s; MLFLOW_TRACKING_SERVER_CERT_PATH may name a file of certificates to trust", fetch->url,
                        *fetch->why ? fetch->why : curl_easy_strerror(code));
    }
    if (code != CURLE_OK) {
        return ch_failf(err, CH_E_IO, "%s: %s", fetch->url, *fetch->why ? fetch->why : curl_easy_strerror(code));
    }
    if (status == 401) {
        return ch_failf(err, CH_E_IO,
                        "%s answered 401 (who are you?): set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
                        "MLFLOW_TRACKING_TOKEN",
                        fetch->url);
    }
    return ch_failf(err, status == 404 ? CH_E_NOT_FOUND : CH_E_IO, "%s answered %ld to %s: %.300s", fetch->url, status,
                    path, ch_buf_text(&r->said));
}

static int ask_until_answered(ch_fetch *fetch, const char *path, reply *r, ch_error *err)
{
    for (int try = 1;; try++) {
        long status = 0;
        CH_TRY(begin_again(r, err));
        fetch->why[0] = '\0';
        CURLcode code = curl_easy_perform(fetch->curl);
        curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
        if (code == CURLE_OK && status == 200) return 0;
        if (try == TRIES || r->error || !is_passing(code, status))
            return tell_failure(fetch, path, code, status, r, err);
        nanosleep(&(struct timespec){.tv_sec = 1 << (try - 1)}, NULL);
    }
}

int ch_fetch_ask(ch_fetch *fetch, const char *method, const char *path, const char *body, ch_buf *out, int file,
                 ch_error *err)
{
    ch_buf url = {0};
    reply r = {.curl = fetch->curl, .out = out, .file = file};
    struct curl_slist *headers = body ? curl_slist_append(NULL, "Content-Type: application/json") : NULL;
    ch_buf_printf(&url, "%s%s", fetch->url, path);
    curl_easy_setopt(fetch->curl, CURLOPT_URL, url.data);
    if (body)
        curl_easy_setopt(fetch->curl, CURLOPT_POSTFIELDS, body);
    else
        curl_easy_setopt(fetch->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(fetch->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(fetch->curl, CURLOPT_WRITEDATA, &r);
    int status = ask_until_answered(fetch, path, &r, err);
    curl_slist_free_all(headers);
    ch_buf_reset(&url);
    ch_buf_reset(&r.said);
    return status;
}
