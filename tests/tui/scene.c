/* tests/tui/scene.c - Fixed snapshots for golden screens. Numbers are made by plain arithmetic from
 * a small generator, so that they are the same everywhere, and hang together: counts, shares and
 * loads are counted from the tokens. */
#include "tests/tui/scene.h"
#include "core/script/lesson.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static unsigned drawn; /* state of the generator */

static double uniform(void)
{
    drawn = drawn * 1664525u + 1013904223u;
    return (drawn >> 8) / 16777216.0;
}

static void set_knob(struct snapshot *s, const char *name, double value)
{
    int i = router_knob(s->router, name);
    if (i >= 0) s->knob[i] = value;
}

static void start(struct snapshot *s, const char *strategy, int layers)
{
    snapshot_clear(s);
    drawn = 7;
    s->router = router_find(strategy, NULL);
    s->E = s->N = 8, s->L = layers, s->D = 64, s->predictions = 1;
    router_starts(s->router, s->E, false, s->knob);
    s->threads = 2, s->seed = 7, s->step = 1240, s->goal = 1500;
    strcpy(s->backend, "cpu");
    strcpy(s->simd, "avx2");
    s->tokens = SNAP_TOKENS, s->detail = SNAP_TOKENS, s->window_step = 1240;
}

/* One token of one layer: `wish` experts are likely; they are taken until they add up to p, or the
 * best k. */
static void route_token(struct snapshot *s, int i, int layer, int wish, double p, int k)
{
    struct snap_token *t = &s->token[i];
    double prob[8], sum = 0, mass = 0;
    for (int e = 0; e < 8; e++) sum += prob[e] = 0.01 + 0.03 * uniform();
    for (int n = 0; n < wish;) {
        int e = (int)(uniform() * 9) % 8; /* the first van is asked for twice as often */
        double more = 0.6 + uniform();
        if (prob[e] > 0.1) continue;
        prob[e] += more, sum += more;
        n++;
    }
    for (int e = 0; e < 8; e++) prob[e] /= sum;
    for (bool more = true; more;) {
        int best = -1;
        for (int e = 0; e < 8; e++)
            if (!(t->taken[layer][0] >> e & 1) && (best < 0 || prob[e] > prob[best])) best = e;
        if (best < 0) break;
        t->taken[layer][0] |= 1ull << best;
        t->count[layer]++;
        mass += prob[best];
        more = k > 0 ? t->count[layer] < k : mass <= p;
    }
    for (int e = 0; layer == s->focus && e < 8; e++) {
        bool taken = t->taken[layer][0] >> e & 1;
        s->prob[i * 8 + e] = s->score[i * 8 + e] = (float)prob[e];
        s->gate[i * 8 + e] = taken ? (float)(prob[e] / mass) : 0;
        s->logits[i * 8 + e] = (float)log(prob[e]);
    }
    if (layer == s->focus)
        s->rule_token[0][i] = (float)mass,
        s->rule_token[1][i] = (float)(0.3 + 0.5 * t->count[layer]);
}

/* What can be counted from the window: shares, loads, experts by need. */
static void count_up(struct snapshot *s)
{
    double all = 0, exact = 0, wasted = 0, shorted = 0, by_need[SNAP_NEEDS + 1] = {0},
           sent[SNAP_NEEDS + 1] = {0}, right[SNAP_NEEDS + 1] = {0};
    for (int l = 0; l < s->L; l++) {
        for (int k = 0; k <= SNAP_COUNTS; k++) s->count_share[l][k] = 0;
        for (int e = 0; e < s->E; e++) s->load[l][e] = 0;
        double picks = 0;
        for (int i = 0; i < s->tokens; i++) {
            const struct snap_token *t = &s->token[i];
            s->count_share[l][t->count[l]] += 1.0f / (float)s->tokens;
            picks += t->count[l];
            for (int e = 0; e < s->E; e++) s->load[l][e] += (float)(t->taken[l][0] >> e & 1);
        }
        for (int e = 0; e < s->E; e++) s->load[l][e] *= (float)(s->E / picks);
        all += picks;
    }
    s->experts_per_token = all / s->tokens / s->L;
    s->load_max_over_mean = 0;
    for (int l = 0; l < s->L; l++)
        for (int e = 0; e < s->E; e++)
            s->load_max_over_mean = fmax(s->load_max_over_mean, s->load[l][e]);
    s->load_cv = 0.31, s->dead_experts = 0;
    for (int i = 0; i < s->tokens && !s->text; i++) {
        const struct snap_token *t = &s->token[i];
        exact += t->count[0] == t->need, wasted += t->count[0] > t->need,
            shorted += t->count[0] < t->need;
        by_need[t->need]++, sent[t->need] += t->count[0], right[t->need] += t->right;
    }
    if (s->text) return;
    s->exact = exact / s->tokens, s->wasted = wasted / s->tokens, s->shorted = shorted / s->tokens;
    s->count_need_rho = 0.81;
    for (int n = 0; n <= SNAP_NEEDS; n++) {
        s->need_share[n] = (float)(by_need[n] / s->tokens);
        s->experts_by_need[n] = by_need[n] > 0 ? (float)(sent[n] / by_need[n]) : NAN;
        s->right_by_need[n] = by_need[n] > 0 ? (float)(right[n] / by_need[n]) : NAN;
    }
}

/* Five lanes after the last of three seeds; the last lane is compared with nobody. */
static void race(struct snap_race *r)
{
    static const struct {
        const char *label;
        double accuracy, loss, experts, flops, speed;
    } lanes[] = {{"topk", .686, .508, 2, 13440, 592000},
                 {"topp p=0.80", .955, .097, 2.43, 14200, 434000},
                 {"remoe target=2.5", .973, .076, 2.04, 13400, 551000},
                 {"adamoe", .928, .121, 2.95, 15300, NAN},
                 {"expertchoice (sees the future)", .723, NAN, 2, 13440, 610000}};
    r->lanes = 5, r->seeds = 3, r->seed_now = 2, r->seed = 3;
    r->look = 2048, r->done = 1, r->seconds = 7.4;
    strcpy(r->budget, "1,500 steps");
    for (int i = 0; i < r->lanes; i++) {
        struct snap_lane *a = &r->lane[i];
        snprintf(a->label, sizeof a->label, "%s", lanes[i].label);
        a->accuracy = lanes[i].accuracy, a->val_loss = a->loss = lanes[i].loss;
        a->experts = lanes[i].experts, a->flops = lanes[i].flops, a->speed = lanes[i].speed;
        a->steps = 1500, a->done = 1, a->finished = true;
        a->least = i < 3 ? a->accuracy - 0.03 : NAN, a->most = i < 3 ? a->accuracy + 0.02 : NAN;
        a->excluded = i == 4 ? "sees the future" : NULL;
        a->front = i == 2;
        for (a->trail = 0; a->trail < 12; a->trail++) {
            double left = (11 - a->trail) / 11.0;
            a->trail_accuracy[a->trail] = (float)(a->accuracy - 0.4 * left * left);
            a->trail_flops[a->trail] = (float)(a->flops * (1 + 0.04 * i * left));
        }
    }
}

/* A window of timed steps, all groups in fixed proportions; `scale` ms for the experts. */
static void spent(struct snap_spent *s, double scale, bool attention)
{
    static const double part[ENGINE_GROUPS] = {.10, .35, .06, .12, 1, .05, .7, .6, .25, .2, .3};
    for (int i = 0; i < ENGINE_GROUPS; i++) {
        double ms = i == ENGINE_ATTENTION && !attention ? 0 : part[i] * scale;
        bool once = i == ENGINE_PLAN || i == ENGINE_COMBINE || i >= ENGINE_LOSS;
        s->forward[i] = once ? ms : ms / 3, s->backward[i] = once ? 0 : ms * 2 / 3;
        s->idle[i] = i == ENGINE_REST ? 0 : i == ENGINE_EXPERTS ? ms * .1 : ms * .4;
    }
}

static void engine(struct snap_engine *g, bool text)
{
    g->on = true, g->steps = 480;
    spent(&g->spent, text ? 12 : .3, text);
    for (int i = 0; i < ENGINE_GROUPS; i++)
        g->step_ms += g->spent.forward[i] + g->spent.backward[i];
    g->flops = text ? 1.4e9 : 10.3e6, g->dense = text ? 3.1e9 : 17.4e6;
    g->expert_flops = g->flops * .6;
    g->peak = text ? NAN : 236;
    if (text) return;
    g->compared = true, g->compared_at = 1200;
    strcpy(g->compared_as, "topp p=0.80");
    for (int i = 0; i < ENGINE_PASSES; i++) {
        struct snap_pass *p = &g->pass[i];
        p->experts = i == ENGINE_AS_IS ? 2.01 : i == ENGINE_TWO ? 2 : 8;
        p->flops = 8e6 + 1.18e6 * p->experts, p->ms = .2 + .06 * p->experts;
        spent(&p->spent, p->ms / 3.03, false);
        p->spent.forward[ENGINE_OPTIMISER] = 0;
    }
}

void scene_orders(struct snapshot *s)
{
    start(s, "topp", 1);
    strcpy(s->data, "orders");
    strcpy(s->run_label, "topp p=0.80");
    strcpy(s->badge, "changed");
    set_knob(s, "p", 0.8);
    s->predictions = 8, s->tokens_per_step = 256;
    for (int i = 0; i < s->tokens; i++) {
        struct snap_token *t = &s->token[i];
        double u = uniform();
        t->need = u < .50 ? 1 : u < .65 ? 2 : u < .85 ? 3 : 4;
        t->kind = -1;
        t->id = i;
        snprintf(t->text, sizeof t->text, "#%d", i);
        route_token(s, i, 0, t->need, 0.8, 0);
        t->right = uniform() < (t->count[0] >= t->need ? 0.98 : 0.35);
        t->loss = (float)(t->right ? 0.02 + 0.2 * uniform() : 0.7 + uniform());
    }
    count_up(s);
    s->loss = 0.312, s->accuracy = 0.885, s->item_accuracy = 0.94, s->tokens_per_s = 61200,
    s->lr = 0.0041, s->step_ms = 4.2;
    s->losses[0] = 1.03, s->losses[1] = 0.81;
    race(&s->race);
    engine(&s->engine, false);
    s->own.weight[0] = 0.2, s->own.weight[1] = 0.1, s->own.weight[2] = 0;
}

void scene_text(struct snapshot *s)
{
    static const char verse[] = "In the beginning God created the heaven and the earth.\nAnd the "
                                "earth was without form, and void; and darkness was upon "
                                "the face of the deep. And the Spirit of God moved upon the face "
                                "of the waters.\nAnd God said, Let there be light: and "
                                "there was light.\nAnd God saw the light, that it was good";
    start(s, "topk", 4);
    s->text = true;
    s->focus = 1;
    strcpy(s->data, "text: kjv.txt");
    strcpy(s->run_label, "topk k=2");
    strcpy(s->badge, "tuned");
    set_knob(s, "capacity", 1.25);
    s->tokens_per_step = 1024, s->context = 64;
    for (int i = 0; i < s->tokens; i++) {
        struct snap_token *t = &s->token[i];
        bool starts = i == 0 || strchr(" \n", verse[i - 1]);
        t->id = 4298752 + i;
        t->need = t->kind = -1;
        strcpy(t->text, verse[i] == '\n' ? "⏎" : (char[]){verse[i], 0});
        for (int l = 0; l < s->L; l++)
            route_token(s, i, l, 1 + (int)(3 * uniform()), 0, 1 + (starts ? 3 - l : l) % 4);
        t->loss = (float)(starts ? 2.2 + 2 * uniform() : 1.6 * uniform() * uniform());
        t->right = t->loss < 0.7;
    }
    count_up(s);
    s->loss = 1.42, s->bits_per_char = 2.05, s->accuracy = 0.582, s->tokens_per_s = 38400,
    s->lr = 0.0022;
    s->dropped_pairs = 37;
    engine(&s->engine, true);
    s->token[s->tokens - 1].loss = NAN, s->token[s->tokens - 1].right = -1;
}

void scene_nothing_known(struct snapshot *s)
{
    snapshot_clear(s);
    s->router = router_find("topk", NULL);
    s->E = 64, s->S = 8, s->N = 72, s->L = SNAP_LAYERS;
    for (int i = 0; i < ROUTER_KNOBS; i++) s->knob[i] = NAN;
    for (int l = 0; l < SNAP_LAYERS; l++)
        for (int i = 0; i < COLUMNS_MAX; i++) s->load[l][i] = NAN;
}

void scene_past(struct history *h, long steps)
{
    memset(h, 0, sizeof *h);
    struct snapshot s;
    snapshot_clear(&s);
    drawn = 3;
    const struct snap_mark marks[] = {{400, "router topp"}, {800, "p=0.60"}, {1000, "aux=0.05"}};
    for (long step = 0; step <= steps; step += 4) {
        double late = (double)step / 300;
        s.step = step;
        s.marks = 0;
        for (int m = 0; m < 3; m++)
            if (step >= marks[m].step) s.mark[s.marks++] = marks[m];
        double noise = 0.05 * (uniform() - 0.5);
        s.loss = step == 0 ? NAN : 1.35 / (1 + late * late) + 0.25 + noise * 0.8;
        s.accuracy = step == 0 ? NAN : 1 - 0.95 / (1 + late * late) + noise * 0.4;
        s.experts_per_token = step < 400   ? 2
                              : step < 800 ? 3.1 + 2 * 400 / (double)step - 1.6 + noise
                                           : 1.9 + noise;
        s.load_max_over_mean = step == 0 ? NAN : step < 400 ? 1.3 : step < 1000 ? 2.1 : 1.4;
        s.tokens_per_s = step == 0 ? NAN
                                   : (step < 400   ? 64000
                                      : step < 800 ? 52000
                                                   : 61000) +
                                         20000 * noise;
        history_add(h, &s);
    }
}

const struct runner *scene_lesson(void)
{
    static const char text[] =
        "---\ntitle: Two vans for every order\nminutes: 5\n---\n"
        "## The rule\n\nEvery order gets exactly two {vans|experts}, a teddy bear as well as a "
        "piano: {experts_per_token} now.\n\n```text\ny = sum of g_i E_i(x)\n```\n"
        "```predict\nHow many of 100 orders arrive intact?\nanswer 100 * val_accuracy\n```\n"
        "Train 400 steps, then say eval.\n\n"
        "```watch\nvans\n```\n```expect\nexperts_per_token < 3\nval_accuracy > 2\n```\n";
    static struct lesson lesson;
    static struct runner runner;
    static struct snapshot now;
    struct text out = {0};
    lesson_close(&lesson);
    if (!lesson_read(&lesson, "07-two-vans.md", text, sizeof text - 1, NULL)) return NULL;
    runner_open(&runner, &lesson, 0);
    scene_orders(&now);
    runner_feed(&runner, &now);
    runner_answer(&runner, "70", &now, &out, NULL);
    text_free(&out);
    return &runner;
}
