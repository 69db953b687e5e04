/* What routers keep outside the gradient: a bias per column, a roster of places. */
#include "kernels/ref/ref.h"

void ref_bias_step(struct kn_backend *be, struct kn_buf bias, struct kn_buf load, struct kn_buf f,
                   const struct kn_bias_rule *o, int N, int E)
{
    double *b = bias.at, *l = load.at ? load.at : f.at, sum = 0, mean = 0, drift = 0;
    for (int n = 0; n < N; n++) sum += F(f)[n];
    if (sum == 0) return;
    for (int e = 0; e < E; e++) {
        if (load.at) l[e] = o->smooth * l[e] + (1 - o->smooth) * F(f)[e];
        mean += l[e] / E;
    }
    for (int e = 0; e < E; e++) {
        double d = o->target > 0 ? o->target - l[e] : (mean - l[e]) / mean;
        b[e] += o->rate * (o->sign ? (d > 1e-6) - (d < -1e-6) : d);
        drift += b[e] / E;
    }
    for (int e = 0; e < E; e++) {
        if (o->zero_mean) b[e] -= drift;
        if (o->limit > 0) b[e] = fmin(fmax(b[e], -o->limit), o->limit);
    }
}

/* ---- the roster */
static void record(const struct kn_roster *r, struct kn_buf x, struct kn_ints mask,
                   struct kn_ints valid, bool recording, int T, int N, int D)
{
    for (int n = 0; n < N; n++) {
        int picks = 0;
        for (int t = 0; t < T; t++) picks += ref_ints(mask, t, N)[n];
        F(r->age)[n] = picks ? 0 : F(r->age)[n] + 1;
        if (recording) F(r->used)[n] += picks;
    }
    for (int t = 0; t < T && recording; t++) {
        int picks = 0;
        for (int n = 0; n < N; n++) picks += ref_ints(mask, t, N)[n];
        if (!I(valid)[t] || picks) continue;
        F(r->orphans)[0]++;
        if (x.at) ref_axpy(F(r->orphan_sum), 1, ref_row(x, t, D), D);
    }
}

/* The best place among those on, by `lower` age or higher use; the lowest of equals. */
static int best_on(const struct kn_roster *r, struct kn_buf by, bool lower, int N)
{
    int best = -1;
    for (int n = 0; n < N; n++)
        if (F(r->on)[n] != 0 &&
            (best < 0 || (lower ? F(by)[n] < F(by)[best] : F(by)[n] > F(by)[best])))
            best = n;
    return best;
}

static void fire(const struct kn_roster *r, int N)
{
    int stays = best_on(r, r->used, false, N);
    if (stays < 0) return;
    if (F(r->used)[stays] == 0) stays = best_on(r, r->age, true, N);
    for (int n = 0; n < N; n++) {
        if (F(r->on)[n] == 0 || F(r->used)[n] > 0 || n == stays) continue;
        F(r->on)[n] = 0;
        F(r->fired)[0]++;
    }
}

/* -1..1 by a number's index: an integer hash. */
static double wobble(uint32_t i)
{
    i = (i ^ i >> 16) * 0x7feb352du;
    i = (i ^ i >> 15) * 0x846ca68bu;
    i ^= i >> 16;
    return (i >> 8) * 0x1p-23 - 1;
}

static void inherit(const struct kn_stack *s, int from, int to)
{
    for (size_t i = 0; i < s->size; i++) {
        size_t at = to * s->size + i;
        if (s->w.at) F(s->w)[at] = F(s->w)[from * s->size + i] * (1 + .01 * wobble((uint32_t)at));
        F(s->m)[at] = F(s->v)[at] = 0;
    }
}

static void hire(const struct kn_roster *r, int N, int D)
{
    double length = sqrt(ref_dot(F(r->orphan_sum), F(r->orphan_sum), D));
    int place = 0, busiest = best_on(r, r->used, false, N);
    while (place < N && F(r->on)[place] != 0) place++;
    if (place == N || !(length > 0)) return;
    F(r->on)[place] = 1;
    F(r->bound)[place] = 0;
    F(r->hired)[0]++;
    for (int j = 0; j < D; j++) ref_row(r->w, place, D)[j] = F(r->orphan_sum)[j] / length;
    for (int i = 0; i < r->stacks; i++) inherit(&r->stack[i], busiest < 0 ? place : busiest, place);
}

void ref_roster_step(struct kn_backend *be, const struct kn_roster *r, struct kn_buf x,
                     struct kn_ints mask, struct kn_ints valid, int T, int N, int D)
{
    double clock = ++F(r->clock)[0];
    record(r, x, mask, valid, clock > r->period / 2, T, N, D);
    if (clock < r->period) return;
    fire(r, N);
    if (F(r->orphans)[0] > 0) hire(r, N, D);
    F(r->clock)[0] = F(r->orphans)[0] = 0;
    ref_zero(be, r->used, N);
    ref_zero(be, r->orphan_sum, D);
}
