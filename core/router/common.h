#ifndef CORE_ROUTER_COMMON_H
#define CORE_ROUTER_COMMON_H
/* What many strategies share: entries of their tables, and the parts of softmax routers. */
#include "core/router/host.h"

extern const char *const common_drop_words[]; /* values of the knob `drop` */

/* flags_: what to add to OPTION_MAX_E */
#define KNOB_K(start_, paper_, flags_, help_)                                                      \
    {                                                                                              \
        .name = "k", .kind = OPTION_INT, .min = 1, .max = 1, .start = (start_), .paper = (paper_), \
        .unit = "experts", .flags = OPTION_MAX_E | (flags_), .help = help_                         \
    }
/* k where slots can be picked beside experts */
#define KNOB_PICKS(start_, paper_, slots_)                                                         \
    {                                                                                              \
        .name = "k", .kind = OPTION_INT, .min = 1, .max = 1, .start = (start_), .paper = (paper_), \
        .unit = "picks", .flags = OPTION_MAX_N,                                                    \
        .help = "picks of every token, " slots_ " among them"                                      \
    }
#define KNOB_RENORMALISE(paper_)                                                                   \
    {                                                                                              \
        .name = "renormalise", .kind = OPTION_SWITCH, .max = 1, .start = 1, .paper = (paper_),     \
        .help = "on: the gates of a token's experts sum to 1; off: they are their probabilities"   \
    }
#define KNOB_AUX(start_, paper_)                                                                   \
    {                                                                                              \
        .name = "aux", .max = 1, .start = (start_), .paper = (paper_), .flags = OPTION_LOG,        \
        .help = "how hard an even load on the experts is asked for"                                \
    }
#define KNOB_Z                                                                                     \
    {                                                                                              \
        .name = "z", .max = .01, .flags = OPTION_LOG,                                              \
        .help = "how hard large logits are held down"                                              \
    }
#define KNOB_ENTROPY_PRICE(start_)                                                                 \
    {                                                                                              \
        .name = "entropy_price", .max = 1, .start = (start_), .flags = OPTION_LOG | OPTION_OURS,   \
        .help = "what an undecided router pays"                                                    \
    }
#define KNOB_CAPACITY(paper_)                                                                      \
    {                                                                                              \
        .name = "capacity", .max = 4, .paper = (paper_), .unit = "x mean load",                    \
        .help = "most that one expert takes in training, from 0.5; 0: no limit"                    \
    }
#define KNOB_DROP                                                                                  \
    {                                                                                              \
        .name = "drop", .kind = OPTION_CHOICE, .words = common_drop_words,                         \
        .help = "who goes where an expert is over capacity: its lowest gates or its last tokens"   \
    }

/* The matrix that logits are x times. */
#define PARAM_W                                                                                    \
    {                                                                                              \
        .name = "w", .shape = {DIM_N, DIM_D}, .start = START_NORMAL, .scale = .02                  \
    }

/* mask = the k best columns of each valid token. */
void common_take_best(struct route *r, int k);
/* gate = softmax over the taken columns (renormalise), or their share of the softmax over all. */
void common_gate(struct route *r, bool renormalise);
void common_gate_back(struct route *r, bool renormalise); /* dgate -> dlogits, dprob */
/* The same over some columns only (`taken`), of logits as the softmax sees them (`seen`). */
void common_gate_over(struct route *r, struct kn_buf seen, struct kn_ints taken);
void common_gate_over_back(struct route *r, struct kn_ints taken);
#endif
