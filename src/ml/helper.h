/* helper.h: the object with static methods that a Connect client finds under ______ML_CONNECT_HELPER______. */
#ifndef CHERT_ML_HELPER_H
#define CHERT_ML_HELPER_H

#include "ml/stage.h"

extern const ch_stage ch_stage_helper;

#endif
