/* core/router/adamoe.c - k picks for every token, some of them of nulls, which do nothing.
 * Source: Zeng et al. 2024, arXiv 2406.13233. Ours: gates that are not renormalised (normalise
 * none); only they let the task teach the nulls. The balance loss is eq 6; the code released with
 * the paper's Mixtral runs leaves its average over the nulls out by mistake (averaged off). */
#include "core/router/common.h"

#include <stdio.h>

enum knob { K, NULLS, NORMALISE, AUX, ANNEAL, AVERAGED, NULL_KIND };
enum normalise { OVER_TRUE, OVER_ALL, NONE };
enum metric { NULL_SHARE, NULL_TARGET, ALL_NULL, ONE_TRUE };

static const char *const normalise_words[] = {"true", "all", "none", NULL};
static const char *const kind_words[] = {"zero", "copy", NULL};

static int adamoe_slots(const double *knob, int E, struct slot_run runs[4])
{
    (void)E;
    runs[0] =
        (struct slot_run){knob[NULL_KIND] != 0 ? SLOT_COPY : SLOT_ZERO, (int)knob[NULLS], "null"};
    return 1;
}

static void adamoe_select(struct route *r)
{
    common_take_best(r, (int)r->knob[K]);
}

/* The picks that gates are renormalised over. */
static struct kn_ints shared_among(struct route *r)
{
    if (r->knob[NORMALISE] == OVER_ALL) return r->mask;
    kn_mask_without(r->be, r->part, r->mask, r->E, r->S, r->T, r->N);
    return r->part;
}

static void adamoe_weigh(struct route *r)
{
    if (r->knob[NORMALISE] == NONE)
        common_gate(r, false);
    else
        common_gate_over(r, r->logits, shared_among(r));
}

static void adamoe_backward(struct route *r)
{
    if (r->knob[NORMALISE] == NONE)
        common_gate_back(r, false);
    else
        common_gate_over_back(r, shared_among(r));
}

/* Eq 6: N times the share of the tokens that picked the column, for nulls their mean. */
static void adamoe_load(struct route *r)
{
    int nulls = r->knob[AVERAGED] != 0 && r->S > 0 ? r->S : 1;
    struct kn_groups by = {.width = 1, .slots = nulls, .c = r->N, .c_slots = (double)r->N / nulls};
    kn_group_load(r->be, r->load, r->mask, r->valid, &by, r->T, r->N, r->E);
}

static bool adamoe_blind(const struct route_host *h, int t)
{
    int picks = host_picks(h, t, 0, h->E), nulls = host_picks(h, t, h->E, h->N);
    if (h->knob[NORMALISE] == OVER_TRUE) return picks <= 1;
    if (h->knob[NORMALISE] == OVER_ALL && picks + nulls == 1) return true;
    return picks == 0 && h->knob[NULL_KIND] == 0;
}

static double all_null(const struct route_host *h, int t)
{
    return host_picks(h, t, 0, h->E) == 0;
}

static double one_true(const struct route_host *h, int t)
{
    return host_picks(h, t, 0, h->E) == 1;
}

static void adamoe_measure(const struct route_host *h, int metric, double *to)
{
    switch ((enum metric)metric) {
    case NULL_SHARE:
        *to = host_share(h, h->E, h->N);
        break;
    case NULL_TARGET:
        *to = (double)(h->N - h->E) / h->N;
        break;
    case ALL_NULL:
        *to = host_mean(h, all_null);
        break;
    case ONE_TRUE:
        *to = host_mean(h, one_true);
        break;
    }
}

static bool adamoe_check(const double *knob, int E, char *say, int size)
{
    (void)E;
    if (knob[NULL_KIND] != 0 && knob[NORMALISE] == OVER_TRUE && knob[NULLS] > 0)
        snprintf(say, size,
                 "normalise=true gives nulls no share, so a null that copies adds nothing; try "
                 "normalise=all or none");
    return true;
}

const struct router router_adamoe = {
    .name = "adamoe",
    .title = "AdaMoE (null experts)",
    .paper = "Zeng et al. 2024, arXiv 2406.13233",
    .rule = "Every token lists the same number of experts, but some on its list are nulls that do "
            "nothing.",
    .formula = "S = the k largest of z = W x over experts and nulls;  g = softmax(z) over S",
    .family = FAMILY_NULL,
    .softmax = true,
    .slots_cycle = true,
    .ordered = true,
    .steer = {{"nulls", true}, {"aux", true}},
    .knobs = {[K] = KNOB_PICKS(4, 3, "nulls"),
              [NULLS] = {.name = "nulls",
                         .kind = OPTION_INT,
                         .max = 4,
                         .start = .5,
                         .paper = 1,
                         .unit = "slots",
                         .flags = OPTION_MAX_E | OPTION_START_E | OPTION_PAPER_E | OPTION_SHAPES,
                         .help = "slots that do nothing; more of them means fewer experts"},
              [NORMALISE] = {.name = "normalise",
                             .kind = OPTION_CHOICE,
                             .start = NONE,
                             .paper = OVER_TRUE,
                             .words = normalise_words,
                             .help = "gates sum to 1 over the true picks or over all picks; none "
                                     "(ours): they are probabilities, so that nulls learn too"},
              [AUX] = {.name = "aux",
                       .max = 1,
                       .start = .05,
                       .paper = .02,
                       .flags = OPTION_LOG,
                       .help = "how hard an even load on experts and nulls is asked for"},
              [ANNEAL] = {.name = "anneal",
                          .min = .001,
                          .max = 1,
                          .start = 1,
                          .paper = .005,
                          .flags = OPTION_LOG,
                          .help = "what aux is multiplied by in the second half of the run"},
              [AVERAGED] = {.name = "averaged",
                            .kind = OPTION_SWITCH,
                            .max = 1,
                            .start = 1,
                            .paper = 1,
                            .help = "on: aux sees the nulls' mean load, so that it does not matter "
                                    "which null; off: each one's"},
              [NULL_KIND] = {.name = "null_kind",
                             .kind = OPTION_CHOICE,
                             .words = kind_words,
                             .help = "what a null gives: nothing, or the token itself"},
              KNOB_Z,
              KNOB_ENTROPY_PRICE(.1),
              KNOB_CAPACITY(0),
              KNOB_DROP},
    .params = {PARAM_W},
    .losses = {{"aux", .knob = "aux", .late = "anneal"},
               {"z", .knob = "z"},
               {"entropy", .knob = "entropy_price"}},
    .metrics = {[NULL_SHARE] = {"null_share", NULL, "share of the picks that are nulls",
                                METRIC_PER_LAYER},
                [NULL_TARGET] = {"null_target", NULL, "the same where all columns are picked alike",
                                 METRIC_SCALAR},
                [ALL_NULL] = {"all_null", NULL, "share of the tokens that picked nulls only",
                              METRIC_SCALAR},
                [ONE_TRUE] = {"one_true", NULL, "share of the tokens that picked one expert",
                              METRIC_SCALAR}},
    .slots = adamoe_slots,
    .select = adamoe_select,
    .weigh = adamoe_weigh,
    .load = adamoe_load,
    .backward = adamoe_backward,
    .measure = adamoe_measure,
    .blind = adamoe_blind,
    .check = adamoe_check,
};
