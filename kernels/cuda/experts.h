#ifndef KERNELS_CUDA_EXPERTS_H
#define KERNELS_CUDA_EXPERTS_H
/* What the experts of float32 (experts.cu) and those of bfloat16 (experts_bf16.cu) have in common. */
#include "kernels/cuda/cuda.h"

/* h of one hidden unit, and its slopes by a = w1 x and b = w3 x. */
struct hidden {
    float h, by_a, by_b;
};

__device__ inline struct hidden hidden_of(enum kn_act act, float a, float b)
{
    if (act == KN_RELU) return {a > 0 ? a : 0, a > 0 ? 1.f : 0.f, 0};
    float s = sigmoid(a), slope = s * (1 + a * (1 - s));
    if (act == KN_SILU) return {a * s, slope, 0};
    return {a * s * b, slope * b, a * s};
}

/* dx[T,D] (+)= the sum of each token's rows. */
inline void add_rows_of_tokens(struct kn_backend *be, float *dx, const float *row,
                               const int32_t *token_start, const int32_t *token_slot, int T, int D,
                               bool add, const char *op)
{
    int wide = in_fours(D, dx, row) ? 4 : 1, some = D / wide;
    each(
        be, (size_t)T * some,
        [=] __device__(size_t i) {
            int t = (int)(i / some), j = (int)(i % some) * wide, end = token_start[t + 1];
            float *to = dx + (size_t)t * D + j;
            struct four sum = {};
            if (add) sum = numbers_at(to, wide);
            for (int k = token_start[t]; k < end; k++) {
                struct four x = numbers_at(row + (size_t)token_slot[k] * D + j, wide);
                for (int c = 0; c < 4; c++) sum.of[c] += x.of[c];
            }
            put_numbers(to, sum, wide);
        },
        op);
}

/* kn_moe_ffn and its back where c->bf16. */
void half_moe_ffn(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                  const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                  const struct kn_weight *down, enum kn_act act, int T);
void half_moe_ffn_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                       struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                       struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                       const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                       int T, bool add);
#endif
