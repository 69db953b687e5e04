#ifndef CORE_TRAIN_INSIDE_H
#define CORE_TRAIN_INSIDE_H
/* What a trainer holds: for the files of core/train that are its parts, and nobody else. */
#include "core/metrics/measure.h"
#include "core/model/model.h"
#include "core/model/rest.h"
#include "core/train/optimizer.h"
#include "core/train/own.h"
#include "core/train/trainer.h"

/* The newest state that was known to be finite, to go back to. */
struct good {
    struct kn_buf w, m, v, state;
    size_t size, states;
    long updates;
    /* Of a backend that can be lost: the same in host memory, w, m, v and state; twice, as one may be
     * read while the device fails. host[newest] is whole; -1: neither. */
    float *host[2];
    int newest;
    long host_updates;
    double host_at, host_took; /* when it was copied, and how long that took */
};

/* Of strategies that learn from what their choice was worth (core/train/learn.c). */
struct learning {
    enum trainer_stage stage;
    long age, updates; /* steps since the strategy came; its own updates in them */
    bool rested;       /* the model did, in the newest step */
};

/* Timing of steps (core/train/engine.c); what it shows is in the snapshot. */
struct engine {
    double opened, newest; /* when the trainer was; seconds of the newest step */
    double seconds;        /* of the steps timed in this window */
    long steps;
    bool timed, peaked; /* this step is; the peak was measured */
    int rounds;
    double compared; /* seconds so far */
};
/* Readings of the device's meters, and what they add up to (core/train/meters.c). */
struct meters {
    double next, watts;     /* when to read again; the newest reading */
    double seconds, tokens; /* in steps since it */
    double joules, joules_seconds, joules_tokens;
};
/* What a person typed and the model wrote behind it (core/train/own.c): bytes of a text, or the
 * item types of an order. */
struct own {
    bool on;
    unsigned char byte[OWN_ROOM];
    int typed, written, left, first; /* first: byte that the window begins with */
    int type[DATA_ITEMS], types;
    uint64_t number; /* orders made so far */
    double temperature;
    struct rng draw;
};
enum { TRIALS = 8 };
/* A step that was made, and is not yet known to have been finite. */
struct trial {
    long step;
    enum trainer_poison poison;
    int updates, learnt; /* of the model; of the strategy's own */
};
struct probe; /* core/train/probe.c */
struct past;  /* core/train/past.c */

struct trainer {
    struct config config;
    struct kn_backend *be, *gone; /* gone: lost, and left for it; NULL: none */
    struct dataset *data;
    struct model *model;
    struct batch batch;     /* room for training and for the window */
    int sequences, context; /* of a training batch */
    struct optimizer optimizer;
    struct measure *measure;
    struct tally tally;
    double evaluating; /* tokens that an evaluation under way takes */
    int64_t evaluated; /* its batches so far */
    struct good good;
    struct rest rest; /* experts that do not learn */
    struct learning learning;
    struct engine engine;
    struct meters meters;
    struct own own;
    struct probe *probe;        /* taken when first asked */
    struct past *past;          /* NULL: nobody keeps it */
    enum trainer_poison poison; /* what the next step finds not finite */

    struct trial trial[TRIALS]; /* a ring: those from `judged` to `tried` */
    unsigned tried, judged;
    struct err over; /* how training ended, found beside a step; the next one says it */
    long keep_at;    /* step before which the state is kept next */

    long step, skipped;
    int bad_row, returns;     /* steps skipped in a row; how often the good state was taken back */
    double lr_scale, horizon; /* 1 until a return halves it; see trainer_horizon */
    double extra_flops;       /* of the newest step, beside its own forward and backward pass */
    double tokens_seen, wall; /* wall: seconds in steps */
    double since_seconds, since_tokens; /* since the newest measurement */
    long since_steps;

    bool fresh;    /* the arrays of the newest step are still those of the step */
    bool untold;   /* that a device was lost: it stays the notice until a snapshot has it */
    bool measured; /* `now` says what the newest step measured */
    double loss, grad_norm, lr; /* of the newest step */
    int focus;
    struct snapshot now;
};

/* On data that is open; owns it from now on, also where it fails. NULL data: NULL, e as it is. */
struct trainer *trainer_open_on(const struct config *c, struct dataset *data, struct err *e);
/* model, measure, good */
bool trainer_build(struct trainer *t, const struct config *c, const struct model *from,
                   struct err *e);
/* t->batch = the window (or what a person typed in its place), as the model's input. */
void trainer_fill_window(struct trainer *t);
void trainer_fill(struct trainer *t); /* the batch of the next step */
void trainer_fill_from(struct trainer *t, enum data_split split, int64_t index, int sequences,
                       int context);
struct data_day trainer_day(const struct trainer *t); /* what the data is like now */
void trainer_input(struct trainer *t); /* t->batch, as it is, is the model's next input */
/* Tokens of the standing window: 64 orders, or up to 256 bytes in texts of the model's context. */
void trainer_window_shape(const struct trainer *t, int *sequences, int *context);
bool trainer_well(struct trainer *t, struct err *e);  /* false: the backend failed, as is known */
bool trainer_alive(struct trainer *t, struct err *e); /* the same, after a wait for all work */
/* What is known of the steps made (wait: of all): counts, what was not finite, what follows from it.
 * False: training is over, and t->over says why. */
bool trainer_hear(struct trainer *t, bool wait);
struct kn_backend *trainer_backend(const struct config *c, const char *name, char *why,
                                   size_t size);
/* After that: a device's newest good state goes on on the CPU. False: there is none; e stays. */
bool trainer_rescue(struct trainer *t, struct err *e);
/* Both. False: the backend failed and there is no going on. *lost (may be NULL): a device was, and
 * training is on the CPU now, from an earlier state; what was read since the last time it was asked
 * is not known. */
bool trainer_outlives(struct trainer *t, bool *lost, struct err *e);
/* A model for *c beside t: where t's device has no room for it, with half the batch; else on the
 * CPU. NULL: nothing is open. */
struct trainer *rescue_renew(const struct trainer *t, const struct config *c, struct err *e);
bool rescue_open(struct trainer *t, struct good *g, struct err *e); /* host memory, where needed */
void rescue_keep(struct trainer *t);      /* the good state, to the host */
bool rescue_due(const struct trainer *t); /* so that it takes a twentieth of the time at most */
void rescue_close(struct good *g);
/* Copies router state between the layers and the good copy. */
void trainer_move_states(struct trainer *t, bool keep);
void meters_step(struct trainer *t, double seconds); /* after a step that took so long */
void meters_forget(struct trainer *t);
void own_fill(struct trainer *t);  /* over the window in t->batch: what was typed */
void own_tell(struct trainer *t);  /* of the measured window, what own is */
void probe_close(struct probe *p); /* accepts NULL */
/* Strategy, knobs, weights or fleet were changed by hand: what is being answered starts over, what
 * was answered is of before. */
void probe_changed(struct trainer *t);
void past_close(struct past *p);      /* accepts NULL */
void past_changed(struct trainer *t); /* the next state stands at a change */
/* The byte behind t->batch.ids[0..n-1]; NULL experts: not wanted. */
bool sample_next(struct trainer *t, int n, double temperature, struct rng *r, unsigned char *byte,
                 double *experts, struct err *e);
bool sample_possible(const struct trainer *t, struct err *e); /* does this model write text? */
unsigned learn_phase(const struct trainer *t);                /* of the next step */
/* before any forward: whose counts hold */
void learn_counts(struct trainer *t);
void learn_baseline(struct trainer *t, unsigned phase); /* before the step's own forward */
void learn_step(struct trainer *t, unsigned phase);     /* after its loss, where it was finite */
void learn_fresh(struct trainer *t);                    /* a strategy came */
void trainer_keep(struct trainer *t);                   /* the state of now is good */
void trainer_keep_if_due(struct trainer *t); /* before a step: every fiftieth, if it is */
bool good_open(struct good *g, struct trainer *t, struct err *e);
void good_close(struct good *g, struct kn_backend *be);
/* strategy and knobs, live */
bool trainer_apply(struct trainer *t, const struct config *c, struct err *e);
void trainer_tell(struct trainer *t, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* the notice */
/* `now`: what the newest step measured, while its arrays are there */
void trainer_settle(struct trainer *t);
double trainer_leak(struct trainer *t);    /* of now, nat; NaN where there is none to have */
void trainer_show_leak(struct trainer *t); /* the newest one among the rule's measures */
void trainer_identify(struct trainer *t);  /* `now`: what is running */
#endif
