/* core/console/cmd_probe.c - Verbs that ask a model about single tokens: why these experts, what
 * other experts would do, what the best spread is; and a person's own tokens in the window. */
#include "core/console/verbs.h"
#include "core/data/sign.h"
#include "core/train/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- saying ---- */
static bool has(const uint64_t taken[2], int column)
{
    return taken[column / 64] >> column % 64 & 1;
}

static void say_taken(const uint64_t taken[2], int E, int N, struct text *out)
{
    bool some = false;
    int slots = 0;
    for (int j = 0; j < E; j++)
        if (has(taken, j)) text_add(out, " %d", j + 1), some = true;
    for (int j = E; j < N; j++) slots += has(taken, j);
    if (!some) text_add(out, " none");
    if (slots) text_add(out, " and %d slot%s", slots, slots == 1 ? "" : "s");
}

static void say_loss(const char *before, double loss, struct text *out)
{
    char shown[16];
    text_add(out, "%s%s", before, text_number(shown, loss, 3));
}

/* Each expert that was taken (or was not), with the loss where it is the other way round. */
static void say_others(const struct snap_probe *p, bool taken, struct text *out)
{
    char before[16];
    text_add(out, taken ? "\nwithout one:" : "\nwith one more:");
    for (int j = 0; j < p->E; j++) {
        if (has(p->taken, j) != taken) continue;
        snprintf(before, sizeof before, "  %d: ", j + 1);
        say_loss(before, (double)p->other[j], out);
    }
}

static void say_token(const struct snapshot *s, struct text *out)
{
    const struct snap_probe *p = &s->probe;
    text_add(out, "token %d", p->token);
    if (p->token < s->tokens) text_add(out, " (%s)", s->token[p->token].text);
    text_add(out, " in layer %d after %ld steps: ", p->layer + 1, p->step);
    say_loss("loss ", (double)p->loss, out);
    text_add(out, " nat with experts");
    say_taken(p->taken, p->E, p->N, out);
    text_add(out, "\nwith its 0 to %d best experts:", p->E);
    for (int n = 0; n <= p->E; n++) say_loss(" ", (double)p->with[n], out);
    say_others(p, true, out);
    say_others(p, false, out);
    text_add(out, "\n");
}

static void say_regret(const struct snapshot *s, struct text *out)
{
    const struct snap_regret *r = &s->regret;
    text_add(out, "%d tokens in layer %d after %ld steps, %.2f experts each\n", r->tokens,
             r->layer + 1, r->step, r->experts);
    say_loss("the rule ", r->rule, out);
    say_loss(" nat, the best spread of as many experts ", r->best, out);
    say_loss(", as many for each ", r->even, out);
    say_loss("\nregret ", r->regret, out);
    text_add(out, " nat; rule and best spread give %.0f %% of the tokens the same count\n",
             100 * r->agree);
}

/* Whole characters and line feeds as they are, other bytes by their signs: a model may write any. */
static void say_bytes(const unsigned char *byte, int n, struct text *out)
{
    for (int i = 0; i < n;) {
        char sign[16];
        sign_show(byte + i, n - i < 4 ? n - i : 4, sign, sizeof sign);
        size_t wide = strlen(sign);
        bool itself = wide <= (size_t)(n - i) && memcmp(sign, byte + i, wide) == 0;
        if (byte[i] == '\n') strcpy(sign, "\n");
        text_add(out, "%s", sign);
        i += itself && wide > 1 ? (int)wide : 1;
    }
}

static void say_written(struct console *c, struct text *out)
{
    int n, typed = console_snapshot(c)->typed.typed;
    const unsigned char *text = own_text(c->trainer, &n);
    say_bytes(text + typed, n - typed, out);
    text_add(out, "\n");
}

void work_say(struct console *c, enum probe_kind asked, struct text *out)
{
    if (asked == PROBE_TOKEN) say_token(console_snapshot(c), out);
    if (asked == PROBE_REGRET) say_regret(console_snapshot(c), out);
    if (asked == PROBE_NOTHING) say_written(c, out);
}

/* ---- asking ---- */
static bool cmd_why(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long token = c->snapshot.probe.token > 0 ? c->snapshot.probe.token : 0;
    (void)out;
    if (!verb_words(verb_named("why"), argc, 0, 1, e)) return false;
    if (argc == 2 && !verb_number("why TOKEN", argv[1], 0, &token, e)) return false;
    return probe_token(c->trainer, token < SNAP_TOKENS ? (int)token : SNAP_TOKENS, e);
}

static bool cmd_regret(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    (void)argv, (void)out;
    if (!verb_words(verb_named("regret"), argc, 0, 0, e)) return false;
    return probe_regret(c->trainer, e);
}

/* ---- own tokens ---- */
static void say_window(const struct snapshot *s, struct text *out)
{
    for (int i = 0; i < s->tokens; i++) text_add(out, "%s", s->token[i].text);
    text_add(out, "\nexperts of each in layer %d: ", s->focus + 1);
    for (int i = 0; i < s->tokens; i++) {
        int count = s->token[i].count[s->focus];
        text_add(out, "%c", count < 10 ? '0' + count : '+');
    }
    text_add(out, "\n");
}

static void say_order(const struct snapshot *s, struct text *out)
{
    const struct snap_token *t = &s->token[0];
    text_add(out, "your order needs %d: experts", t->need);
    say_taken(t->taken[s->focus], s->E, s->N, out);
    say_loss(", loss ", (double)t->loss, out);
    text_add(out, " nat, %s\n", t->right == 1 ? "right" : "not right");
}

static bool cmd_try(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long cut;
    if (argc == 1) {
        own_end(c->trainer);
        text_add(out, "the standing window again\n");
        return true;
    }
    if (!own_try(c->trainer, argc - 1, argv + 1, &cut, e)) return false;
    c->stale = true;
    const struct snapshot *s = console_snapshot(c);
    if (cut) text_add(out, "the first %d bytes; %ld more do not fit …\n", OWN_MOST, cut);
    if (s->text)
        say_window(s, out);
    else
        say_order(s, out);
    return true;
}

static bool cmd_write(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    long bytes = 200;
    double temperature = .8;
    (void)out;
    if (!verb_words(verb_named("write"), argc, 0, 2, e)) return false;
    if (argc > 1 && !verb_number("write N", argv[1], 1, &bytes, e)) return false;
    if (argc > 2) {
        char *end;
        temperature = strtod(argv[2], &end);
        if (*end || end == argv[2] || !(temperature >= 0 && temperature <= 10))
            return err_set(e, ERR_USAGE,
                           "a temperature is a number from 0 (always the likeliest byte) to 10, "
                           "not '%.40s'",
                           argv[2]);
    }
    return own_write(c->trainer, bytes, temperature, e);
}

const struct command probe_commands[] = {
    {.name = "why",
     .usage = "why [TOKEN]",
     .help = "a token's loss with other experts: fewer, more, one out, one in",
     .run = cmd_why},
    {.name = "regret",
     .usage = "regret",
     .help = "the rule's loss beside that of the best spread of as many experts",
     .run = cmd_regret},
    {.name = "try",
     .usage = "try [\"TEXT\"|TYPE...]",
     .help = "route a text of yours, or an order of item types 1 to 8; alone: no more",
     .run = cmd_try},
    {.name = "write",
     .usage = "write [N [TEMPERATURE]]",
     .help = "the model writes N bytes behind the text that is shown",
     .run = cmd_write},
    {.name = NULL},
};
