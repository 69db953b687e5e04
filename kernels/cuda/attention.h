#ifndef KERNELS_CUDA_ATTENTION_H
#define KERNELS_CUDA_ATTENTION_H
/* What both attentions share: their arguments, and where a head's numbers of a token lie. */
#include "kernels/cuda/cuda.h"

enum { HEAD_WIDEST = 128 }; /* numbers of a head */

struct attention {
    const float *qkv, *dy;
    float *y, *lse, *dqkv, *mean; /* mean[B*heads*C] = <dy, y> of each row */
    int B, C, heads, d;
    int tiles; /* parts that the tokens of a sequence are cut into */
    float scale;
    bool wide; /* rows begin at multiples of 16 bytes */
};
enum { Q, K, V };

/* What a block works on: one head of one sequence, some rows from `first` on. */
struct part {
    int b, h, first;
};

/* Head h of token c's query, key or value. */
__device__ inline size_t head(const struct attention &o, int which, const struct part &p, int c)
{
    return ((size_t)p.b * o.C + c) * 3 * o.heads * o.d + (which * o.heads + p.h) * o.d;
}

__device__ inline size_t head_of_y(const struct attention &o, const struct part &p, int c)
{
    return ((size_t)p.b * o.C + c) * o.heads * o.d + p.h * o.d;
}

__device__ inline size_t row_of(const struct attention &o, const struct part &p, int c)
{
    return ((size_t)p.b * o.heads + p.h) * o.C + c;
}

/* On tensor cores, see attention_bf16.cu. */
void attention_bf16(struct kn_backend *be, struct attention o, const char *op);
void attention_bf16_back(struct kn_backend *be, struct attention o, const char *op);
#endif
