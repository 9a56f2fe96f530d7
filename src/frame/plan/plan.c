/* plan.c: the builder of plan nodes. */
#include "frame/plan/plan.h"

ch_plan *ch_plan_new(ch_arena *arena, ch_plan_kind kind, ch_plan *input)
{
    ch_plan *plan = CH_NEW(arena, ch_plan);
    plan->kind = kind;
    plan->plan_id = -1;
    plan->input = input;
    return plan;
}
