#ifndef CORE_ROUTER_COMMON_H
#define CORE_ROUTER_COMMON_H
/* What many strategies share: knobs of one name and meaning, and the parts of softmax routers. */
#include "core/router/router.h"

extern const char *const common_drop_words[]; /* values of the knob `drop` */

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

/* mask = the k best columns of each valid token. */
void common_take_best(struct route *r, int k);
/* gate = softmax over the taken columns (renormalise), or their share of the softmax over all. */
void common_gate(struct route *r, bool renormalise);
void common_gate_back(struct route *r, bool renormalise); /* dgate -> dlogits, dprob */
/* The same over some columns only (`taken`), of logits as the softmax sees them (`seen`). */
void common_gate_over(struct route *r, struct kn_buf seen, struct kn_ints taken);
void common_gate_over_back(struct route *r, struct kn_ints taken);
int common_picks(const struct route_host *h, int t, int first,
                 int last); /* of token t, in columns first..last-1 */
double common_share(const struct route_host *h, int first,
                    int last); /* what part of all picks these columns have; NaN: there is none */
/* Is token t's one pick a renormalised one? Its gate is then 1 whatever the logits are. */
bool common_lone_pick(const struct route_host *h, int t, bool renormalise);
#endif
