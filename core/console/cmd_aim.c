/* core/console/cmd_aim.c - The verb `aim`: a number of experts per token, set where a knob says so, else
 * kept by a thermostat while the model trains. */
#include "core/console/verbs.h"
#include "core/script/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void aim_step(struct console *c)
{
    struct thermostat *h = &c->aim;
    char text[160], value[32];
    if (!thermostat_looks(h, c->trainer)) return;
    double target = h->target;
    bool was = h->stuck,
         on = thermostat_look(h, c->trainer, console_snapshot(c)->experts_per_token);
    const struct option *o = &h->router->knobs[h->knob];
    if (on && (was || !h->stuck)) return;
    if (on)
        snprintf(text, sizeof text, "aim %.3g: %s is at its end, %s, and a token takes %.2f",
                 target, o->name, option_show(o, h->set, value), h->before);
    else
        snprintf(text, sizeof text, "the aim at %.3g experts is over: %s was turned, or left",
                 target, o->name);
    trainer_tell_of(c->trainer, text);
}

static bool tell(struct console *c, struct text *out)
{
    const struct thermostat *h = &c->aim;
    char mean[16], value[32];
    if (!(h->target > 0)) {
        text_add(out, "there is no aim: aim X is a number of experts per token\n");
        return true;
    }
    const struct option *o = &h->router->knobs[h->knob];
    text_add(out, "aim %.4g experts per token by %s, now %s; they are %s\n", h->target, o->name,
             option_show(o, h->set, value),
             text_number(mean, console_snapshot(c)->experts_per_token, 2));
    return true;
}

static bool end(struct console *c, struct text *out)
{
    const struct thermostat *h = &c->aim;
    if (h->target > 0)
        text_add(out, "the aim is over: %s stays where it is\n", h->router->knobs[h->knob].name);
    else
        text_add(out, "there was no aim\n");
    c->aim.target = 0;
    return true;
}

/* A knob that is a number of experts is set to it, and that is all. */
static bool set(struct console *c, const struct option *o, double experts, struct text *out,
                struct err *e)
{
    char value[32];
    if (o->kind == OPTION_INT) experts = fmax(round(experts), 1);
    snprintf(value, sizeof value, "%.9g", experts);
    if (!trainer_set_knob(c->trainer, o->name, value, e)) return false;
    c->aim.target = 0;
    text_add(out, "%s %s\n", o->name, value);
    return true;
}

static bool cmd_aim(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    const struct router *r = trainer_config(c->trainer)->router;
    int knob = thermostat_count_knob(r);
    char *rest, mark[32];
    if (!verb_words(verb_named("aim"), argc, 0, 1, e)) return false;
    if (argc == 1) return tell(c, out);
    if (strcmp(argv[1], "none") == 0) return end(c, out);
    double experts = strtod(argv[1], &rest);
    if (rest == argv[1] || *rest || !(experts > 0 && experts <= EXPERTS_MAX))
        return err_set(e, ERR_USAGE, "aim X is a number of experts, not '%.40s'", argv[1]);
    struct thermostat begun;
    if (knob < 0 && !thermostat_begin(&begun, c->trainer, experts))
        return err_set(e, ERR_USAGE, "%s has no knob that moves its number of experts", r->name);
    const struct option *o = &r->knobs[knob < 0 ? begun.knob : knob];
    if (c->policy && !policy_allows_knob(c->policy, o->name, e)) return false;
    if (knob >= 0) return set(c, o, experts, out, e);
    c->aim = begun;
    snprintf(mark, sizeof mark, "aim %.3g", experts);
    trainer_mark(c->trainer, mark);
    text_add(out, "%s is turned, a little every %d steps, until a token takes %.4g experts\n",
             r->knobs[c->aim.knob].name, THERMOSTAT_EVERY, experts);
    return true;
}

const struct command aim_commands[] = {
    {.name = "aim",
     .usage = "aim [X|none]",
     .help = "X experts per token: by the knob that says so, else by one that is turned until they "
             "are",
     .run = cmd_aim,
     .changes = true},
    {.name = NULL},
};
