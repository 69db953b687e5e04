/* Causal attention with rotary positions. */
#include "kernels/ref/ref.h"

/* Turns q and k of every token by `sign` times its position's angles. */
static void turn(struct kn_buf qkv, int B, int C, int heads, int d, double theta, double sign)
{
    for (int t = 0; t < B * C; t++) {
        for (int h = 0; h < 2 * heads; h++) { /* the heads of q, then those of k */
            double *x = ref_row(qkv, t, 3 * heads * d) + (size_t)h * d;
            for (int i = 0; i < d / 2; i++) {
                double angle = sign * (t % C) * pow(theta, -2.0 * i / d);
                double a = x[i], b = x[i + d / 2];
                x[i] = a * cos(angle) - b * sin(angle);
                x[i + d / 2] = b * cos(angle) + a * sin(angle);
            }
        }
    }
}

void ref_rope(struct kn_backend *be, struct kn_buf qkv, int B, int C, int heads, int d,
              double theta)
{
    turn(qkv, B, C, heads, d, theta, 1);
}

void ref_rope_back(struct kn_backend *be, struct kn_buf dqkv, int B, int C, int heads, int d,
                   double theta)
{
    turn(dqkv, B, C, heads, d, theta, -1);
}

enum { Q, K, V };

/* Head h of token t's query, key or value. */
static double *head(struct kn_buf qkv, int which, int t, int h, int heads, int d)
{
    return ref_row(qkv, t, 3 * heads * d) + (which * heads + h) * d;
}

void ref_attention(struct kn_backend *be, struct kn_buf y, struct kn_buf lse, struct kn_buf qkv,
                   int B, int C, int heads, int d)
{
    double scale = 1 / sqrt(d);
    for (int n = 0; n < B * heads * C; n++) {
        int h = n / C % heads, begin = n / C / heads * C, t = begin + n % C;
        const double *q = head(qkv, Q, t, h, heads, d);
        double *to = ref_row(y, t, heads * d) + (size_t)h * d, top = -INFINITY, sum = 0;
        for (int u = begin; u <= t; u++)
            top = fmax(top, scale * ref_dot(q, head(qkv, K, u, h, heads, d), d));
        for (int i = 0; i < d; i++) to[i] = 0;
        for (int u = begin; u <= t; u++) {
            double e = exp(scale * ref_dot(q, head(qkv, K, u, h, heads, d), d) - top);
            ref_axpy(to, e, head(qkv, V, u, h, heads, d), d);
            sum += e;
        }
        for (int i = 0; i < d; i++) to[i] /= sum;
        F(lse)[n] = top + log(sum);
    }
}

/* ds = p (dp - <dy, y>): the inner product is the sum of p dp over the row. */
void ref_attention_back(struct kn_backend *be, struct kn_buf dqkv, struct kn_buf dy,
                        struct kn_buf y, struct kn_buf lse, struct kn_buf qkv, int B, int C,
                        int heads, int d)
{
    double scale = 1 / sqrt(d);
    ref_zero(be, dqkv, (size_t)B * C * 3 * heads * d);
    for (int n = 0; n < B * heads * C; n++) {
        int h = n / C % heads, begin = n / C / heads * C, t = begin + n % C;
        const double *q = head(qkv, Q, t, h, heads, d);
        const double *from = ref_row(dy, t, heads * d) + (size_t)h * d;
        double mean = ref_dot(from, ref_row(y, t, heads * d) + (size_t)h * d, d);
        for (int u = begin; u <= t; u++) {
            const double *k = head(qkv, K, u, h, heads, d), *v = head(qkv, V, u, h, heads, d);
            double p = exp(scale * ref_dot(q, k, d) - F(lse)[n]);
            double ds = scale * p * (ref_dot(from, v, d) - mean);
            ref_axpy(head(dqkv, V, u, h, heads, d), p, from, d);
            ref_axpy(head(dqkv, Q, t, h, heads, d), ds, k, d);
            ref_axpy(head(dqkv, K, u, h, heads, d), ds, q, d);
        }
    }
}
