/* What routers keep outside the gradient: a bias per column, a roster of places. Decided by one
 * thread, done by many. */
#include "kernels/cuda/cuda.h"

void cuda_bias_step(struct kn_backend *be, struct kn_buf bias, struct kn_buf load, struct kn_buf f,
                    const struct kn_bias_rule *rule, int N, int E)
{
    float *b = KN_F32(bias), *kept = KN_F32(load);
    const float *now = KN_F32(f);
    struct kn_bias_rule o = *rule;
    once(be, [=] __device__() {
        const float *l = kept ? kept : now;
        double sum = 0, mean = 0, drift = 0;
        for (int n = 0; n < N; n++) sum += now[n];
        if (sum == 0) return;
        for (int e = 0; e < E; e++) {
            if (kept) kept[e] = (float)(o.smooth * kept[e] + (1 - o.smooth) * now[e]);
            mean += l[e] / (double)E;
        }
        for (int e = 0; e < E; e++) {
            double d = o.target > 0 ? o.target - l[e] : (mean - l[e]) / mean;
            b[e] += (float)(o.rate * (o.sign ? (d > 1e-6) - (d < -1e-6) : d));
            drift += b[e] / (double)E;
        }
        for (int e = 0; e < E; e++) {
            if (o.zero_mean) b[e] -= (float)drift;
            if (o.limit > 0) b[e] = fminf(fmaxf(b[e], (float)-o.limit), (float)o.limit);
        }
    });
}

/* ---- the roster */
/* What one thread decided and the others do. */
struct roster_now {
    int recording, ends, place, model; /* place: who is hired, -1 nobody; model: whom it copies */
    float length;
};

/* The best place among those on, by lower age or higher use; the lowest of equals. */
static __device__ int best_on(const struct kn_roster &r, const float *by, bool lower, int N)
{
    const float *on = KN_F32(r.on);
    int best = -1;
    for (int n = 0; n < N; n++)
        if (on[n] != 0 && (best < 0 || (lower ? by[n] < by[best] : by[n] > by[best]))) best = n;
    return best;
}

static __device__ void fire(const struct kn_roster &r, int N)
{
    float *on = KN_F32(r.on), *used = KN_F32(r.used);
    int stays = best_on(r, used, false, N);
    if (stays < 0) return;
    if (used[stays] == 0) stays = best_on(r, KN_F32(r.age), true, N);
    for (int n = 0; n < N; n++) {
        if (on[n] == 0 || used[n] > 0 || n == stays) continue;
        on[n] = 0;
        KN_F32(r.fired)[0]++;
    }
}

static __device__ void hire(const struct kn_roster &r, struct roster_now *now, int N, int D)
{
    const float *sum = KN_F32(r.orphan_sum);
    float squares = 0;
    int place = 0, busiest = best_on(r, KN_F32(r.used), false, N);
    for (int j = 0; j < D; j++) squares += sum[j] * sum[j];
    while (place < N && KN_F32(r.on)[place] != 0) place++;
    if (place == N || !(squares > 0)) return;
    KN_F32(r.on)[place] = 1;
    KN_F32(r.bound)[place] = 0;
    KN_F32(r.hired)[0]++;
    now->place = place;
    now->model = busiest < 0 ? place : busiest;
    now->length = sqrtf(squares);
}

/* -1..1 by a number's index: an integer hash. */
static __device__ float wobble(uint32_t i)
{
    i = (i ^ i >> 16) * 0x7feb352du;
    i = (i ^ i >> 15) * 0x846ca68bu;
    i ^= i >> 16;
    return (float)(i >> 8) * 0x1p-23f - 1;
}

/* Picks by column, and the rows of x that nobody took. */
static void record(struct kn_backend *be, const struct kn_roster &r, struct roster_now *now,
                   double *orphan, const float *from, const int32_t *taken, const int32_t *real,
                   int T, int N, int D, const char *op)
{
    float *orphan_sum = KN_F32(r.orphan_sum);
    columns(
        be, T, N, [=] __device__(int t, int n) { return (double)taken[(size_t)t * N + n]; },
        [=] __device__(int n, double picks) {
            KN_F32(r.age)[n] = picks > 0 ? 0 : KN_F32(r.age)[n] + 1;
            if (now->recording) KN_F32(r.used)[n] += (float)picks;
        },
        op);
    each(
        be, T,
        [=] __device__(size_t t) {
            int picks = 0;
            for (int n = 0; n < N; n++) picks += taken[t * N + n];
            orphan[t] = now->recording && real[t] && picks == 0;
        },
        op);
    total<1>(
        be, T, [=] __device__(size_t t, double *sum) { sum[0] += orphan[t]; },
        [=] __device__(const double *sum) {
            KN_F32(r.orphans)[0] += (float)sum[0];
        },
        op);
    if (from)
        columns(
            be, T, D,
            [=] __device__(int t, int j) { return orphan[t] > 0 ? from[(size_t)t * D + j] : 0.f; },
            [=] __device__(int j, double sum) { orphan_sum[j] += (float)sum; }, op);
}

void cuda_roster_step(struct kn_backend *be, const struct kn_roster *roster, struct kn_buf x,
                      struct kn_ints mask, struct kn_ints valid, int T, int N, int D)
{
    struct kn_roster r = *roster;
    double *orphan = cells(be, (size_t)T + sizeof(struct roster_now)); /* [T] */
    struct roster_now *now = (struct roster_now *)(orphan + T);
    once(be, [=] __device__() {
        float clock = ++KN_F32(r.clock)[0];
        now->recording = clock > (float)(r.period / 2);
        now->ends = clock >= (float)r.period;
        now->place = -1;
    });
    record(be, r, now, orphan, KN_F32(x), KN_I32(mask), KN_I32(valid), T, N, D, __func__);
    once(be, [=] __device__() {
        if (!now->ends) return;
        fire(r, N);
        if (KN_F32(r.orphans)[0] > 0) hire(r, now, N, D);
        KN_F32(r.clock)[0] = KN_F32(r.orphans)[0] = 0;
    });
    each(be, D, [=] __device__(size_t j) {
        float *sum = KN_F32(r.orphan_sum);
        if (now->place >= 0) KN_F32(r.w)[(size_t)now->place * D + j] = sum[j] / now->length;
        if (now->ends) sum[j] = 0;
    });
    each(be, N, [=] __device__(size_t n) {
        if (now->ends) KN_F32(r.used)[n] = 0;
    });
    for (int i = 0; i < r.stacks; i++) {
        struct kn_stack s = r.stack[i];
        each(be, s.size, [=] __device__(size_t k) {
            size_t at = (size_t)now->place * s.size + k;
            if (now->place < 0) return;
            if (s.w.at) KN_F32(s.w)
            [at] = KN_F32(s.w)[(size_t)now->model * s.size + k] * (1 + .01f * wobble((uint32_t)at));
            KN_F32(s.m)[at] = KN_F32(s.v)[at] = 0;
        });
    }
}
