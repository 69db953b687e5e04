/* The bookkeeping of a trial: fields by name, filled with random numbers, put back between runs. */
#include "tests/kernels/trial.h"

static const struct op_trial *const tables[] = {trials_dense,     trials_gate,  trials_moe,
                                                trials_threshold, trials_relu,  trials_columns,
                                                trials_draw,      trials_policy};

const struct op_trial *trial_op(int i)
{
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++)
        for (const struct op_trial *op = tables[k]; op->name; op++)
            if (i-- == 0) return op;
    return NULL;
}

int trial_count(void)
{
    int n = 0;
    while (trial_op(n)) n++;
    return n;
}

struct trial trial_open(const struct op_trial *op, struct kn_backend *be, struct shape s,
                        uint64_t seed)
{
    struct trial t = {.op = op, .be = be, .s = s, .N = s.E + s.S, .random = seed};
    t.add = rig_below(&t.random, 2);
    t.c = (float)(0.5 + rig_uniform(&t.random));
    op->setup(&t);
    trial_reset(&t);
    return t;
}

void trial_reset(struct trial *t)
{
    for (int i = 0; i < t->n_reals; i++) {
        struct real *r = &t->reals[i];
        kn_write(t->be, r->at, r->host, r->n);
        if (r->d.at) kn_write(t->be, r->d, r->host_d, r->n);
    }
    for (int i = 0; i < t->n_wholes; i++)
        if (t->wholes[i].host)
            kn_write_ints(t->be, t->wholes[i].at, t->wholes[i].host, t->wholes[i].n);
}

void trial_close(struct trial *t)
{
    kn_weight_close(t->be, &t->up);
    kn_weight_close(t->be, &t->down);
    for (int i = 0; i < t->n_reals; i++) {
        kn_free(t->be, t->reals[i].at_base);
        kn_free(t->be, t->reals[i].d_base);
        free(t->reals[i].host);
        free(t->reals[i].host_d);
    }
    for (int i = 0; i < t->n_wholes; i++) {
        if (t->wholes[i].host) kn_free_ints(t->be, t->wholes[i].at);
        free(t->wholes[i].host);
    }
    kn_plan_close(t->be, &t->plan);
}

static double *some_numbers(struct trial *t, int n)
{
    double *host = calloc((size_t)n + 1, sizeof *host);
    HOLDS(host, "no memory");
    for (int i = 0; i < n; i++) host[i] = rig_normal(&t->random);
    return host;
}

static struct real *new_real(struct trial *t, const char *name, enum role role, int n)
{
    HOLDS((size_t)t->n_reals < sizeof t->reals / sizeof *t->reals, "no room for %s", name);
    struct real *r = &t->reals[t->n_reals++];
    *r = (struct real){.name = name, .role = role, .n = n, .width = 1};
    size_t shift =
        rig_below(&t->random, 2) && !t->s.aligned ? 3 : 0; /* parts need not be aligned */
    r->at_base = kn_alloc(t->be, n + shift);
    r->at = kn_part(t->be, r->at_base, shift);
    r->host = some_numbers(t, n);
    HOLDS(r->at_base.at, "no memory");
    if (role == INPUT || role == OUTPUT) {
        r->d_base = kn_alloc(t->be, n + shift);
        r->d = kn_part(t->be, r->d_base, shift);
        r->host_d = some_numbers(t, n);
        HOLDS(r->d_base.at, "no memory");
    }
    return r;
}

double *given(struct trial *t, const char *name, int n)
{
    return new_real(t, name, GIVEN, n)->host;
}

double *input(struct trial *t, const char *name, int n, bool adds)
{
    return input_columns(t, name, n, 1, 0, !adds);
}

double *input_columns(struct trial *t, const char *name, int n, int width, int from, int to)
{
    struct real *r = new_real(t, name, INPUT, n);
    r->width = width;
    r->from = from;
    r->to = to;
    return r->host;
}

struct real *output(struct trial *t, const char *name, int n)
{
    return new_real(t, name, OUTPUT, n);
}

void beside(struct trial *t, const char *name, int n)
{
    new_real(t, name, BESIDE, n);
}

static struct whole *new_whole(struct trial *t, const char *name, bool compared, int n)
{
    HOLDS((size_t)t->n_wholes < sizeof t->wholes / sizeof *t->wholes, "no room for %s", name);
    struct whole *w = &t->wholes[t->n_wholes++];
    *w = (struct whole){.name = name, .compared = compared, .n = n};
    return w;
}

static struct whole *new_own_whole(struct trial *t, const char *name, bool compared, int n)
{
    struct whole *w = new_whole(t, name, compared, n);
    w->at = kn_alloc_ints(t->be, n);
    w->host = calloc((size_t)n + 1, sizeof *w->host);
    HOLDS(w->at.at && w->host, "no memory");
    return w;
}

int32_t *given_ints(struct trial *t, const char *name, int n)
{
    return new_own_whole(t, name, false, n)->host;
}

void beside_ints(struct trial *t, const char *name, int n)
{
    new_own_whole(t, name, true, n);
}

void beside_ints_at(struct trial *t, const char *name, struct kn_ints at)
{
    new_whole(t, name, true, 0)->at = at;
}

void given_valid(struct trial *t)
{
    int32_t *valid = given_ints(t, "valid", t->s.T);
    for (int i = 0; i < t->s.T; i++) valid[i] = rig_below(&t->random, 5) > 0;
}

void given_mask(struct trial *t)
{
    int32_t *mask = given_ints(t, "mask", t->s.T * t->N);
    for (int i = 0; i < t->s.T; i++) {
        int odds = rig_below(&t->random, 5);
        for (int j = 0; j < t->N; j++) mask[i * t->N + j] = rig_below(&t->random, 4) < odds;
    }
}

struct real *real(struct trial *t, const char *name)
{
    for (int i = 0; i < t->n_reals; i++)
        if (strcmp(t->reals[i].name, name) == 0) return &t->reals[i];
    ck_abort_msg("%s has no numbers '%s'", t->op->name, name);
    return NULL;
}

struct whole *whole(struct trial *t, const char *name)
{
    for (int i = 0; i < t->n_wholes; i++)
        if (strcmp(t->wholes[i].name, name) == 0) return &t->wholes[i];
    ck_abort_msg("%s has no integers '%s'", t->op->name, name);
    return NULL;
}

struct kn_buf at(struct trial *t, const char *name)
{
    return real(t, name)->at;
}

struct kn_buf grad(struct trial *t, const char *name)
{
    return real(t, name)->d;
}

struct kn_ints ints(struct trial *t, const char *name)
{
    return whole(t, name)->at;
}
