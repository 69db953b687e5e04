/* core/train/change.c - What may change between two steps, while the model stays: strategy, knobs,
 * learning rate. */
#include "core/train/inside.h"

#include <stdio.h>
#include <string.h>

enum {
    MARK_APART = 20
}; /* steps within which turning the same thing moves its marker instead of adding one */

void trainer_mark(struct trainer *t, const char *text)
{
    struct snapshot *s = &t->now;
    struct snap_mark *last = s->marks > 0 ? &s->mark[s->marks - 1] : NULL;
    size_t name = strcspn(text, "=");
    if (last && text[name] && t->step - last->step < MARK_APART &&
        strncmp(last->text, text, name + 1) == 0)
        s->marks--;
    if (s->marks == SNAP_MARKS) memmove(s->mark, s->mark + 1, (size_t)--s->marks * sizeof *s->mark);
    last = &s->mark[s->marks++];
    last->step = t->step;
    snprintf(last->text, sizeof last->text, "%s", text);
}

void trainer_focus(struct trainer *t, int layer)
{
    if (layer >= 0 && layer < t->model->L) t->focus = layer;
}

/* What was measured by the rule that left is no longer known. */
static void forget_rule(struct snapshot *s)
{
    for (int i = 0; i < ROUTER_LOSSES; i++) s->losses[i] = NAN;
    for (int i = 0; i < ROUTER_METRICS; i++) {
        s->rule[i] = NAN;
        for (int l = 0; l < SNAP_LAYERS; l++) s->rule_layer[i][l] = NAN;
        for (int j = 0; j < COLUMNS_MAX; j++) s->rule_column[i][j] = NAN;
        for (int j = 0; j < SNAP_TOKENS; j++) s->rule_token[i][j] = NAN;
    }
    snap_rule_forget(&s->own);
    s->zero_compute_per_token = NAN;
    snapshot_forget_picks(&s->picks), snapshot_forget_picks(&s->val_picks);
    s->tokens = s->detail = 0; /* the window's masks are of other columns */
}

/* Experts at rest as *c says, in the model that stays. */
static bool same_rest(struct trainer *t, const struct config *c, struct err *e)
{
    struct config was = t->model->config;
    struct rest rest;
    if (memcmp(&was.fleet, &c->fleet, sizeof was.fleet) == 0 && c->router == was.router)
        return true;
    t->model->config = *c;
    bool ok = rest_open(&rest, t->model, e);
    t->model->config = was;
    if (!ok) return false;
    rest_close(&t->rest);
    t->rest = rest;
    return true;
}

static bool apply(struct trainer *t, const struct config *c, struct err *e)
{
    struct err warning = {0};
    if (!config_check(c, &warning)) {
        if (e) *e = warning;
        return false;
    }
    bool other = c->router != t->config.router, came = other;
    trainer_settle(t);
    past_changed(t);
    if (model_same_shape(t->model, c)) {
        if (!same_rest(t, c, e)) return false;
        model_set_router(t->model, c);
        t->config = *c;
    } else {
        if (!trainer_build(t, c, t->model, e)) return false;
        other = true;
        t->fresh = false;
    }
    if (came) learn_fresh(t), t->learning.stage = STAGE_ALL;
    if (other) forget_rule(&t->now), snapshot_forget_probes(&t->now);
    trainer_identify(t);
    trainer_tell(t, "%s", warning.text);
    return true;
}

/* A device that is lost takes nothing of the wish with it. */
bool trainer_apply(struct trainer *t, const struct config *c, struct err *e)
{
    bool lost;
    if (!trainer_outlives(t, NULL, e)) return false;
    bool ok = apply(t, c, e);
    if (!trainer_outlives(t, &lost, ok ? e : NULL)) return false;
    if (!lost || ok) return ok;
    if (e) *e = (struct err){0};
    return apply(t, c, e);
}

bool trainer_set_router(struct trainer *t, const char *name, struct err *e)
{
    struct config c = t->config;
    char text[56];
    if (!config_set_router(&c, name, e) || !trainer_apply(t, &c, e)) return false;
    if (c.router->arrival && !t->now.notice[0]) trainer_tell(t, "%s", c.router->arrival);
    snprintf(text, sizeof text, "router %s", c.router->name);
    trainer_mark(t, text);
    return true;
}

bool trainer_set_knob(struct trainer *t, const char *name, const char *value, struct err *e)
{
    struct config c = t->config;
    char text[56], shown[32];
    if (!config_set_knob(&c, name, value, e) || !trainer_apply(t, &c, e)) return false;
    int i = router_knob(c.router, name);
    snprintf(text, sizeof text, "%s=%s", name, option_show(&c.router->knobs[i], c.knob[i], shown));
    trainer_mark(t, text);
    return true;
}

bool trainer_set(struct trainer *t, const char *name, const char *value, struct err *e)
{
    struct config c = t->config;
    char text[56];
    if (!config_set(&c, name, value, e)) return false;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        bool fixed =
            config_options[i].flags & OPTION_SHAPES || i == CONFIG_SEED || i == CONFIG_TASK_SEED;
        if (fixed && c.value[i] != t->config.value[i])
            return err_set(e, ERR_USAGE,
                           "%s cannot change while the model lives; 'reset %s=%s' starts a new one",
                           config_options[i].name, config_options[i].name, value);
    }
    if (!trainer_apply(t, &c, e)) return false;
    t->lr_scale = 1, t->returns = 0; /* a person took over */
    snprintf(text, sizeof text, "%s=%s", name, value);
    trainer_mark(t, text);
    return true;
}

bool trainer_change(struct trainer *t, const struct config *c, struct err *e)
{
    return trainer_apply(t, c, e);
}

struct trainer *trainer_renew(struct trainer *t, const struct config *c, struct err *e)
{
    struct trainer *fresh = rescue_renew(t, c, e);
    if (!fresh) return NULL;
    trainer_swap(t, fresh);
    const struct trainer old = *fresh;
    if (old.focus < t->model->L) t->focus = old.focus;
    bool typed = old.own.on && old.data->shape.text == t->data->shape.text;
    if (typed && (old.data->shape.text || t->data->order)) t->own = old.own, t->own.left = 0;
    return fresh;
}

void trainer_swap(struct trainer *a, struct trainer *b)
{
    struct trainer held = *a;
    *a = *b;
    *b = held;
}
