/* stages.h: the list of all stages, one line each; the descriptors are in the file of the algorithm. */
#ifndef CHERT_ML_STAGES_H
#define CHERT_ML_STAGES_H

#include "ml/stage.h"

#define CH_STAGES                                                                                                      \
    CH_STAGE(string_indexer)                                                                                           \
    CH_STAGE(string_indexer_model)                                                                                     \
    CH_STAGE(vector_assembler)

#define CH_STAGE(name) extern const ch_stage ch_stage_##name;
CH_STAGES
#undef CH_STAGE

#endif
