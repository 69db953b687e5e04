#ifndef CORE_TRAIN_SAVED_H
#define CORE_TRAIN_SAVED_H
/* What a checkpoint of a trainer holds beside the weights: for save.c and resume.c only. */
#include "core/model/checkpoint.h"
#include "core/train/inside.h"

#define SAVED_SCHEMA "vanpool/1"
#define SAVED_M "optimizer.exp_avg" /* the moments, tensor by tensor in the order of the table */
#define SAVED_V "optimizer.exp_avg_sq"

/* Numbers of a trainer that are its place in time; in the metadata by these keys. */
enum { SAVED_PLACES = 8 };
struct saved_place {
    const char *key;
    size_t offset;
    bool is_long;
};
extern const struct saved_place saved_places[SAVED_PLACES];

/* Experts that are off or rest: bits of struct fleet, hexadecimal, in the metadata by "fleet.KEY". */
enum { SAVED_FLEETS = 3 };
struct saved_fleet {
    const char *key;
    size_t offset;
};
extern const struct saved_fleet saved_fleets[SAVED_FLEETS];

/* What the strategies of all layers keep outside the gradient, as tensors. */
struct saved_state {
    char name[PARAM_NAME];
    struct kn_buf at;
    size_t size;
};
struct saved_states {
    int count;
    struct saved_state state[SNAP_LAYERS * ROUTER_ARRAYS];
};
void saved_list_states(const struct model *m, struct saved_states *s);
#endif
