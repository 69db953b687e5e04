#ifndef CORE_MODEL_MODEL_H
#define CORE_MODEL_MODEL_H
/* The model, from a batch to its loss and back. One code for both forms: features in (a linear
 * input, independent tokens, a head with bias, several predictions a token) and text (embedding,
 * attention, a head without bias). */
#include "core/data/dataset.h"
#include "core/metrics/snapshot.h"
#include "core/model/attention.h"
#include "core/model/config.h"
#include "core/model/moe.h"

struct norm {
    struct kn_buf y, inv, gain, dgain;
    int at;
}; /* output [T,D] and 1/rms [T]; `at`: place in the table */
struct layer {
    struct kn_buf in,
        mid; /* [T,D]: the residual stream before attention (text), before the experts */
    struct norm norm1, norm2;
    struct attention attention; /* text only */
    struct moe moe;
};
struct model {
    struct kn_backend *be;
    struct config config; /* what it was made by; config.knob is what the routers read */
    struct data_shape data;
    int L, D, T_room;
    int T, B, C; /* of the newest forward */
    struct params params;
    struct memory memory;
    struct layer layer[SNAP_LAYERS];
    struct norm last;
    struct kn_weight input, head; /* input: not text */
    struct kn_buf x;              /* [T,input], not text */
    struct kn_ints ids, label;    /* [T] text; [T*items] */
    struct kn_ints document;      /* [T] text: the sequence that a token is of */
    int document_context;         /* tokens a sequence that `document` was written for */
    /* [T] forced on every layer where the setting, or a strategy that learns, says so */
    struct kn_ints counts;
    struct kn_buf out, logits; /* [T,D] behind the last layer; [T, items*classes] */
    struct kn_buf nll, loss;   /* [T*items], [1] */
    /* [T] see struct route_learning; only where the strategy learns so */
    struct kn_buf reward, baseline;
    struct kn_ints hit,
        bad; /* [T*items]; tokens of a layer that could not be routed, [2,SNAP_LAYERS]: by their logits, by
                             their side logits alone */
    struct kn_buf du, dtmp, y; /* [T,D]: gradient of the residual stream, scratch */
    struct kn_buf drows;       /* [T,3D] scratch, text */
    struct kn_buf rows_out;    /* [T*E,D] scratch of the experts */
    struct kn_buf on, away;    /* of the routes, see struct route: written where some are off */
    int input_at, head_at, bias_at;
};

/* Room for batches of up to T_room tokens. Weights are drawn by config's seed. */
bool model_open(struct model *m, struct kn_backend *be, const struct config *c,
                const struct data_shape *data, int T_room, struct err *e);
void model_close(struct model *m); /* accepts a zeroed one */
/* Another strategy or other knobs on the same shapes (model_same_shape says whether they are). */
bool model_same_shape(const struct model *m, const struct config *c);
void model_set_router(struct model *m, const struct config *c);
void model_repack(struct model *m); /* after weights were written */

/* b's inputs and labels become the model's; then forward, loss over the labels, gradients of
 * everything (added). */
void model_input(struct model *m, const struct batch *b);
void model_draw(struct model *m, uint32_t step); /* what the next forwards draw is step's */
void model_forward(struct model *m, bool training);
/* m->loss, nll, hit; gradient: logits become theirs */
void model_loss(struct model *m, bool gradient);
void model_backward(struct model *m);
void model_after_step(struct model *m); /* what strategies keep outside the gradient moves */

/* a token, forward, without the picks of routed columns */
double model_fixed_flops(const struct model *m, int context);
#endif
