/* The experts, and the slots that compute (almost) nothing. */
#include "kernels/ref/ref.h"

/* ---- experts */
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* h of one hidden unit from what `pre` keeps: a = w1 x and, in swiglu, b = w3 x. */
static double hidden(enum kn_act act, double a, double b)
{
    switch (act) {
    case KN_SWIGLU:
        return a * sigmoid(a) * b;
    case KN_SILU:
        return a * sigmoid(a);
    case KN_RELU:
        return a > 0 ? a : 0;
    }
    return NAN;
}

/* dh/da; dh/db is h / b, that is silu(a). */
static double hidden_slope(enum kn_act act, double a, double b)
{
    double s = sigmoid(a), silu_slope = s * (1 + a * (1 - s));
    switch (act) {
    case KN_SWIGLU:
        return silu_slope * b;
    case KN_SILU:
        return silu_slope;
    case KN_RELU:
        return a > 0;
    }
    return NAN;
}

/* Row r of expert e's matrix inside a weight, or inside the gradient of one. */
static double *expert_row(struct kn_buf b, const struct kn_weight *w, int e, int r)
{
    return F(b) + ((size_t)e * w->rows + r) * w->cols;
}

void ref_moe_ffn(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                 const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                 const struct kn_weight *down, enum kn_act act, int T)
{
    int D = up->cols, H = down->cols, M = up->rows;
    for (int r = 0; r < I(p->offset)[p->E]; r++) {
        int e = I(p->slot_expert)[r];
        const double *token = ref_row(x, I(p->slot_token)[r], D);
        double *a = ref_row(pre, r, M), *b = a + (act == KN_SWIGLU ? H : 0);
        for (int i = 0; i < M; i++) a[i] = ref_dot(expert_row(up->w, up, e, i), token, D);
        for (int d = 0; d < D; d++) {
            double sum = 0;
            for (int i = 0; i < H; i++)
                sum += expert_row(down->w, down, e, d)[i] * hidden(act, a[i], b[i]);
            ref_row(out, r, D)[d] = sum;
        }
    }
}

/* One pick at a time, one hidden unit at a time: dH = w2ᵀ dy, then back through the activation. */
void ref_moe_ffn_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                      struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                      struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                      const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                      int T, bool add)
{
    int D = up->cols, H = down->cols, M = up->rows, N = p->N;
    if (dx.at && !add) ref_zero(be, dx, (size_t)T * D);
    for (int t = 0; t < T; t++)
        for (int e = 0; e < p->E; e++) ref_row(dgate, t, N)[e] = 0;

    for (int r = 0; r < I(p->offset)[p->E]; r++) {
        int e = I(p->slot_expert)[r], t = I(p->slot_token)[r];
        const double *from = ref_row(dy, t, D), *token = ref_row(x, t, D);
        const double *a = ref_row(pre, r, M), *b = a + (act == KN_SWIGLU ? H : 0);
        double g = ref_row(gate, t, N)[e];
        for (int i = 0; i < H; i++) {
            double h = hidden(act, a[i], b[i]), dh = 0;
            for (int d = 0; d < D; d++) dh += expert_row(down->w, down, e, d)[i] * from[d];
            ref_row(dgate, t, N)[e] += dh * h;
            double da = g * dh * hidden_slope(act, a[i], b[i]), db = g * dh * a[i] * sigmoid(a[i]);
            for (int d = 0; ddown.at && d < D; d++)
                expert_row(ddown, down, e, d)[i] += g * from[d] * h;
            if (dup.at) ref_axpy(expert_row(dup, up, e, i), da, token, D);
            if (dx.at) ref_axpy(ref_row(dx, t, D), da, expert_row(up->w, up, e, i), D);
            if (act != KN_SWIGLU) continue;
            if (dup.at) ref_axpy(expert_row(dup, up, e, H + i), db, token, D);
            if (dx.at) ref_axpy(ref_row(dx, t, D), db, expert_row(up->w, up, e, H + i), D);
        }
    }
}

/* ---- copy slots */
/* The gates of a token's copies together. False: none is taken. */
static bool copies_of(struct kn_buf gate, struct kn_ints mask, int first, int n, int t, int N,
                      double *sum)
{
    bool any = false;
    *sum = 0;
    for (int j = first; j < first + n; j++)
        if (ref_ints(mask, t, N)[j]) any = true, *sum += ref_row(gate, t, N)[j];
    return any;
}

void ref_copy_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                    struct kn_ints mask, int first, int n, int T, int N, int D)
{
    double sum;
    for (int t = 0; t < T; t++)
        if (copies_of(gate, mask, first, n, t, N, &sum))
            ref_axpy(ref_row(y, t, D), sum, ref_row(x, t, D), D);
}

void ref_copy_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                         struct kn_buf dy, struct kn_buf x, struct kn_buf gate, struct kn_ints mask,
                         int first, int n, int T, int N, int D)
{
    double sum;
    for (int t = 0; t < T; t++) {
        double dot = ref_dot(ref_row(dy, t, D), ref_row(x, t, D), D);
        for (int j = first; j < first + n; j++)
            ref_row(dgate, t, N)[j] = ref_ints(mask, t, N)[j] ? dot : 0;
        if (copies_of(gate, mask, first, n, t, N, &sum))
            ref_axpy(ref_row(dx, t, D), sum, ref_row(dy, t, D), D);
    }
}

/* ---- constant slots */
/* The share of x in slot j's answer; that of v is the rest to 1. */
static double share_of_x(struct kn_buf c, int j, const double *x, int D)
{
    return sigmoid(ref_dot(ref_row(c, 2 * j, D), x, D) - ref_dot(ref_row(c, 2 * j + 1, D), x, D));
}

void ref_constant_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                        struct kn_ints mask, struct kn_buf v, struct kn_buf c, int first, int n,
                        int T, int N, int D)
{
    for (int t = 0; t < T; t++) {
        for (int j = 0; j < n; j++) {
            if (!ref_ints(mask, t, N)[first + j]) continue;
            const double *token = ref_row(x, t, D);
            double g = ref_row(gate, t, N)[first + j], a = share_of_x(c, j, token, D);
            ref_axpy(ref_row(y, t, D), g * a, token, D);
            ref_axpy(ref_row(y, t, D), g * (1 - a), ref_row(v, j, D), D);
        }
    }
}

void ref_constant_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                             struct kn_buf dv, struct kn_buf dc, struct kn_buf dy, struct kn_buf x,
                             struct kn_buf gate, struct kn_ints mask, struct kn_buf v,
                             struct kn_buf c, int first, int n, int T, int N, int D)
{
    for (int t = 0; t < T; t++) {
        for (int j = 0; j < n; j++) {
            double *to = &ref_row(dgate, t, N)[first + j];
            *to = 0;
            if (!ref_ints(mask, t, N)[first + j]) continue;
            const double *token = ref_row(x, t, D), *from = ref_row(dy, t, D);
            double g = ref_row(gate, t, N)[first + j], a = share_of_x(c, j, token, D);
            double on_x = ref_dot(from, token, D), on_v = ref_dot(from, ref_row(v, j, D), D);
            *to = a * on_x + (1 - a) * on_v;
            /* The two scores enter as their difference only: what one gains the other loses. */
            double ds = g * a * (1 - a) * (on_x - on_v);
            ref_axpy(ref_row(dx, t, D), g * a, from, D);
            ref_axpy(ref_row(dx, t, D), ds, ref_row(c, 2 * j, D), D);
            ref_axpy(ref_row(dx, t, D), -ds, ref_row(c, 2 * j + 1, D), D);
            ref_axpy(ref_row(dc, 2 * j, D), ds, token, D);
            ref_axpy(ref_row(dc, 2 * j + 1, D), -ds, token, D);
            ref_axpy(ref_row(dv, j, D), g * (1 - a), from, D);
        }
    }
}

void ref_constant_mix(struct kn_backend *be, struct kn_buf mix, struct kn_buf x, double scale,
                      struct kn_ints mask, struct kn_buf c, int first, int n, int T, int N, int D)
{
    for (int j = 0; j < n; j++) {
        double sum = 0;
        int takers = 0;
        for (int t = 0; t < T; t++) {
            if (!ref_ints(mask, t, N)[first + j]) continue;
            double s = ref_dot(ref_row(c, 2 * j, D), ref_row(x, t, D), D) -
                       ref_dot(ref_row(c, 2 * j + 1, D), ref_row(x, t, D), D);
            sum += sigmoid(scale * s);
            takers++;
        }
        F(mix)[j] = sum / takers;
    }
}
