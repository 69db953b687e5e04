/* core/train/optimizer.c - One update. Sums of squares are finite only where every number is, so
 * five of them watch over the whole state before the update touches it. */
#include "core/train/optimizer.h"

#include <math.h>

#define B1 0.9
#define B2 0.95
#define EPS 1e-8

bool optimizer_open(struct optimizer *o, struct kn_backend *be, struct err *e)
{
    *o = (struct optimizer){
        .be = be, .sums = kn_alloc(be, OPTIMIZER_TOLD), .factor = kn_alloc(be, 1)};
    return (o->sums.at && o->factor.at) ||
           err_set(e, ERR_MEMORY, "not enough memory for the optimiser");
}

void optimizer_close(struct optimizer *o)
{
    if (!o->be) return;
    kn_free(o->be, o->sums);
    kn_free(o->be, o->factor);
    *o = (struct optimizer){0};
}

static void state_sums(struct optimizer *o, const struct params *p)
{
    struct kn_backend *be = o->be;
    kn_sum_squares(be, kn_part(be, o->sums, OPTIMIZER_W), p->w, p->size);
    kn_sum_squares(be, kn_part(be, o->sums, OPTIMIZER_M), p->m, p->size);
    kn_sum_squares(be, kn_part(be, o->sums, OPTIMIZER_V), p->v, p->size);
}

void optimizer_sums(struct optimizer *o, const struct params *p, struct kn_buf loss,
                    struct kn_ints bad, int bads, double clip)
{
    struct kn_backend *be = o->be;
    struct kn_buf g2 = kn_part(be, o->sums, OPTIMIZER_G);
    kn_copy(be, o->sums, loss, 1);
    kn_sum_squares(be, g2, p->g, p->size);
    state_sums(o, p);
    kn_watch(be, kn_part(be, o->sums, OPTIMIZER_ROUTED), o->sums, OPTIMIZER_SUMS, bad, bads);
    kn_clip_factor(be, o->factor, g2, kn_part(be, o->sums, OPTIMIZER_FINE), clip);
    kn_tell(be, o->sums, OPTIMIZER_TOLD);
}

bool optimizer_hear(struct optimizer *o, bool wait)
{
    return kn_hear(o->be, o->sum, OPTIMIZER_TOLD, wait);
}

bool optimizer_sound(struct optimizer *o, const struct params *p)
{
    double sum[OPTIMIZER_SUMS];
    state_sums(o, p);
    kn_read(o->be, sum, o->sums, OPTIMIZER_SUMS);
    return isfinite(sum[OPTIMIZER_W]) && isfinite(sum[OPTIMIZER_M]) && isfinite(sum[OPTIMIZER_V]);
}

void optimizer_update(struct optimizer *o, struct params *p, double lr, double decay)
{
    struct kn_adamw a = {
        .lr = lr, .b1 = B1, .b2 = B2, .eps = EPS, .decay = decay, .step = (int)++o->updates};
    kn_adamw(o->be, p->w, p->m, p->v, p->g, o->factor, &a, p->decayed);
    a.decay = 0;
    kn_adamw(o->be, kn_part(o->be, p->w, p->decayed), kn_part(o->be, p->m, p->decayed),
             kn_part(o->be, p->v, p->decayed), kn_part(o->be, p->g, p->decayed), o->factor, &a,
             p->trained - p->decayed);
}

double optimizer_rate(const struct config *c, long step, double done)
{
    double lr = c->value[CONFIG_LR], warmup = c->value[CONFIG_WARMUP],
           steps = c->value[CONFIG_STEPS];
    double rise = step < warmup ? (double)(step + 1) / warmup : 1;
    if (done < 0) done = fmin((double)step / steps, 1);
    return lr * rise * (0.1 + 0.45 * (1 + cos(M_PI * fmin(done, 1))));
}
