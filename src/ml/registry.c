/* registry.c: every stage chert knows, by its JVM class name. To add one, add its lines here. */
#include "ml/stage.h"

#include "ml/stages.h"

static const ch_stage *const STAGES[] = {
#define CH_STAGE(name) &ch_stage_##name,
    CH_STAGES
#undef CH_STAGE
};

const ch_stage *ch_stage_find(const char *class_name)
{
    for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES; i++) {
        if (strcmp(STAGES[i]->class_name, class_name) == 0) return STAGES[i];
    }
    return NULL;
}

size_t ch_stage_all(const ch_stage *const **out)
{
    *out = STAGES;
    return sizeof STAGES / sizeof *STAGES;
}

const char *ch_stage_name(const ch_stage *stage)
{
    const char *dot = strrchr(stage->class_name, '.');
    return dot ? dot + 1 : stage->class_name;
}
