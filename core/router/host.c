/* core/router/host.c - What can be told of the picks of any strategy. */
#include "core/router/host.h"

#include <math.h>

/* ---- of one token ---- */
int host_picks(const struct route_host *h, int t, int first, int last)
{
    int picks = 0;
    for (int j = first; j < last; j++) picks += h->mask[(size_t)t * h->N + j];
    return picks;
}

double host_mass(const struct route_host *h, int t)
{
    double sum = 0;
    for (size_t i = (size_t)t * h->N, end = i + h->N; i < end; i++)
        sum += h->mask[i] ? h->prob[i] : 0;
    return sum;
}

double host_entropy(const struct route_host *h, int t)
{
    const float *prob = h->prob + (size_t)t * h->N;
    double sum = 0;
    for (int j = 0; j < h->N; j++)
        if (prob[j] > 0) sum -= prob[j] * log(prob[j]);
    return sum;
}

bool host_lone_pick(const struct route_host *h, int t, bool renormalise)
{
    float gate = 0;
    for (int j = 0; j < h->N; j++) gate += h->gate[(size_t)t * h->N + j];
    /* a pick whose companions were dropped keeps the gate it had beside them, below 1 */
    return renormalise && host_picks(h, t, 0, h->N) == 1 && gate == 1;
}

/* ---- of them all ---- */
int host_tokens(const struct route_host *h)
{
    int tokens = 0;
    for (int t = 0; t < h->T; t++) tokens += h->valid[t] != 0;
    return tokens;
}

double host_column_picks(const struct route_host *h, int j)
{
    double picks = 0;
    for (int t = 0; t < h->T; t++) picks += h->mask[(size_t)t * h->N + j];
    return picks;
}

double host_share(const struct route_host *h, int first, int last)
{
    double some = 0, all = 0;
    for (int t = 0; t < h->T; t++) {
        some += host_picks(h, t, first, last);
        all += host_picks(h, t, 0, h->N);
    }
    return all > 0 ? some / all : NAN;
}

double host_mean(const struct route_host *h, double (*of)(const struct route_host *h, int t))
{
    int tokens = host_tokens(h);
    double sum = 0;
    for (int t = 0; t < h->T; t++)
        if (h->valid[t]) sum += of(h, t);
    return tokens ? sum / tokens : NAN;
}

void host_column_mean(const struct route_host *h, const float *x, int stride, int n, double *to)
{
    int tokens = host_tokens(h);
    for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int t = 0; t < h->T; t++)
            if (h->valid[t]) sum += x[(size_t)t * stride + j];
        to[j] = tokens ? sum / tokens : NAN;
    }
}

double host_gate_sum(const struct route_host *h)
{
    int tokens = host_tokens(h);
    double sum = 0;
    for (int t = 0; t < h->T; t++)
        for (int j = 0; h->valid[t] && j < h->N; j++) sum += h->gate[(size_t)t * h->N + j];
    return tokens ? sum / tokens : NAN;
}

static double is_blind(const struct route_host *h, int t)
{
    bool empty = host_picks(h, t, 0, h->N) == 0;
    return (empty && !route_reaches(h->router, h->knob)) ||
           (h->router->blind && h->router->blind(h, t));
}

double host_blind_share(const struct route_host *h)
{
    return host_mean(h, is_blind);
}
