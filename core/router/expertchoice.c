/* core/router/expertchoice.c - The experts choose their tokens: each takes its best ones until it
 * is full. Loads are even by construction and tokens get as many experts as want them, but whether
 * a token is taken depends on tokens behind it: nothing that such a model says about a text is
 * comparable, and it cannot write one.
 * Source: Zhou et al. 2022, arXiv 2202.09368; without their limit on experts per token. Ours: the
 * choice among tokens of one position. */
#include "core/router/common.h"

enum knob { C, SCOPE };
enum metric { UNCHOSEN, LEAK };
static const char *const scope_words[] = {"batch", "position", NULL};

static void expertchoice_select(struct route *r)
{
    kn_column_mask(r->be, r->mask, r->prob, r->knob[C], r->knob[SCOPE] != 0 ? r->context : 1,
                   r->valid, r->T, r->N);
}

static void expertchoice_weigh(struct route *r)
{
    common_gate(r, false);
}

static void expertchoice_backward(struct route *r)
{
    common_gate_back(r, false);
}

static double unchosen(const struct route_host *h, int t)
{
    return host_picks(h, t, 0, h->N) == 0;
}

/* The leak compares two losses: no single routing knows it. */
static void expertchoice_measure(const struct route_host *h, int metric, double *to)
{
    *to = metric == UNCHOSEN ? host_mean(h, unchosen) : NAN;
}

const struct router router_expertchoice = {
    .name = "expertchoice",
    .title = "Expert choice",
    .paper = "Zhou et al. 2022, arXiv 2202.09368",
    .rule = "Every expert takes the tokens that it scores best until it is full; it must see them "
            "all first, later ones too.",
    .formula = "P = softmax(W x);  expert e takes the ⌈c T/E⌉ tokens with the largest Pₑ;  g = P",
    .family = FAMILY_BASELINE,
    .needs = SEES_FUTURE,
    .softmax = true,
    .steer = {{"c", false}},
    .knobs = {[C] = {.name = "c",
                     .min = .5,
                     .max = 1,
                     .start = 2,
                     .paper = 2,
                     .unit = "experts",
                     .flags = OPTION_MAX_E,
                     .help = "mean experts of a token: each expert takes c T/E tokens"},
              [SCOPE] = {.name = "scope",
                         .kind = OPTION_CHOICE,
                         .words = scope_words,
                         .flags = OPTION_OURS,
                         .help = "tokens ranked together: all of the batch, or those at the same "
                                 "position of their sequences"},
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .metrics = {[UNCHOSEN] = {"tokens_unchosen", "share", "tokens that no expert chose",
                              METRIC_SCALAR},
                [LEAK] = {"leak", "nat",
                          "loss when written token by token, less the loss that saw the future",
                          METRIC_SCALAR}},
    .select = expertchoice_select,
    .weigh = expertchoice_weigh,
    .backward = expertchoice_backward,
    .measure = expertchoice_measure,
};
