/* core/metrics/report.c - Lines made of a snapshot. Keys are the fields' names; what is not known
 * is null, never 0. */
#include "core/metrics/report.h"

#include <string.h>

/* ---- pieces ---- */
void report_number(struct text *to, double value)
{
    if (!isfinite(value))
        text_add(to, "null");
    else if (value == floor(value) && fabs(value) < 1e15)
        text_add(to, "%.0f", value + 0.0);
    else
        text_add(to, "%.7g", value);
}

void report_string(struct text *to, const char *value)
{
    text_add(to, "\"");
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            text_add(to, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            text_add(to, "\\u%04x", c);
        else
            text_put(to, value, 1);
    }
    text_add(to, "\"");
}

void report_knobs(struct text *to, const struct router *r, const double *knob)
{
    text_add(to, "{");
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++) {
        text_add(to, "%s\"%s\":", i ? "," : "", r->knobs[i].name);
        report_number(to, knob[i]);
    }
    text_add(to, "}");
}

static void open_object(struct text *to, const char *type, const char *lane)
{
    text_add(to, "{\"type\":\"%s\"", type);
    if (!lane) return;
    text_add(to, ",\"lane\":");
    report_string(to, lane);
}

static void word(struct text *to, const char *key, const char *value)
{
    text_add(to, ",\"%s\":", key);
    report_string(to, value);
}

static void number(struct text *to, const char *key, double value)
{
    text_add(to, ",\"%s\":", key);
    report_number(to, value);
}

static void fields(struct text *to, const struct snapshot *s, bool val)
{
    for (int i = 0; i < snapshot_field_count; i++)
        if (snapshot_fields[i].val == val)
            number(to, snapshot_fields[i].name, field_get(&snapshot_fields[i], s));
}

static void losses(struct text *to, const struct snapshot *s)
{
    text_add(to, ",\"losses\":{");
    for (int i = 0; i < ROUTER_LOSSES && s->router->losses[i].pressure; i++) {
        text_add(to, "%s\"%s\":", i ? "," : "", s->router->losses[i].pressure);
        report_number(to, s->losses[i]);
    }
    text_add(to, "}");
}

static void layers(struct text *to, const char *name, const float *value, int L)
{
    text_add(to, ",\"%s_by_layer\":", name);
    for (int l = 0; l < L; l++) {
        text_add(to, "%s", l ? "," : "[");
        report_number(to, (double)value[l]);
    }
    text_add(to, "]");
}

/* The strategy's scalars, the means of those per token, and lists of those per expert or column. */
static void rule(struct text *to, const struct snapshot *s)
{
    const char *comma = "";
    text_add(to, ",\"router\":{");
    for (int i = 0; i < ROUTER_METRICS && s->router->metrics[i].name; i++) {
        const struct router_metric *metric = &s->router->metrics[i];
        if (metric->kind == METRIC_PER_TOKEN_COLUMN) continue;
        text_add(to, "%s\"%s\":", comma, metric->name);
        comma = ",";
        bool columns = metric->kind == METRIC_PER_EXPERT || metric->kind == METRIC_PER_COLUMN;
        int n = metric->kind == METRIC_PER_EXPERT ? s->E : s->N;
        for (int j = 0; columns && j < n; j++) {
            text_add(to, "%s", j ? "," : "[");
            report_number(to, (double)s->rule_column[i][j]);
        }
        if (columns)
            text_add(to, "]");
        else
            report_number(to, s->rule[i]);
        if (metric->kind == METRIC_PER_LAYER) layers(to, metric->name, s->rule_layer[i], s->L);
    }
    text_add(to, "}");
}

static void list(struct text *to, const char *key, const float *value, int n, int stride)
{
    if (key) text_add(to, ",\"%s\":", key);
    for (int i = 0; i < n; i++) {
        text_add(to, "%s", i ? "," : "[");
        report_number(to, (double)value[(size_t)i * (size_t)stride]);
    }
    text_add(to, "]");
}

/* Tokens class by class, and which experts are taken by the same tokens. */
static void picks(struct text *to, const struct snapshot *s, const struct snap_picks *p)
{
    char name[16];
    const char *comma = "";
    number(to, "layer", p->layer + 1);
    text_add(to, ",\"classes\":[");
    for (int k = 0; k < SNAP_KINDS; k++) {
        if (isnan(p->share[k])) continue;
        text_add(to, "%s{\"class\":", comma);
        comma = ",";
        report_string(to, snapshot_kind(s, k, name));
        number(to, "share", (double)p->share[k]);
        number(to, "accuracy", (double)p->right[k]);
        number(to, "loss", (double)p->loss[k]);
        list(to, "experts", &p->experts[0][k], s->L, SNAP_KINDS);
        list(to, "taken", p->column[k], s->N, 1);
        text_add(to, "}");
    }
    text_add(to, "],\"together\":[");
    for (int i = 0; i < s->E; i++) {
        text_add(to, "%s", i ? "," : "");
        list(to, NULL, p->together[i], s->E, 1);
    }
    text_add(to, "]");
}

/* ---- lines ---- */
void report_start(struct text *to, const struct snapshot *s, const char *lane)
{
    open_object(to, "start", lane);
    text_add(to, ",\"schema\":\"vanpool/1\",\"version\":\"%s\"", VANPOOL_VERSION);
    word(to, "data", s->data);
    word(to, "strategy", s->router->name);
    text_add(to, ",\"knobs\":");
    report_knobs(to, s->router, s->knob);
    number(to, "seed", (double)s->seed);
    word(to, "backend", s->backend);
    word(to, "simd", s->simd);
    number(to, "threads", s->threads);
    number(to, "experts", s->E);
    number(to, "layers", s->L);
    number(to, "width", s->D);
    number(to, "expert_width", s->H);
    number(to, "context", s->context);
    number(to, "params", s->params);
    number(to, "tokens_per_step", s->tokens_per_step);
    text_add(to, "}\n");
}

void report_step(struct text *to, const struct snapshot *s, const char *lane)
{
    open_object(to, "step", lane);
    number(to, "step", (double)s->step);
    fields(to, s, false);
    losses(to, s);
    text_add(to, ",\"knobs\":");
    report_knobs(to, s->router, s->knob);
    rule(to, s);
    text_add(to, "}\n");
}

void report_end(struct text *to, const struct snapshot *s, const char *lane)
{
    open_object(to, "end", lane);
    number(to, "step", (double)s->step);
    fields(to, s, true);
    number(to, "flops_per_token", s->flops_per_token);
    number(to, "expert_flops_per_token", s->expert_flops_per_token);
    number(to, "train_flops_per_token", s->train_flops_per_token);
    number(to, "tokens_per_s", s->wall_s > 0 ? s->tokens_seen / s->wall_s : NAN);
    number(to, "wall_s", s->wall_s);
    number(to, "tokens", s->tokens_seen);
    number(to, "skipped_steps", s->skipped_steps);
    word(to, "strategy", s->router->name);
    number(to, "seed", (double)s->seed);
    picks(to, s, &s->val_picks);
    text_add(to, "}\n");
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
