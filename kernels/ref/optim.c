/* The loss at the end of a model, and the optimiser. */
#include "kernels/ref/ref.h"

void ref_cross_entropy(struct kn_backend *be, struct kn_buf loss, struct kn_buf nll,
                       struct kn_ints hit, struct kn_buf dlogits, struct kn_buf logits,
                       struct kn_ints label, int R, int V)
{
    int counted = 0;
    double sum = 0;
    for (int r = 0; r < R; r++) counted += I(label)[r] >= 0;
    for (int r = 0; r < R; r++) {
        const double *x = ref_row(logits, r, V);
        double *dx = dlogits.at ? ref_row(dlogits, r, V) : NULL, lse = ref_log_sum_exp(x, V);
        int right = I(label)[r], best = 0;
        for (int j = 1; j < V; j++)
            if (x[j] > x[best]) best = j;
        I(hit)[r] = best == right;
        F(nll)[r] = right >= 0 ? lse - x[right] : 0;
        sum += F(nll)[r];
        for (int j = 0; dx && j < V; j++)
            dx[j] = right >= 0 ? (exp(x[j] - lse) - (j == right)) / counted : 0;
    }
    F(loss)[0] = counted ? sum / counted : 0;
}

void ref_sum_squares(struct kn_backend *be, struct kn_buf s, struct kn_buf x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += F(x)[i] * F(x)[i];
    F(s)[0] = sum;
}

void ref_watch(struct kn_backend *be, struct kn_buf ok, struct kn_buf x, int n, struct kn_ints bad,
               int m)
{
    bool whole = true, finite = true;
    (void)be;
    for (int i = 0; i < m; i++) whole &= KN_I32(bad)[i] == 0;
    for (int i = 0; i < n; i++) finite &= isfinite(F(x)[i]) != 0;
    F(ok)[0] = whole ? 0 : NAN;
    F(ok)[1] = whole && finite ? 0 : NAN;
}

void ref_clip_factor(struct kn_backend *be, struct kn_buf f, struct kn_buf s, struct kn_buf guard,
                     double clip)
{
    double norm = sqrt(F(s)[0]);
    bool fine = isfinite(norm) && (!guard.at || isfinite(F(guard)[0]));
    F(f)[0] = !fine ? NAN : clip > 0 && norm > clip ? clip / norm : 1;
}

void ref_adamw(struct kn_backend *be, struct kn_buf w, struct kn_buf m, struct kn_buf v,
               struct kn_buf g, struct kn_buf f, const struct kn_adamw *o, size_t n)
{
    double factor = F(f)[0], m_full = 1 - pow(o->b1, o->step), v_full = 1 - pow(o->b2, o->step);
    for (size_t i = 0; i < n; i++) {
        double grad = factor * F(g)[i];
        F(g)[i] = 0;
        if (!isfinite(factor)) continue;
        F(m)[i] = o->b1 * F(m)[i] + (1 - o->b1) * grad;
        F(v)[i] = o->b2 * F(v)[i] + (1 - o->b2) * grad * grad;
        F(w)
        [i] -= o->lr * (F(m)[i] / m_full / (sqrt(F(v)[i] / v_full) + o->eps) + o->decay * F(w)[i]);
    }
}
