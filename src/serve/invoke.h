/* invoke.h: one scoring request against one model: content type, body, rows, predictions. */
#ifndef CHERT_SERVE_INVOKE_H
#define CHERT_SERVE_INVOKE_H

#include "http/http.h"
#include "serve/model.h"

enum {
    CH_INVOKE_BODY_MAX = 32 << 20,  /* bytes; SageMaker sends up to 25 MB */
    CH_INVOKE_CELLS_MAX = 8 << 20,  /* values in one request */
    CH_INVOKE_INLINE_MAX = 16 << 10 /* bytes of a body that is answered on the socket's thread */
};

/* Seconds that a request may take: MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT, or 60. Read once. */
double ch_invoke_timeout(void);

/* Answers a POST .../invocations with the model's predictions: {"predictions": [...]}, or with a fault. `arena` is the
 * request's. *rows is how many rows were scored. */
void ch_invoke(ch_served *model, ch_http_request *request, ch_http_reply *reply, size_t *rows);

/* The same without HTTP around it: a body of a content type, `columns` (comma separated, may be NULL) instead of the
 * prediction. Returns 0 with the JSON of the answer in *out, or describes the fault. */
int ch_invoke_body(ch_served *model, const char *content_type, const char *body, size_t len, const char *columns,
                   ch_buf *out, size_t *rows, ch_fault *fault);

#endif
