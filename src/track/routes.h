/* routes.h: between call.c and routes.c, and for others that answer in MLflow's way (the guard). */
#ifndef CHERT_TRACK_ROUTES_H
#define CHERT_TRACK_ROUTES_H

#include "track/call.h"

/* The handler of every route: runs the ch_track_route that is the route's data with a ch_call. */
int ch_call_serve(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err);
/* The `permit` of routes whose bodies may be big: asks for what their handler would refuse without the body. */
int ch_call_permit(ch_http_request *request, ch_http_reply *reply, void *app);

/* The middle of it: checks the arguments, which are there, and runs the handler, which leaves call->out's object open.
 */
int ch_call_run(ch_call *call, const ch_track_route *route);

/* MLflow's error as a reply. */
void ch_mlflow_error(ch_http_reply *reply, ch_mlflow_code code, const char *message);

#endif
