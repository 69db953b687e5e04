/* core/metrics/report.c - Lines made of a snapshot. Keys are the fields' names; what is not known
 * is null, never 0. */
#include "core/metrics/report.h"
#include "core/base/json.h"

#include <stdio.h>
#include <string.h>

/* ---- pieces ---- */
/* "knobs":{"p":0.4,...}: a strategy's. */
static void knobs(struct text *to, const struct router *r, const double *knob)
{
    json_put_open(to, "knobs", '{');
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++)
        json_put_number(to, r->knobs[i].name, knob[i]);
    json_put_close(to, '}');
}

static void begin(struct text *to, const char *type, const char *lane)
{
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", type);
    if (lane) json_put_string(to, "lane", lane);
}

static void end(struct text *to)
{
    json_put_close(to, '}');
    text_put(to, "\n", 1);
}

static void fields(struct text *to, const struct snapshot *s, bool val)
{
    for (int i = 0; i < snapshot_field_count; i++)
        if (snapshot_fields[i].val == val)
            json_put_number(to, snapshot_fields[i].name, field_get(&snapshot_fields[i], s));
}

static void losses(struct text *to, const struct snapshot *s)
{
    json_put_open(to, "losses", '{');
    for (int i = 0; i < ROUTER_LOSSES && s->router->losses[i].pressure; i++)
        json_put_number(to, s->router->losses[i].pressure, s->losses[i]);
    json_put_close(to, '}');
}

/* The strategy's scalars, the means of those per token, and lists of those per expert or column. */
static void rule(struct text *to, const struct snapshot *s)
{
    json_put_open(to, "router", '{');
    for (int i = 0; i < ROUTER_METRICS && s->router->metrics[i].name; i++) {
        const struct router_metric *metric = &s->router->metrics[i];
        char layers[64];
        switch (metric->kind) {
        case METRIC_PER_TOKEN_COLUMN:
            break;
        case METRIC_PER_EXPERT:
            json_put_floats(to, metric->name, s->rule_column[i], s->E, 1);
            break;
        case METRIC_PER_COLUMN:
            json_put_floats(to, metric->name, s->rule_column[i], s->N, 1);
            break;
        case METRIC_SCALAR:
        case METRIC_PER_TOKEN:
            json_put_number(to, metric->name, s->rule[i]);
            break;
        case METRIC_PER_LAYER:
            snprintf(layers, sizeof layers, "%s_by_layer", metric->name);
            json_put_number(to, metric->name, s->rule[i]);
            json_put_floats(to, layers, s->rule_layer[i], s->L, 1);
            break;
        }
    }
    json_put_close(to, '}');
}

/* Tokens class by class, and which experts are taken by the same tokens. */
static void picks(struct text *to, const struct snapshot *s, const struct snap_picks *p)
{
    char name[16];
    json_put_number(to, "layer", p->layer + 1);
    json_put_open(to, "classes", '[');
    for (int k = 0; k < SNAP_KINDS; k++) {
        if (isnan(p->share[k])) continue;
        json_put_open(to, NULL, '{');
        json_put_string(to, "class", snapshot_kind(s, k, name));
        json_put_number(to, "share", (double)p->share[k]);
        json_put_number(to, "accuracy", (double)p->right[k]);
        json_put_number(to, "loss", (double)p->loss[k]);
        json_put_floats(to, "experts", &p->experts[0][k], s->L, SNAP_KINDS);
        json_put_floats(to, "taken", p->column[k], s->N, 1);
        json_put_close(to, '}');
    }
    json_put_close(to, ']');
    json_put_open(to, "together", '[');
    for (int i = 0; i < s->E; i++) json_put_floats(to, NULL, p->together[i], s->E, 1);
    json_put_close(to, ']');
}

/* ---- lines ---- */
void report_start(struct text *to, const struct snapshot *s, const char *lane)
{
    begin(to, "start", lane);
    json_put_string(to, "schema", "vanpool/1");
    json_put_string(to, "version", VANPOOL_VERSION);
    json_put_string(to, "data", s->data);
    json_put_string(to, "strategy", s->router->name);
    knobs(to, s->router, s->knob);
    json_put_number(to, "seed", (double)s->seed);
    json_put_string(to, "backend", s->backend);
    json_put_string(to, "simd", s->simd);
    json_put_number(to, "threads", s->threads);
    json_put_number(to, "experts", s->E);
    json_put_number(to, "layers", s->L);
    json_put_number(to, "width", s->D);
    json_put_number(to, "expert_width", s->H);
    json_put_number(to, "context", s->context);
    json_put_number(to, "params", s->params);
    json_put_number(to, "tokens_per_step", s->tokens_per_step);
    end(to);
}

void report_step(struct text *to, const struct snapshot *s, const char *lane)
{
    begin(to, "step", lane);
    json_put_number(to, "step", (double)s->step);
    fields(to, s, false);
    losses(to, s);
    knobs(to, s->router, s->knob);
    rule(to, s);
    end(to);
}

void report_end(struct text *to, const struct snapshot *s, const char *lane)
{
    begin(to, "end", lane);
    json_put_number(to, "step", (double)s->step);
    fields(to, s, true);
    json_put_number(to, "flops_per_token", s->flops_per_token);
    json_put_number(to, "expert_flops_per_token", s->expert_flops_per_token);
    json_put_number(to, "train_flops_per_token", s->train_flops_per_token);
    json_put_number(to, "tokens_per_s", s->wall_s > 0 ? s->tokens_seen / s->wall_s : NAN);
    json_put_number(to, "wall_s", s->wall_s);
    json_put_number(to, "tokens", s->tokens_seen);
    json_put_number(to, "skipped_steps", s->skipped_steps);
    json_put_string(to, "strategy", s->router->name);
    json_put_number(to, "seed", (double)s->seed);
    picks(to, s, &s->val_picks);
    end(to);
}

/* ---- rows for people ---- */
void report_row_head(struct text *to)
{
    text_add(to, "%8s %8s %9s %9s %6s %6s %6s %9s %8s\n", "step", "loss", "accuracy", "experts",
             "rho", "load", "dead", "tok/s", "ms/step");
}

static void cell(struct text *to, int width, double value, int digits)
{
    char shown[32];
    text_number(shown, value, digits);
    int seen = strcmp(shown, "–") == 0 ? 1 : (int)strlen(shown);
    text_add(to, " %*s%s", width > seen ? width - seen : 0, "", shown);
}

void report_row(struct text *to, const struct snapshot *s)
{
    char speed[32];
    text_add(to, "%8ld", s->step);
    cell(to, 8, s->loss, 3);
    cell(to, 9, s->accuracy, 3);
    cell(to, 9, s->experts_per_token, 2);
    cell(to, 6, s->count_need_rho, 2);
    cell(to, 6, s->load_max_over_mean, 2);
    cell(to, 6, s->dead_experts, 0);
    text_add(to, " %9s", text_count(speed, s->tokens_per_s));
    cell(to, 8, s->step_ms, 2);
    text_add(to, "\n");
}
