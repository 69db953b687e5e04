/* core/metrics/engine.c - Which op belongs to which group: by the part of the step it is called in,
 * and where that does not say it, by its name. */
#include "core/metrics/engine.h"
#include "core/model/part.h"
#include "kernels/ops.h"

#include <math.h>
#include <string.h>

const struct engine_name engine_names[ENGINE_GROUPS] = {
    [ENGINE_ROUTER] = {"router", "scores: tokens times the router's matrix"},
    [ENGINE_GATE] = {"gate", "who is taken and by how much; balance losses"},
    [ENGINE_PLAN] = {"plan", "sorting the picks by expert"},
    [ENGINE_MOVE] = {"gather", "rows to their expert, and their gradients back"},
    [ENGINE_EXPERTS] = {"experts", "the experts' matrices"},
    [ENGINE_COMBINE] = {"combine", "what experts and slots say, added by gate"},
    [ENGINE_ATTENTION] = {"attention", "tokens look at each other"},
    [ENGINE_DENSE] = {"dense", "input, head, norms: every token alike"},
    [ENGINE_LOSS] = {"loss", "how wrong the answer is"},
    [ENGINE_OPTIMISER] = {"optimiser", "the weights' update, and packing them"},
    [ENGINE_REST] = {"rest", "making the batch, and everything between ops"},
};

/* The first line that fits; NULL: any op of the part. */
static const struct rule {
    enum model_part part;
    const char *op;
    enum engine_group group;
} rules[] = {
    {PART_ROUTER, "linear", ENGINE_ROUTER},
    {PART_ROUTER, "linear_back_x", ENGINE_ROUTER},
    {PART_ROUTER, "linear_back_w", ENGINE_ROUTER},
    {PART_ROUTER, "cosine", ENGINE_ROUTER},
    {PART_ROUTER, "cosine_back", ENGINE_ROUTER},
    {PART_ROUTER, NULL, ENGINE_GATE},
    {PART_EXPERTS, "plan", ENGINE_PLAN},
    {PART_EXPERTS, "plan_all", ENGINE_PLAN},
    {PART_EXPERTS, "topk_mask", ENGINE_PLAN},
    {PART_EXPERTS, "over_mask", ENGINE_PLAN},
    {PART_EXPERTS, "moe_ffn", ENGINE_EXPERTS},
    {PART_EXPERTS, "moe_ffn_back", ENGINE_EXPERTS},
    {PART_EXPERTS, NULL, ENGINE_COMBINE},
    {PART_ATTENTION, NULL, ENGINE_ATTENTION},
    {PART_DENSE, NULL, ENGINE_DENSE},
    {PART_LOSS, NULL, ENGINE_LOSS},
    {PART_OPTIMISER, NULL, ENGINE_OPTIMISER},
    {PART_REST, NULL, ENGINE_LOSS},
};

static enum engine_group group_of(int part, const char *op)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((int)rules[i].part == part && (!rules[i].op || strcmp(rules[i].op, op) == 0))
            return rules[i].group;
    return ENGINE_REST;
}

static void add(struct snap_spent *to, int group, bool back, double ms, double idle)
{
    (back ? to->backward : to->forward)[group] += ms;
    to->idle[group] += idle;
}

void engine_add(struct snap_spent *to, const struct kn_backend *be, double scale)
{
    struct kn_time times[KN_OP_COUNT];
    int threads = kn_threads(be);
    for (int part = 0; part < PART_COUNT; part++) {
        int n = kn_times_of(be, part, times, KN_OP_COUNT);
        for (int i = 0; i < n; i++) {
            const struct kn_time *t = &times[i];
            if (t->calls == 0) continue;
            bool back = strstr(t->op, "_back") != NULL;
            /* Moving's part of the time is its part of what the threads worked. */
            double worked = t->seconds * threads - t->idle, ms = 1e3 * scale * t->seconds,
                   idle = 1e3 * scale * fmax(t->idle, 0) / threads,
                   moved = worked > 0 ? fmin(t->moved / worked, 1) : 0;
            int group = group_of(part, t->op);
            add(to, group, back, ms * (1 - moved), idle * (1 - moved));
            if (moved > 0) add(to, ENGINE_MOVE, back, ms * moved, idle * moved);
        }
    }
}

double engine_group_ms(const struct snap_spent *s, int group)
{
    return s->forward[group] + s->backward[group];
}

double engine_all_ms(const struct snap_spent *s)
{
    double all = 0;
    for (int i = 0; i < ENGINE_GROUPS; i++) all += engine_group_ms(s, i);
    return all;
}
