/* decode_internal.h: what the files of the decoder share. */
#ifndef CHERT_CONNECT_DECODE_INTERNAL_H
#define CHERT_CONNECT_DECODE_INTERNAL_H

#include "connect/decode.h"

/* A plan that subquery expressions may name. */
struct ch_reference {
    int64_t plan_id;
    ch_plan *plan;
    ch_reference *next;
};

/* NULL when no reference has this id. */
ch_plan *ch_find_reference(const ch_decoder *d, int64_t plan_id);

/* A plan node over a decoded input. */
int ch_decode_unary(ch_decoder *d, ch_plan_kind kind, const PB(Relation) *input, ch_plan **out, ch_error *err);
const char **ch_borrow_names(ch_decoder *d, size_t n, char *const *names);
/* decode_derived.c: the relations that decode_relation.c does not know; raises for those nobody knows. */
int ch_decode_derived(ch_decoder *d, const PB(Relation) *in, ch_plan **out, ch_error *err);

/* The entries of a protobuf map<string, string> as options; `entries` is an array of pointers to structs with key and
 * value. */
#define CH_DECODE_OPTIONS(d, count, entries, noption, options)                                                         \
    do {                                                                                                               \
        *(noption) = (count);                                                                                          \
        *(options) = CH_NEW_ARRAY((d)->arena, ch_option, (count));                                                     \
        for (size_t i_ = 0; i_ < (count); i_++) {                                                                      \
            (*(options))[i_] = (ch_option){(entries)[i_]->key, (entries)[i_]->value};                                  \
        }                                                                                                              \
    } while (0)

#endif
