/* The loss at the end of a model, and the optimiser. */
#include "kernels/cuda/cuda.h"

void cuda_cross_entropy(struct kn_backend *be, struct kn_buf loss, struct kn_buf nll,
                        struct kn_ints hit, struct kn_buf dlogits, struct kn_buf logits,
                        struct kn_ints label, int R, int V)
{
    float *to = KN_F32(loss), *each_nll = KN_F32(nll), *back = KN_F32(dlogits);
    const float *from = KN_F32(logits);
    int32_t *hits = KN_I32(hit);
    const int32_t *right = KN_I32(label);
    double *rows = cells(be, 1);
    total<1>(
        be, R, [=] __device__(size_t r, double *sum) { sum[0] += right[r] >= 0; },
        [=] __device__(const double *sum) { rows[0] = sum[0]; });
    warps(be, R, [=] __device__(int r, int lane) {
        const float *x = from + (size_t)r * V;
        int want = right[r], best = lane < V ? lane : 0;
        float sum = 0, top = x[best];
        for (int j = lane + 32; j < V; j += 32)
            if (x[j] > x[best]) best = j, top = x[j];
        for (int by = 16; by > 0; by /= 2) { /* ties: the lower column */
            float other = __shfl_xor_sync(~0u, top, by);
            int at = __shfl_xor_sync(~0u, best, by);
            if (other > top || (other == top && at < best)) top = other, best = at;
        }
        for (int j = lane; j < V; j += 32) sum += expf(x[j] - top);
        float log_sum = logf(warp_sum(sum)), factor = (float)(1 / rows[0]);
        float wanted = want >= 0 ? x[want] : 0;
        __syncwarp(); /* dlogits may be logits */
        if (lane == 0) hits[r] = best == want;
        if (lane == 0) each_nll[r] = want >= 0 ? log_sum - (wanted - top) : 0;
        for (int j = lane; back && j < V; j += 32)
            back[(size_t)r * V + j] =
                want >= 0 ? (expf(x[j] - top - log_sum) - (j == want)) * factor : 0;
    });
    total<1>(
        be, R, [=] __device__(size_t r, double *sum) { sum[0] += each_nll[r]; },
        [=] __device__(const double *sum) { to[0] = rows[0] > 0 ? (float)(sum[0] / rows[0]) : 0; });
}

void cuda_sum_squares(struct kn_backend *be, struct kn_buf s, struct kn_buf x, size_t n)
{
    float *to = KN_F32(s);
    const float *from = KN_F32(x);
    struct items all = items_of(n, in_fours(4, from));
    total<1>(
        be, all.count,
        [=] __device__(size_t i, double *sum) {
            struct four x = {};
            if (i < all.fours)
                x = four_at(from + 4 * i);
            else
                x.of[0] = from[i + 3 * all.fours];
            for (int k = 0; k < 4; k++) sum[0] += (double)x.of[k] * x.of[k];
        },
        [=] __device__(const double *sum) { to[0] = (float)sum[0]; });
}

void cuda_watch(struct kn_backend *be, struct kn_buf ok, struct kn_buf x, int n, struct kn_ints bad,
                int m)
{
    float *to = KN_F32(ok);
    const float *watched = KN_F32(x);
    const int32_t *none = KN_I32(bad);
    warps(be, 1, [=] __device__(int, int lane) {
        float whole = 0, finite = 0;
        for (int i = lane; i < m; i += 32) whole += none[i] == 0 ? 0.f : 1.f;
        for (int i = lane; i < n; i += 32) finite += isfinite(watched[i]) ? 0.f : 1.f;
        whole = warp_sum(whole), finite = warp_sum(finite);
        if (lane > 0) return;
        to[0] = whole == 0 ? 0 : NAN;
        to[1] = whole + finite == 0 ? 0 : NAN;
    });
}

void cuda_clip_factor(struct kn_backend *be, struct kn_buf f, struct kn_buf s, struct kn_buf guard,
                      double clip)
{
    float *to = KN_F32(f);
    const float *squares = KN_F32(s), *watched = KN_F32(guard);
    once(be, [=] __device__() {
        double norm = sqrt((double)squares[0]);
        bool fine = isfinite(norm) && (!watched || isfinite(watched[0]));
        to[0] = !fine ? NAN : clip > 0 && norm > clip ? (float)(clip / norm) : 1;
    });
}

struct adam {
    float *w, *m, *v, *g;
    const float *f, *only;
    float b1, b2, c1, c2, one_m, one_v, lr, eps, decay;
};

/* One number: `now` is its gradient. */
static __device__ void adam_one(const struct adam &o, float *w, float *m, float *v, float now)
{
    *m = o.b1 * *m + o.c1 * now;
    *v = o.b2 * *v + o.c2 * now * now;
    *w -= o.lr * (*m * o.one_m / (sqrtf(*v * o.one_v) + o.eps) + o.decay * *w);
}

/* The gradient becomes 0 also where kn_only leaves the rest as it is. */
static void adam_step(struct kn_backend *be, struct adam o, size_t n, const char *op)
{
    const struct kn_buf only = be->only;
    be->only.at = NULL;
    struct items all = items_of(n, in_fours(4, o.w, o.m, o.v, o.g));
    each(
        be, all.count,
        [=] __device__(size_t i) {
            size_t at = i < all.fours ? 4 * i : i + 3 * all.fours;
            float by = o.f[0];
            bool fine = isfinite(by) && !shut(o.only);
            if (i < all.fours) {
                struct four w = {}, m = {}, v = {}, g = four_at(o.g + at);
                if (fine) w = four_at(o.w + at), m = four_at(o.m + at), v = four_at(o.v + at);
                for (int k = 0; k < 4; k++) adam_one(o, &w.of[k], &m.of[k], &v.of[k], by * g.of[k]);
                put_four(o.g + at, {});
                if (fine) put_four(o.w + at, w), put_four(o.m + at, m), put_four(o.v + at, v);
                return;
            }
            if (fine) adam_one(o, o.w + at, o.m + at, o.v + at, by * o.g[at]);
            o.g[at] = 0;
        },
        op);
    be->only = only;
}

void cuda_adamw(struct kn_backend *be, struct kn_buf w, struct kn_buf m, struct kn_buf v,
                struct kn_buf g, struct kn_buf f, const struct kn_adamw *o, size_t n)
{
    adam_step(be,
              {.w = KN_F32(w),
               .m = KN_F32(m),
               .v = KN_F32(v),
               .g = KN_F32(g),
               .f = KN_F32(f),
               .only = only_of(be),
               .b1 = (float)o->b1,
               .b2 = (float)o->b2,
               .c1 = (float)(1 - o->b1),
               .c2 = (float)(1 - o->b2),
               .one_m = (float)(1 / (1 - pow(o->b1, o->step))),
               .one_v = (float)(1 / (1 - pow(o->b2, o->step))),
               .lr = (float)o->lr,
               .eps = (float)o->eps,
               .decay = (float)o->decay},
              n, __func__);
}
