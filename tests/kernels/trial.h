#ifndef TESTS_KERNELS_TRIAL_H
#define TESTS_KERNELS_TRIAL_H
/* A trial is one op (or the few that belong together) written down once: what goes in, what comes
 * out, how to call it forwards and backwards. Every property is then tested on all of them:
 * gradients against finite differences, backends against ref, bits against the number of threads,
 * no memory taken, nothing done after a failure. A new op: one entry in a trials_*.c. */
#include "tests/kernels/rig.h"

struct shape {
    int T, D, E, S, H, V, B, C, heads, d, n;
    bool aligned; /* no buffer is a part that begins anywhere */
};

enum role {
    GIVEN,  /* read only, no gradient */
    INPUT,  /* its gradient is checked */
    OUTPUT, /* compared; backward starts from its gradient `d` */
    BESIDE, /* compared, no gradient */
};

struct real {
    const char *name;
    enum role role;
    int n;
    int width, from,
        to; /* the gradient of columns from..to-1 is overwritten, others are added to */
    struct kn_buf at, d; /* parts, aligned or not, of the memory in *_base */
    struct kn_buf at_base, d_base;
    double *host, *host_d; /* what at and d hold at the start */
};

struct whole {
    const char *name;
    bool compared;
    int n;
    struct kn_ints at;
    int32_t *host;
};

struct trial {
    const struct op_trial *op;
    struct kn_backend *be;
    struct shape s;
    int N; /* E + S */
    uint64_t random;
    bool add;
    double c; /* some factor, power, threshold */
    struct kn_weight up, down;
    struct kn_plan plan;
    struct real reals[16];
    struct whole wholes[10];
    int n_reals, n_wholes;
};

struct op_trial {
    const char *name;
    void (*setup)(struct trial *t);
    void (*forward)(struct trial *t);
    void (*back)(struct trial *t); /* NULL: has no gradient */
    int variant;                   /* setup's own */
};

/* All trials, from the trials_*.c; NULL past the end. */
const struct op_trial *trial_op(int i);
int trial_count(void);
extern const struct op_trial trials_dense[], trials_gate[], trials_moe[], trials_threshold[],
    trials_relu[], trials_columns[], trials_draw[],
    trials_policy[]; /* each ends with a NULL name */

struct trial trial_open(const struct op_trial *op, struct kn_backend *be, struct shape s,
                        uint64_t seed);
void trial_close(struct trial *t);
/* Puts back what every buffer held at the start. */
void trial_reset(struct trial *t);

/* For setup. Numbers are normal; the host copy may be changed until setup ends. */
double *given(struct trial *t, const char *name, int n);
double *input(struct trial *t, const char *name, int n, bool adds);
/* Gradient overwritten in columns from..to-1 of `width`, untouched elsewhere. */
double *input_columns(struct trial *t, const char *name, int n, int width, int from, int to);
struct real *output(struct trial *t, const char *name, int n);
void beside(struct trial *t, const char *name, int n);
int32_t *given_ints(struct trial *t, const char *name, int n);
void beside_ints(struct trial *t, const char *name, int n);
/* length set by forward */
void beside_ints_at(struct trial *t, const char *name, struct kn_ints at);

/* "valid" [T]: about one row in five is not. "mask" [T,N]: rows with none taken, with all, and
 * anything between. */
void given_valid(struct trial *t);
void given_mask(struct trial *t);

/* By name. */
struct real *real(struct trial *t, const char *name);
struct kn_buf at(struct trial *t, const char *name);
struct kn_buf grad(struct trial *t, const char *name);
struct whole *whole(struct trial *t, const char *name);
struct kn_ints ints(struct trial *t, const char *name);
#endif
