/* core/train/sample.c - Text from a text model, one byte after the other: the newest `context`
 * bytes go in, the last row of logits comes out. */
#include "core/base/rng.h"
#include "core/train/inside.h"

#include <stdlib.h>
#include <string.h>

/* A byte from softmax(logits / temperature); temperature 0: the likeliest, lower byte first. */
static int draw(const float *logits, int n, double temperature, struct rng *r)
{
    double top = -INFINITY, sum = 0;
    int best = 0;
    for (int i = 0; i < n; i++)
        if (logits[i] > top) top = logits[i], best = i;
    if (temperature <= 0) return best;
    for (int i = 0; i < n; i++) sum += exp((logits[i] - top) / temperature);
    double at = rng_uniform(r) * sum;
    for (int i = 0; i < n; i++)
        if ((at -= exp((logits[i] - top) / temperature)) < 0) return i;
    return best;
}

/* Experts of the last token, mean over layers. */
static double experts_of_last(struct model *m, int32_t *mask)
{
    double sum = 0;
    for (int l = 0; l < m->L; l++) {
        const struct route *r = &m->layer[l].moe.route;
        kn_read_ints(m->be, mask, kn_part_ints(r->mask, (size_t)(m->T - 1) * (size_t)r->N),
                     (size_t)r->E);
        for (int j = 0; j < r->E; j++) sum += mask[j];
    }
    return sum / m->L;
}

bool sample_possible(const struct trainer *t, struct err *e)
{
    if (!t->data->shape.text)
        return err_set(e, ERR_USAGE, "a model of %s writes no text; train one on text:FILE",
                       t->data->label);
    if (t->config.router->needs & SEES_FUTURE)
        return err_set(
            e, ERR_USAGE,
            "%s chooses a token's experts by the tokens behind it, which are not written "
            "yet: it cannot write; train another rule",
            t->config.router->name);
    return true;
}

bool sample_next(struct trainer *t, int n, double temperature, struct rng *r, unsigned char *byte,
                 double *experts, struct err *e)
{
    struct model *m = t->model;
    struct batch *b = &t->batch;
    float logits[256];
    int32_t mask[EXPERTS_MAX];
    b->sequences = 1, b->context = b->T = n;
    model_input(m, b);
    model_forward(m, false);
    kn_read_f32(m->be, logits, kn_part(m->be, m->logits, (size_t)(n - 1) * 256), 256);
    bool lost;
    if (!trainer_outlives(t, &lost, e)) return false;
    if (lost) return sample_next(t, n, temperature, r, byte, experts, e);
    for (int k = 0; k < 256; k++)
        if (!isfinite(logits[k]))
            return err_set(e, ERR_DIVERGED,
                           "the model's answers are not finite; train it anew with a smaller lr");
    *byte = (unsigned char)draw(logits, 256, temperature, r);
    if (experts) *experts = experts_of_last(m, mask);
    return true;
}

bool trainer_sample(struct trainer *t, const char *prompt, long tokens, double temperature,
                    uint64_t seed, trainer_emit *emit, void *to, struct err *e)
{
    struct batch *b = &t->batch;
    if (!sample_possible(t, e)) return false;
    struct rng r = rng_at(seed, RNG_SAMPLE, 0);
    size_t given = strlen(prompt), room = (size_t)t->context;
    if (given > room) prompt += given - room, given = room;
    if (given == 0) prompt = "\n", given = 1; /* as after the end of a line */
    trainer_settle(t);
    t->fresh = false;
    int n = 0;
    for (; n < (int)given; n++) b->ids[n] = (unsigned char)prompt[n];
    memset(b->label, -1, room * sizeof *b->label);
    for (long i = 0; i < tokens; i++) {
        unsigned char byte;
        double experts;
        if (!sample_next(t, n, temperature, &r, &byte, &experts, e)) return false;
        if (!emit(to, byte, experts)) return true;
        if (n == (int)room) memmove(b->ids, b->ids + 1, (size_t)--n * sizeof *b->ids);
        b->ids[n++] = byte;
    }
    return true;
}
