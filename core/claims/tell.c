/* core/claims/tell.c - A claim and what came of it, as text and as an object. */
#include "core/claims/claims.h"
#include "core/metrics/report.h"

#include <stdio.h>
#include <string.h>

static void add_seeds(struct text *to, const struct claim_result *r)
{
    for (int s = 0; s < r->seeds; s++)
        text_add(to, "%s%llu", s ? "," : "", (unsigned long long)r->seed[s]);
}

void claim_experiment(const struct claim_result *r, struct text *to)
{
    const struct claim *c = r->claim;
    text_add(to, "vanpool race --data %s", c->data);
    for (int i = 0; i < CLAIM_LANES && c->lane[i]; i++) text_add(to, " --lane '%s'", c->lane[i]);
    text_add(to, " --seeds ");
    add_seeds(to, r);
    text_add(to, " --budget steps:%ld --json", r->steps);
}

/* Knobs in no paper that a lane has turned on: what they bring is not the method's alone. */
static void add_ours(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct config as;
    char shown[32];
    for (int i = 0, n = 0; i < CLAIM_LANES && c->lane[i]; i++) {
        if (!claim_lane(c, i, &as, NULL)) continue;
        for (int k = 0; as.router->knobs[k].name; k++) {
            const struct option *o = &as.router->knobs[k];
            if (!(o->flags & OPTION_OURS) || as.knob[k] == 0) continue;
            text_add(to, "%s%c %s=%s", n++ ? ", " : "", 'a' + i, o->name,
                     option_show(o, as.knob[k], shown));
        }
    }
}

/* ---- for people ---- */
static int digits_of(const char *name)
{
    const struct field *f = field_find(name, NULL);
    return f ? f->digits : 3;
}

static void text_lane(struct text *to, const struct claim_result *r, int lane)
{
    char mean[16], min[16], max[16];
    const char *comma = "";
    text_add(to, "    %c  %s\n      ", 'a' + lane, r->label[lane]);
    for (int i = 0; i < r->values; i++) {
        const struct claim_value *v = &r->value[i];
        if (v->name[0] != 'a' + lane) continue;
        struct race_range range = claim_range(r, i);
        int digits = digits_of(v->name + 2);
        text_add(to, "%s %s %s", comma, v->name + 2, text_number(mean, range.mean, digits));
        if (r->seeds > 1 && range.min < range.max)
            text_add(to, " (%s..%s)", text_number(min, range.min, digits),
                     text_number(max, range.max, digits));
        comma = ",";
    }
    text_add(to, "\n");
}

void claim_text(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct text ours = {0};
    text_add(to, "%s: %s\n", c->strategy, c->says);
    text_add(to, "  reported  %s\n            %s\n            %s\n", c->figure, c->setting,
             c->source);
    if (r->steps) {
        text_add(to, "  here      %s, %ld steps, %d seed%s: mean (least..most)\n", c->data,
                 r->steps, r->seeds, r->seeds > 1 ? "s" : "");
        for (int i = 0; i < CLAIM_LANES && c->lane[i]; i++) text_lane(to, r, i);
    }
    if (r->steps) add_ours(&ours, r);
    if (ours.size) text_add(to, "  ours      %s: in no paper\n", text_str(&ours));
    text_free(&ours);
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++) {
        text_add(to, "  %-9s %s", i ? "" : "asked", c->asks[i]);
        if (r->verdict != CLAIM_CANNOT) text_add(to, ": with %d of %d seeds", r->held[i], r->seeds);
        text_add(to, "\n");
    }
    text_add(to, "  verdict   %s: %s\n", claim_verdict_name(r->verdict), r->why);
    if (r->verdict == CLAIM_CANNOT && c->missing) text_add(to, "  missing   %s\n", c->missing);
    if (r->steps) {
        text_add(to, "  again     ");
        claim_experiment(r, to);
        text_add(to, "\n");
    }
    text_add(to, "\n");
}

/* ---- for programs ---- */
static void word(struct text *to, const char *key, const char *value)
{
    text_add(to, ",\"%s\":", key);
    if (value)
        report_string(to, value);
    else
        text_add(to, "null");
}

static void json_values(struct text *to, const struct claim_result *r)
{
    text_add(to, ",\"result\":{");
    for (int i = 0; i < r->values; i++) {
        struct race_range range = claim_range(r, i);
        const double part[] = {range.mean, range.min, range.max};
        text_add(to, "%s\"%s\":[", i ? "," : "", r->value[i].name);
        for (int k = 0; k < 3; k++) {
            text_add(to, "%s", k ? "," : "");
            report_number(to, part[k]);
        }
        text_add(to, "]");
    }
    text_add(to, "}");
}

void claim_json(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct text some = {0};
    text_add(to, "{\"type\":\"claim\"");
    word(to, "strategy", c->strategy);
    word(to, "claim", c->says);
    word(to, "reported", c->figure);
    word(to, "setting", c->setting);
    word(to, "source", c->source);
    text_add(to, ",\"lanes\":{");
    for (int i = 0; i < CLAIM_LANES && c->lane[i]; i++) {
        text_add(to, "%s\"%c\":", i ? "," : "", 'a' + i);
        report_string(to, c->lane[i]);
    }
    text_add(to, "},\"seeds\":[");
    if (r->steps) {
        add_seeds(to, r);
        claim_experiment(r, &some);
    }
    text_add(to, "]");
    word(to, "experiment", r->steps ? text_str(&some) : NULL);
    json_values(to, r);
    text_clear(&some);
    if (r->steps) add_ours(&some, r);
    word(to, "ours", some.size ? text_str(&some) : NULL);
    text_clear(&some);
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++)
        text_add(&some, "%s%s", i ? " and " : "", c->asks[i]);
    word(to, "condition", text_str(&some));
    text_add(to, ",\"held\":[");
    for (int i = 0; i < CLAIM_ASKS && c->asks[i] && r->verdict != CLAIM_CANNOT; i++)
        text_add(to, "%s%d", i ? "," : "", r->held[i]);
    text_add(to, "]");
    word(to, "verdict", claim_verdict_name(r->verdict));
    word(to, "why", r->why);
    word(to, "missing", r->verdict == CLAIM_CANNOT ? c->missing : NULL);
    text_add(to, "}\n");
    to->failed |= some.failed;
    text_free(&some);
}
