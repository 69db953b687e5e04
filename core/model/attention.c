/* core/model/attention.c - q, k and v stand in one matrix, so that they are one multiplication.
 * Sources: Vaswani et al. 2017, arXiv 1706.03762; Su et al. 2021, arXiv 2104.09864. */
#include "core/model/attention.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void attention_declare(struct attention *a, int D, int heads, int layer, double o_scale,
                       struct params *p)
{
    static const char names[] = "qkvo";
    *a = (struct attention){.D = D, .heads = heads, .layer = layer};
    for (int i = 0; i < 4; i++) {
        struct param w = {
            .shape = {D, D}, .decay = true, .joined = i == 1 || i == 2, .start = START_NORMAL};
        w.scale = i == 3 ? o_scale : 1 / sqrt(D);
        snprintf(w.name, sizeof w.name, "model.layers.%d.self_attn.%c_proj.weight", layer,
                 names[i]);
        int at = params_add(p, w);
        if (i == 0) a->first_q = at;
        if (i == 3) a->first_o = at;
    }
}

void attention_place(struct attention *a, struct memory *mem, int T, struct kn_buf drows,
                     struct kn_buf dmixed)
{
    size_t cells = (size_t)T * (size_t)a->D;
    a->rows = memory_take(mem, 3 * cells);
    a->mixed = memory_take(mem, cells);
    a->lse = memory_take(mem, (size_t)T * (size_t)a->heads);
    a->drows = drows, a->dmixed = dmixed;
}

bool attention_open(struct attention *a, struct params *p, struct err *e)
{
    a->be = p->be;
    a->dqkv_w = params_at(p, p->g, a->first_q), a->do_w = params_at(p, p->g, a->first_o);
    return (kn_weight_open(a->be, &a->qkv, params_at(p, p->w, a->first_q), KN_DENSE, 1, 3 * a->D,
                           a->D, false) &&
            kn_weight_open(a->be, &a->o, params_at(p, p->w, a->first_o), KN_DENSE, 1, a->D, a->D,
                           false)) ||
           err_set(e, ERR_MEMORY,
                   "not enough memory for attention of width %d; try a smaller --width", a->D);
}

void attention_close(struct attention *a)
{
    if (!a->be) return;
    kn_weight_close(a->be, &a->qkv);
    kn_weight_close(a->be, &a->o);
    memset(a, 0, sizeof *a);
}

int attention_weights(struct attention *a, struct kn_weight **to)
{
    to[0] = &a->qkv, to[1] = &a->o;
    return 2;
}

void attention_forward(struct attention *a, struct kn_buf y, struct kn_buf x, int B, int C)
{
    int d = a->D / a->heads, T = B * C;
    kn_linear(a->be, a->rows, x, &a->qkv, T);
    kn_rope(a->be, a->rows, B, C, a->heads, d, ATTENTION_THETA);
    kn_attention(a->be, a->mixed, a->lse, a->rows, B, C, a->heads, d);
    kn_linear(a->be, y, a->mixed, &a->o, T);
}

void attention_backward(struct attention *a, struct kn_buf dx, struct kn_buf dy, struct kn_buf x,
                        int B, int C)
{
    int d = a->D / a->heads, T = B * C;
    kn_linear_back_w(a->be, a->do_w, dy, a->mixed, &a->o, T);
    kn_linear_back_x(a->be, a->dmixed, dy, &a->o, T, false);
    kn_attention_back(a->be, a->drows, a->dmixed, a->mixed, a->lse, a->rows, B, C, a->heads, d);
    kn_rope_back(a->be, a->drows, B, C, a->heads, d, ATTENTION_THETA);
    kn_linear_back_w(a->be, a->dqkv_w, a->drows, x, &a->qkv, T);
    kn_linear_back_x(a->be, dx, a->drows, &a->qkv, T, false);
}

double attention_flops(const struct attention *a, int C)
{
    return 8.0 * a->D * a->D + 2.0 * a->D * C;
}
