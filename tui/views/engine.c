/* tui/views/engine.c - Are saved FLOPs saved seconds? Where a step's time goes, group by group;
 * what the arithmetic alone would take at the measured peak, and what the rest goes into; and the
 * same pass with two and with all experts, measured. */
#include "core/metrics/engine.h"
#include "tui/draw/bars.h"
#include "tui/draw/prose.h"
#include "tui/views/facts.h"
#include "tui/views/meters.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char explain[] =
    "Fewer experts are fewer multiplications. Whether that is less time depends on everything else "
    "in a step: scoring and choosing, sorting the picks by expert, moving rows there and back, "
    "matrices too small to run at full speed, threads that wait for each other. The table times "
    "all of it now, in the steps that train; a bar is a group's share of the step.\n"
    "The peak is what this machine's multipliers give in registers, measured here; other programs "
    "make it, and everything else, look slower. Arithmetic at "
    "peak is the time that the step's FLOPs would take there; what stands below it is what the "
    "step takes beyond. Waiting is the time that threads had nothing to do, also because some work "
    "is too small to be shared.\n"
    ":engine compare runs the same pass, forward and backward and without learning, as the rule "
    "says, with two experts for every token, and with all: then saved FLOPs stand beside saved "
    "milliseconds. Timing is on only while this view is looked at. So are a GPU's meters, where "
    "its "
    "driver gives them: they are of the whole device, and a token's joules are power over the time "
    "in steps.";

/* ---- what the numbers say ---- */

/* A step's time cut into what it was spent on; NaN: not known without a peak. */
enum gap { ARITHMETIC, BELOW_PEAK, CHOOSING, SORTING, MOVING, WAITING, LEARNING, BETWEEN, GAPS };
static const char *const gap_names[GAPS] = {
    "arithmetic at peak", "matrices below peak", "gate, balance", "plan",
    "gather, combine",    "threads waiting",     "loss, update",  "batch, between ops"};

/* A group's time with all threads at work. */
static double own(const struct snap_spent *s, int group)
{
    return engine_group_ms(s, group) - s->idle[group];
}

static void cut(const struct snap_engine *g, double ms[GAPS])
{
    const struct snap_spent *s = &g->spent;
    double matrices = own(s, ENGINE_ROUTER) + own(s, ENGINE_EXPERTS) + own(s, ENGINE_ATTENTION) +
                      own(s, ENGINE_DENSE);
    ms[ARITHMETIC] = g->peak > 0 ? fmin(g->flops / g->peak / 1e6, matrices) : NAN;
    ms[BELOW_PEAK] = g->peak > 0 ? matrices - ms[ARITHMETIC] : matrices;
    ms[CHOOSING] = own(s, ENGINE_GATE), ms[SORTING] = own(s, ENGINE_PLAN);
    ms[MOVING] = own(s, ENGINE_MOVE) + own(s, ENGINE_COMBINE);
    ms[LEARNING] = own(s, ENGINE_LOSS) + own(s, ENGINE_OPTIMISER);
    ms[WAITING] = 0;
    for (int i = 0; i < ENGINE_REST; i++) ms[WAITING] += s->idle[i];
    ms[BETWEEN] = engine_group_ms(s, ENGINE_REST);
}

static double share_of_peak(const struct snap_engine *g)
{
    return g->flops / (g->step_ms * 1e6) / g->peak; /* not a number where there is no peak */
}

static double expert_rate(const struct snap_engine *g)
{
    return g->expert_flops / (engine_group_ms(&g->spent, ENGINE_EXPERTS) * 1e6);
}

/* Of the share of FLOPs that is saved against all experts, how much is saved in time. */
struct saving {
    double flops, time, kept; /* shares; kept: time / flops */
};

static struct saving saving_of(const struct snap_engine *g, enum engine_pass pass)
{
    const struct snap_pass *a = &g->pass[pass], *all = &g->pass[ENGINE_ALL];
    struct saving s = {1 - a->flops / all->flops, 1 - a->ms / all->ms, NAN};
    if (s.flops > 0.02) s.kept = s.time / s.flops;
    return s;
}

/* The view's one sentence. */
static void say_answer(char *to, size_t size, const struct snap_engine *g, bool brief)
{
    char flops[32], time[32], kept[32];
    if (brief && g->compared) {
        struct saving s = saving_of(g, ENGINE_AS_IS);
        snprintf(to, size, "saved: %s FLOPs, %s time", facts_percent(flops, s.flops),
                 facts_percent(time, s.time));
    } else if (brief) {
        snprintf(to, size, "saved: %s FLOPs, time –",
                 facts_percent(flops, 1 - g->flops / g->dense));
    } else if (!g->compared) {
        snprintf(to, size,
                 "%s fewer FLOPs than with all experts; in time: :engine compare measures it",
                 facts_percent(flops, 1 - g->flops / g->dense));
    } else {
        struct saving s = saving_of(g, ENGINE_AS_IS);
        snprintf(to, size, "against all experts %s of the FLOPs and %s of the time are saved: %s%s",
                 facts_percent(flops, s.flops), facts_percent(time, s.time),
                 isnan(s.kept) ? "nothing to compare" : facts_percent(kept, s.kept),
                 isnan(s.kept) ? "" : " of what the FLOPs promise");
    }
}

/* ---- drawing ---- */

static void right(struct canvas *to, int x, int y, enum ink ink, const char *word)
{
    canvas_text(to, x - canvas_columns(word), y, ink, "%s", word);
}

static char *ms_word(char *to, double ms)
{
    return text_number(to, ms, ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3);
}

static void number(struct canvas *to, int x, int y, enum ink ink, double ms)
{
    char word[32];
    right(to, x, y, ink, ms_word(word, ms));
}

/* Groups that took nothing are left out. */
static bool there(const struct snap_engine *g, int group)
{
    bool any = engine_group_ms(&g->spent, group) > 0;
    for (int i = 0; g->compared && i < ENGINE_PASSES; i++)
        any = any || engine_group_ms(&g->pass[i].spent, group) > 0;
    return any;
}

static int groups_there(const struct snap_engine *g)
{
    int n = 0;
    for (int i = 0; i < ENGINE_GROUPS; i++) n += there(g, i);
    return n;
}

static void draw_groups(struct canvas *to, const struct snap_engine *g)
{
    enum { NAME = 11, NUMBER = 8 };
    bool parts = to->width >= 46, passes = g->compared && to->width >= 72;
    int columns = 1 + 2 * parts + (passes ? ENGINE_PASSES : 0);
    int bar = to->width - NAME - columns * NUMBER - 1, y = 0, x = NAME + bar + 1;
    const char *const heads[] = {"ms/step", "forward", "back", "as is", "two", "all"};
    canvas_text(to, 0, y, INK_DIM, "group");
    for (int i = 0, at = x + NUMBER; i < 6; i++) {
        if ((i > 0 && i < 3 && !parts) || (i >= 3 && !passes)) continue;
        right(to, at, y, i >= 3 ? INK_ACCENT : INK_DIM, heads[i]);
        at += NUMBER;
    }
    double most = 0;
    for (int i = 0; i < ENGINE_GROUPS; i++) most = fmax(most, engine_group_ms(&g->spent, i));
    int left = groups_there(g);
    for (int i = 0; i < ENGINE_GROUPS; i++) {
        if (!there(g, i)) continue;
        if (y + 2 >= to->height && left > 1) {
            canvas_fit(to, 0, y + 1, to->width, INK_DIM, "… %d more groups", left);
            return;
        }
        left--;
        int at = x + NUMBER;
        double ms = engine_group_ms(&g->spent, i);
        canvas_text(to, 0, ++y, i == ENGINE_EXPERTS ? INK_BRIGHT : INK_TEXT, "%s",
                    engine_names[i].name);
        bar_draw(to, NAME, y, bar, ms / most, i == ENGINE_EXPERTS ? INK_GOOD : INK_VAN0 + 5);
        number(to, at, y, INK_BRIGHT, ms);
        if (parts) {
            number(to, at += NUMBER, y, INK_DIM, g->spent.forward[i]);
            number(to, at += NUMBER, y, INK_DIM, g->spent.backward[i]);
        }
        for (int p = 0; passes && p < ENGINE_PASSES; p++)
            number(to, at += NUMBER, y, INK_TEXT, engine_group_ms(&g->pass[p].spent, i));
    }
    if (++y >= to->height) return;
    int at = x + NUMBER;
    canvas_text(to, 0, y, INK_DIM, "all");
    number(to, at, y, INK_BRIGHT, g->step_ms);
    if (parts) at += 2 * NUMBER;
    for (int p = 0; passes && p < ENGINE_PASSES; p++)
        number(to, at += NUMBER, y, INK_BRIGHT, g->pass[p].ms);
}

static void draw_gap(struct canvas *to, const struct snap_engine *g)
{
    enum { NAME = 21, NUMBER = 8 };
    double ms[GAPS];
    int bar = to->width - NAME - NUMBER - 6, y = 0;
    char share[32];
    if (to->height < 2) return;
    cut(g, ms);
    canvas_fit(to, 0, y, to->width, INK_DIM, "where a step's %.3g ms go", g->step_ms);
    for (int i = 0; i < GAPS && y + 1 < to->height; i++) {
        y++;
        canvas_fit(to, 0, y, NAME - 1, i == ARITHMETIC ? INK_BRIGHT : INK_TEXT, "%s",
                   i == BELOW_PEAK && isnan(ms[ARITHMETIC]) ? "matrices" : gap_names[i]);
        bar_draw(to, NAME, y, bar, ms[i] / g->step_ms, i == ARITHMETIC ? INK_GOOD : INK_WARN);
        number(to, to->width - 6, y, INK_BRIGHT, ms[i]);
        right(to, to->width, y, INK_DIM, facts_percent(share, ms[i] / g->step_ms));
    }
}

/* FLOPs beside time, pass by pass. */
static void draw_passes(struct canvas *to, const struct snapshot *now)
{
    static const char *const names[ENGINE_PASSES] = {"this rule", "two experts", "all experts"};
    enum { NAME = 13 };
    const struct snap_engine *g = &now->engine;
    char flops[32], ms[32], a[32], b[32], experts[32];
    if (to->height < 1) return;
    if (g->comparing) {
        canvas_fit(to, 0, 0, to->width, INK_ACCENT, "comparing: at most %d passes to go",
                   g->comparing);
        return;
    }
    if (!g->compared) {
        canvas_fit(to, 0, 0, to->width, INK_DIM,
                   "time with two and with all experts: –   :engine compare measures it");
        return;
    }
    canvas_fit(to, 0, 0, to->width, INK_DIM,
               "the same pass at step %ld, %s: FLOPs saved beside time saved", g->compared_at,
               g->compared_as);
    for (int i = 0; i < ENGINE_PASSES && 1 + i < to->height; i++) {
        const struct snap_pass *p = &g->pass[i];
        struct saving s = saving_of(g, i);
        int x = canvas_fit(to, 0, 1 + i, NAME, INK_TEXT, "%s", names[i]);
        x = canvas_fit(to, NAME, 1 + i, to->width - NAME, INK_TEXT, "%5s run %6s FLOPs %7s ms",
                       facts_number(experts, p->experts, 2), text_count(flops, p->flops),
                       ms_word(ms, p->ms));
        if (i == ENGINE_ALL) continue;
        canvas_fit(to, x + 2, 1 + i, to->width - x - 2, INK_BRIGHT, "saves %s FLOPs, %s time",
                   facts_percent(a, s.flops), facts_percent(b, s.time));
    }
}

static void say_machine(char *to, size_t size, const struct snapshot *now)
{
    const struct snap_engine *g = &now->engine;
    char peak[32], share[32], rate[32], who[32];
    bool gpu = strcmp(now->backend, "cuda") == 0;
    if (gpu) /* what counts is how it multiplies */
        snprintf(who, sizeof who, "%s %s", now->backend, now->simd);
    else
        snprintf(who, sizeof who, "%s×%d", now->backend, now->threads);
    snprintf(to, size, "%s: peak %s GFLOP/s, step %s of it, experts at %s GFLOP/s%s", who,
             facts_number(peak, g->peak, 0), facts_percent(share, share_of_peak(g)),
             facts_number(rate, expert_rate(g), 0),
             gpu && !meters_known(&now->gpu) ? "; GPU meters –" : "");
}

/* What there is to say while no step has been timed. */
static const char *why_untimed(const struct snapshot *now)
{
    if (!now->engine.on) return "Nothing is timed: :engine on starts it, as looking here does.";
    if (now->race.on)
        return "A race is on and this model rests: its steps are timed when the race is over, or "
               "when :race stop ends it.";
    if (now->paused) return "Paused: no step has been timed yet. Space goes on, . makes one step.";
    return "The first steps are being timed.";
}

static void engine_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    const struct snap_engine *g = &s->now->engine;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    char line[240];
    if (g->steps == 0) {
        prose_draw(&in, 0, in.height / 2 - 1, in.width, in.height, 0, INK_DIM, why_untimed(s->now));
        return;
    }
    say_answer(line, sizeof line, g, in.width < 60);
    int lines = prose_lines(in.width, line), groups = groups_there(g) + 2;
    if (lines > 2) lines = 2;
    prose_draw(&in, 0, 0, in.width, lines, 0, INK_BRIGHT, line);
    int y = lines, left = in.height - lines;
    bool machine = left >= groups + 1;
    if (machine) {
        say_machine(line, sizeof line, s->now);
        canvas_fit(&in, 0, y++, in.width, INK_DIM, "%s", line);
        left--;
    }
    if (meters_known(&s->now->gpu) && left >= groups + 1) {
        meters_say(line, sizeof line, &s->now->gpu, in.width < 60);
        canvas_fit(&in, 0, y++, in.width, INK_TEXT, "%s", line);
        left--;
    }
    int passes = g->compared ? 1 + ENGINE_PASSES : 1, gap = GAPS + 1, used = groups;
    bool below = left >= used + 1 + gap + 1 + passes;      /* one under the other */
    bool beside = !below && in.width >= 76 && left >= gap; /* side by side */
    int half = beside ? (in.width * 2 / 5 > 33 ? in.width * 2 / 5 : 33) : in.width;
    struct canvas table = canvas_part(&in, 0, y, half, used < left ? used : left);
    draw_groups(&table, g);
    if (beside) {
        struct canvas gaps = canvas_part(&in, half + 2, y, in.width - half - 2, gap);
        draw_gap(&gaps, g);
    }
    y += used, left -= used;
    if (below) {
        struct canvas gaps = canvas_part(&in, 0, y + 1, in.width, gap);
        draw_gap(&gaps, g);
        y += 1 + gap, left -= 1 + gap;
    }
    if (left > passes) y++, left--;
    struct canvas foot = canvas_part(&in, 0, y, in.width, left > 0 ? left : 0);
    draw_passes(&foot, s->now);
}

static void tell_group(struct text *to, const struct snap_engine *g, int i)
{
    const char *name = engine_names[i].name;
    char a[32];
    double all = engine_group_ms(&g->spent, i);
    text_add(to, "%s (%s): ", name, engine_names[i].help);
    say_as(to, ms_word(a, all), all, "ms", "%s", name);
    text_add(to, " ms, forward ");
    say_as(to, ms_word(a, g->spent.forward[i]), g->spent.forward[i], "ms", "%s forward", name);
    text_add(to, ", backward ");
    say_as(to, ms_word(a, g->spent.backward[i]), g->spent.backward[i], "ms", "%s backward", name);
    text_add(to, ".\n");
}

static void engine_tell(struct text *to, const struct scene *s)
{
    static const char *const names[ENGINE_PASSES] = {"as the rule says", "with two experts",
                                                     "with all experts"};
    if (!s->now) return;
    const struct snap_engine *g = &s->now->engine;
    char line[240], a[32];
    double ms[GAPS];
    if (g->steps == 0) {
        text_add(to, "%s\n", why_untimed(s->now));
        return;
    }
    say_answer(line, sizeof line, g, false);
    text_add(to, "%s.\n", line);
    say_machine(line, sizeof line, s->now);
    text_add(to, "%s.\n", line);
    meters_tell(to, &s->now->gpu);
    text_add(to, "a step takes ");
    say_as(to, ms_word(a, g->step_ms), g->step_ms, "ms", "step time");
    text_add(to, " ms, mean of %ld.\n", g->steps);
    for (int i = 0; i < ENGINE_GROUPS; i++)
        if (there(g, i)) tell_group(to, g, i);
    cut(g, ms);
    for (int i = 0; i < GAPS; i++) {
        text_add(to, "%s: ", gap_names[i]);
        say_as(to, ms_word(a, ms[i]), ms[i], "ms", "%s", gap_names[i]);
        text_add(to, " ms, %s of the step.\n", facts_percent(a, ms[i] / g->step_ms));
    }
    for (int i = 0; g->compared && i < ENGINE_PASSES; i++) {
        text_add(to, "the same pass %s: ", names[i]);
        say_number(to, g->pass[i].experts, 2, "experts", "experts %s", names[i]);
        text_add(to, " experts run, ");
        say_as(to, text_count(a, g->pass[i].flops), g->pass[i].flops, "FLOP", "FLOPs %s", names[i]);
        text_add(to, " FLOPs, ");
        say_as(to, ms_word(a, g->pass[i].ms), g->pass[i].ms, "ms", "pass %s", names[i]);
        text_add(to, " ms.\n");
    }
}

const struct view view_engine = {
    .name = "engine",
    .key = '8',
    .title = "Engine",
    .question = "Are saved FLOPs saved seconds?",
    .explain = explain,
    .draw = engine_draw,
    .tell = engine_tell,
    .enter = "engine on",
    .leave = "engine off",
};
