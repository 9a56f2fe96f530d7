/* otlp_json.h: OpenTelemetry's JSON (OTLP/HTTP with Content-Type application/json) as the protobuf that it stands for.
 */
#ifndef CHERT_TRACK_OTLP_JSON_H
#define CHERT_TRACK_OTLP_JSON_H

#include "base/buf.h"
#include "base/error.h"

/* Appends the ExportTraceServiceRequest that the text describes: names in lowerCamelCase, ids in hexadecimal digits, as
 * the OTLP specification has them, and 64-bit numbers as numbers or texts. What it does not know it leaves out. err:
 * CH_E_ILLEGAL_ARGUMENT for what is no JSON or has a value of a wrong kind. */
int ch_otlp_from_json(const char *text, size_t len, ch_buf *out, ch_error *err);

#endif
