#ifndef CORE_MODEL_ATTENTION_H
#define CORE_MODEL_ATTENTION_H
/* Causal multi-head self-attention with rotary positions, without biases: y = o(attention(q x, k x,
 * v x)). */
#include "core/model/memory.h"
#include "core/model/params.h"

#define ATTENTION_THETA 10000.0

struct attention {
    struct kn_backend *be;
    int D, heads, layer;
    struct kn_weight qkv, o;
    struct kn_buf dqkv_w, do_w;     /* gradients of the weights */
    struct kn_buf rows, lse, mixed; /* [T,3D] turned q, k, v; [T*heads]; [T,D] what goes into o */
    struct kn_buf drows, dmixed;    /* scratch, shared by all layers */
    int first_q, first_o;           /* places in the parameter table */
};

/* o_scale: standard deviation that o starts with. */
void attention_declare(struct attention *a, int D, int heads, int layer, double o_scale,
                       struct params *p);
/* drows[T,3D], dmixed[T,D]: scratch. Call twice, see memory.h. */
void attention_place(struct attention *a, struct memory *mem, int T, struct kn_buf drows,
                     struct kn_buf dmixed);
bool attention_open(struct attention *a, struct params *p, struct err *e);
void attention_close(struct attention *a);                         /* accepts a zeroed one */
int attention_weights(struct attention *a, struct kn_weight **to); /* at most 2; returns how many */

/* y[T,D] from x[T,D], T = B*C; x is borrowed until attention_backward. */
void attention_forward(struct attention *a, struct kn_buf y, struct kn_buf x, int B, int C);
void attention_backward(struct attention *a, struct kn_buf dx, struct kn_buf dy, struct kn_buf x,
                        int B, int C);
/* a token, forward; scores: the causal half */
double attention_flops(const struct attention *a, int C);
#endif
