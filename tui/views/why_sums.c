/* tui/views/why_sums.c - The arithmetic of one choice, from the token's numbers to what the experts
 * add to it. Every number was read back from the model in one piece; where a strategy makes its
 * logits in its own way, both the plain product and the logit are shown, and nothing is made up
 * between them. */
#include "tui/views/why.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *subject(char *to, const struct snapshot *now, int column)
{
    return rule_column(to, now, column);
}

static void add_number(struct text *to, double value, int digits)
{
    char shown[32];
    text_add(to, "%s", facts_number(shown, value, digits));
}

/* "1.20·0.31 - 0.88·0.25 + … 60 more = 0.512" */
static void add_terms(struct text *to, const struct snap_column *c, int D, int terms)
{
    double rest = (double)c->dot;
    int shown = D < terms ? D : terms;
    for (int i = 0; i < shown; i++) {
        double x = (double)c->x[i], w = (double)c->w[i];
        rest -= x * w;
        text_add(to, "%s%.2f·%.3f",
                 i           ? (x * w < 0 ? " - " : " + ")
                 : x * w < 0 ? "-"
                             : "",
                 fabs(x), fabs(w));
    }
    if (D > shown) text_add(to, " %s %.3f (%d more)", rest < 0 ? "-" : "+", fabs(rest), D - shown);
    text_add(to, " = ");
    add_number(to, (double)c->dot, 3);
}

static void sums_logits(struct text *to, const struct scene *s, const struct snap_probe *p,
                        int columns, int terms)
{
    char name[32];
    text_add(to, "1. x · w for each %s; |x| ", facts_words(s->now)->expert);
    add_number(to, (double)p->x, 2);
    text_add(to, " is the stream, |u| ");
    add_number(to, (double)p->stream, 2);
    text_add(to, ", after its norm.\n");
    for (int k = 0; k < p->columns && k < columns; k++) {
        const struct snap_column *c = &p->column[k];
        double logit = (double)p->logit[c->column];
        text_add(to, "   %s: ", subject(name, s->now, c->column));
        if (isnan(c->dot)) {
            text_add(to, "z ");
            add_number(to, logit, 3);
            text_add(to, " (through hidden units)\n");
            continue;
        }
        add_terms(to, c, s->now->D, terms);
        double cosine = (double)c->dot / ((double)p->x * (double)c->length);
        if (fabs((double)c->dot - logit) > 1e-3 * (1 + fabs(logit))) {
            bool is_cosine = fabs(cosine - logit) < 2e-3;
            text_add(to,
                     is_cosine ? "; over |x| |w| = %.2f·%.2f: cosine "
                               : ", and with what the strategy adds: z ",
                     (double)p->x, (double)c->length);
            add_number(to, logit, 3);
        }
        text_add(to, "\n");
    }
}

/* Softmax: the sum over all columns, as the rule's sharpness has it. */
static void sums_softmax(struct text *to, const struct scene *s, const struct snap_probe *p,
                         int columns)
{
    const struct router *r = s->now->router;
    char name[32];
    double tau = r->temperature ? s->now->knob[r->temperature - 1] : 1, sum = 0;
    for (int j = 0; j < p->N; j++) sum += exp((double)p->logit[j] / tau);
    text_add(to, "2. Softmax: P = exp(z");
    if (tau != 1) text_add(to, " / %.2f", tau);
    text_add(to, ") over the sum of all %d, ", p->N);
    add_number(to, sum, 3);
    text_add(to, ".\n");
    for (int k = 0; k < p->columns && k < columns; k++) {
        int j = p->column[k].column;
        double raised = exp((double)p->logit[j] / tau), prob = (double)p->prob[j];
        text_add(to, "   %s: ", subject(name, s->now, j));
        if (fabs(raised / sum - prob) < 1e-3) {
            text_add(to, "exp(%.3f%s) = ", (double)p->logit[j], tau != 1 ? " / τ" : "");
            add_number(to, raised, 3);
            text_add(to, ", ");
        } else {
            text_add(to, "in the strategy's own way ");
        }
        text_add(to, "P ");
        add_number(to, prob, 3);
        if (fabs((double)p->score[j] - prob) > 1e-6)
            text_add(to, ", with its bias %.3f: ", (double)p->score[j] - prob),
                add_number(to, (double)p->score[j], 3);
        text_add(to, "\n");
    }
}

/* "σ(4.00 · 0.418) = 0.842"; without the inside where the rule's steepness is not known. */
static void add_squashed(struct text *to, const struct scene *s, double logit, double score)
{
    double tau = rule_value(s->now, "tau");
    if (fabs(1 / (1 + exp(-tau * logit)) - score) < 2e-3)
        text_add(to, "σ(%.2f · %.3f) = ", tau, logit);
    else
        text_add(to, "of z %.3f: ", logit);
    add_number(to, score, 3);
}

static void sums_scores(struct text *to, const struct scene *s, const struct snap_probe *p,
                        int columns)
{
    char name[32];
    bool bars = s->now->router->bars != NULL;
    text_add(to, bars ? "2. A score between 0 and 1, and the bar that it must pass.\n"
                      : "2. ReLU: what is below 0 becomes 0.\n");
    for (int k = 0; k < p->columns && k < columns; k++) {
        int j = p->column[k].column;
        text_add(to, "   %s: ", subject(name, s->now, j));
        if (bars) {
            add_squashed(to, s, (double)p->logit[j], (double)p->score[j]);
            text_add(to, ", bar %.3f", (double)p->bar[j]);
        } else {
            text_add(to, "relu(%.3f) = ", (double)p->logit[j]);
            add_number(to, (double)p->score[j], 3);
        }
        text_add(to, "\n");
    }
}

static void sums_rule(struct text *to, const struct scene *s, const struct snap_probe *p)
{
    char name[32];
    int n = 0;
    text_add(to, "3. The rule: %s It takes", s->now->router->rule ? s->now->router->rule : "");
    for (int j = 0; j < p->N; j++)
        if (p->taken[j / 64] >> j % 64 & 1)
            text_add(to, "%s %s", n++ ? "," : "", subject(name, s->now, j));
    text_add(to, n ? ".\n" : " none.\n");
}

static void sums_output(struct text *to, const struct scene *s, const struct snap_probe *p)
{
    char name[32];
    double gates = 0;
    int n = 0;
    text_add(to, "4. Gate · |what it says|:");
    for (int j = 0; j < p->N; j++) {
        if (!(p->taken[j / 64] >> j % 64 & 1)) continue;
        gates += (double)p->gate[j];
        text_add(to, "%s %s: %.3f", n++ ? "," : "", subject(name, s->now, j), (double)p->gate[j]);
        if (j < p->E) text_add(to, "·%.2f", (double)p->said[j]);
    }
    text_add(to, n ? "; the gates sum to %.3f.\n   Together |y| " : " nothing.\n   Together |y| ",
             gates);
    add_number(to, (double)p->sum, 2);
    text_add(to, s->now->S ? ", added to the stream (slots and shared experts not counted).\n"
                           : ", added to the stream (shared experts not counted).\n");
    text_add(to, "5. In the end a loss of ");
    add_number(to, (double)p->loss, 3);
    text_add(to, " nat a prediction, after %s steps.\n", facts_whole(name, (double)p->step));
}

/* The best column alone. */
static void sums_brief(struct text *to, const struct scene *s, const struct snap_probe *p)
{
    char name[32], step[32];
    int best = p->column[0].column, n = 0, said = 0;
    text_add(to, "x·w of %s: %.3f (|x| %.2f)\n", subject(name, s->now, best),
             (double)p->logit[best], (double)p->x);
    text_add(to, "%s %.3f\ntakes", s->now->router->softmax ? "its P" : "its score",
             (double)(s->now->router->softmax ? p->prob : p->score)[best]);
    for (int j = 0; j < p->N; j++)
        if (p->taken[j / 64] >> j % 64 & 1)
            text_add(to, "%s %s", n++ ? "," : "", subject(name, s->now, j));
    text_add(to, "%s\ngate·|said|:", n ? "" : " none");
    for (int j = 0; j < p->E; j++)
        if (p->taken[j / 64] >> j % 64 & 1)
            text_add(to, "%s %s %.2f·%.1f", said++ ? "," : "", subject(name, s->now, j),
                     (double)p->gate[j], (double)p->said[j]);
    text_add(to, "%s\n|y| %.2f into a stream of %.2f\nloss ", said ? "" : " –", (double)p->sum,
             (double)p->stream);
    add_number(to, (double)p->loss, 3);
    text_add(to, " nat, after %s steps\n", facts_whole(step, (double)p->step));
}

void why_sums(struct text *to, const struct scene *s, int columns, int terms)
{
    const struct snap_probe *p = why_answer(s);
    if (!p) {
        text_add(to, "– the numbers were asked for and have not come yet\n");
        return;
    }
    if (columns == 0) {
        sums_brief(to, s, p);
        return;
    }
    sums_logits(to, s, p, columns, terms);
    if (s->now->router->softmax)
        sums_softmax(to, s, p, columns);
    else
        sums_scores(to, s, p, columns);
    sums_rule(to, s, p);
    sums_output(to, s, p);
}
