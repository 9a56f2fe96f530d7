/* Plans from anywhere: the bytes of a spark.connect.Plan are checked, unpacked, decoded and analysed in a session, as
 * AnalyzePlan does. Files are out of reach: plans that read some are only decoded. */
#include "connect/decode.h"
#include "connect/wire.h"
#include "frame/analyze/rel.h"

#include <stdlib.h>

enum { ROWS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ch_session *session;
static ch_ml *ml;

static void set_up(void)
{
    ch_error err;
    ch_engine *engine;
    ch_engine_options options = {.threads = 1, .memory_limit = "500MB"};
    if (ch_engine_open(&options, &engine, &err) || ch_session_open(engine, &session, &err)) abort();
    ml = ch_ml_new(session);
}

/* Makes a plan harmless: some analyses run queries, which must stay small. False when it reads files. */
static bool tame(ch_plan *plan)
{
    if (!plan) return true;
    if (plan->kind == CH_PLAN_READ || plan->kind == CH_PLAN_SQL) return false;
    if (plan->kind == CH_PLAN_RANGE) {
        plan->u.range.start %= ROWS_MAX;
        plan->u.range.end %= ROWS_MAX;
    }
    return tame(plan->input) && tame(plan->right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!session) set_up();
    ch_error err;
    ch_arena *arena = ch_arena_new();
    ProtobufCMessage *message;
    ch_plan *plan;
    ch_rel *rel;
    int next_id = 1;
    ch_decoder d = {.arena = arena, .session = session, .ml = ml};
    if (!ch_wire_unpack(arena, PB_TYPE(plan), data, size, &message, &err) &&
        !ch_decode_plan(&d, (const void *)message, &plan, &err) && tame(plan)) {
        ch_analyze(session, arena, plan, &next_id, &rel, &err);
    }
    ch_arena_free(arena);
    return 0;
}
