/* core/claims/tell.c - A claim and what came of it, as text and as an object. */
#include "core/claims/claims.h"
#include "core/base/json.h"

#include <stdio.h>
#include <string.h>

static void add_seeds(struct text *to, const struct claim_result *r)
{
    for (int s = 0; s < r->seeds; s++)
        text_add(to, "%s%llu", s ? "," : "", (unsigned long long)r->seed[s]);
}

/* The race that anybody can repeat it with. */
static void experiment(const struct claim_result *r, struct text *to)
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
            text_add(to, "%s%c %s=%s", n++ ? ", " : "in no paper: ", 'a' + i, o->name,
                     option_show(o, as.knob[k], shown));
        }
    }
}

/* ---- for people ---- */
enum { WIDE = 100, INDENT = 12 };

/* A label and what it says, broken between words; *label empty: the line before goes on. */
static void say(struct text *to, const char *label, const char *words)
{
    int at = INDENT;
    text_add(to, "  %-*s", INDENT - 2, label);
    while (*words) {
        int n = (int)strcspn(words, " ");
        if (at > INDENT && at + 1 + n > WIDE) {
            text_add(to, "\n%*s", INDENT, "");
            at = INDENT;
        }
        text_add(to, "%s%.*s", at > INDENT ? " " : "", n, words);
        at += n + (at > INDENT);
        words += n + (words[n] == ' ');
    }
    text_add(to, "\n");
}

static int digits_of(const char *name)
{
    const struct field *f = field_find(name, NULL);
    return f ? f->digits : 3;
}

static void say_lane(struct text *to, const struct claim_result *r, int lane)
{
    char mean[16], min[16], max[16];
    struct text line = {0};
    const char *comma = "";
    text_add(to, "  %c  %s\n", 'a' + lane, r->label[lane]);
    for (int i = 0; i < r->values; i++) {
        const struct claim_value *v = &r->value[i];
        if (v->name[0] != 'a' + lane) continue;
        struct race_range range = claim_range(r, i);
        int digits = digits_of(v->name + 2);
        text_add(&line, "%s%s %s", comma, v->name + 2, text_number(mean, range.mean, digits));
        if (r->seeds > 1 && range.min < range.max)
            text_add(&line, " (%s..%s)", text_number(min, range.min, digits),
                     text_number(max, range.max, digits));
        comma = ", ";
    }
    say(to, "", text_str(&line));
    text_free(&line);
}

static void say_asked(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++) {
        text_add(to, "  %-*s%s", INDENT - 2, i ? "" : "asked", c->asks[i]);
        if (r->verdict != CLAIM_CANNOT)
            text_add(to, ": held with %d of %d seed%s", r->held[i], r->seeds,
                     r->seeds > 1 ? "s" : "");
        text_add(to, "\n");
    }
}

void claim_text(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct text line = {0};
    text_add(to, "%s: %s\n", c->strategy, c->says);
    say(to, "reported", c->figure);
    say(to, "", c->setting);
    say(to, "", c->source);
    if (r->steps) {
        text_add(to, "  %-*s%s, %ld steps, %d seed%s\n", INDENT - 2, "here", c->data, r->steps,
                 r->seeds, r->seeds > 1 ? "s: mean (least..most)" : "");
        for (int i = 0; i < CLAIM_LANES && c->lane[i]; i++) say_lane(to, r, i);
        add_ours(&line, r);
    }
    if (line.size) say(to, "ours", text_str(&line));
    text_clear(&line);
    say_asked(to, r);
    text_add(&line, "%s: %s", claim_verdict_name(r->verdict), r->why);
    say(to, "verdict", text_str(&line));
    if (r->verdict == CLAIM_CANNOT && c->missing) say(to, "missing", c->missing);
    text_clear(&line);
    if (r->steps) {
        experiment(r, &line);
        text_add(to, "  %-*s%s\n", INDENT - 2, "again", text_str(&line));
    }
    text_add(to, "\n");
    text_free(&line);
}

/* ---- for programs ---- */
static void json_values(struct text *to, const struct claim_result *r)
{
    json_put_open(to, "result", '{');
    for (int i = 0; i < r->values; i++) {
        struct race_range range = claim_range(r, i);
        race_range_json(to, r->value[i].name, &range);
    }
    json_put_close(to, '}');
}

void claim_json(struct text *to, const struct claim_result *r)
{
    const struct claim *c = r->claim;
    struct text some = {0};
    json_put_open(to, NULL, '{');
    json_put_string(to, "type", "claim");
    json_put_string(to, "strategy", c->strategy);
    json_put_string(to, "claim", c->says);
    json_put_string(to, "reported", c->figure);
    json_put_string(to, "setting", c->setting);
    json_put_string(to, "source", c->source);
    json_put_open(to, "lanes", '{');
    for (int i = 0; i < CLAIM_LANES && c->lane[i]; i++)
        json_put_string(to, (char[]){(char)('a' + i), 0}, c->lane[i]);
    json_put_close(to, '}');
    json_put_open(to, "seeds", '[');
    if (r->steps) {
        add_seeds(to, r);
        experiment(r, &some);
    }
    json_put_close(to, ']');
    json_put_string(to, "experiment", r->steps ? text_str(&some) : NULL);
    json_values(to, r);
    text_clear(&some);
    if (r->steps) add_ours(&some, r);
    json_put_string(to, "ours", some.size ? text_str(&some) : NULL);
    text_clear(&some);
    for (int i = 0; i < CLAIM_ASKS && c->asks[i]; i++)
        text_add(&some, "%s%s", i ? " and " : "", c->asks[i]);
    json_put_string(to, "condition", text_str(&some));
    json_put_open(to, "held", '[');
    for (int i = 0; i < CLAIM_ASKS && c->asks[i] && r->verdict != CLAIM_CANNOT; i++)
        json_put_number(to, NULL, r->held[i]);
    json_put_close(to, ']');
    json_put_string(to, "verdict", claim_verdict_name(r->verdict));
    json_put_string(to, "why", r->why);
    json_put_string(to, "missing", r->verdict == CLAIM_CANNOT ? c->missing : NULL);
    text_add(to, "}\n");
    to->failed |= some.failed;
    text_free(&some);
}
