/* tui/cli/sample.c - `sample CKPT`: text from a trained text model, with the experts that each
 * character took. */
#include "core/base/json.h"
#include "core/train/trainer.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum marks { MARKS_NONE, MARKS_COLOR, MARKS_DIGITS, MARKS_JSON };
struct writing {
    enum marks marks;
    struct text out;
    char letter[8]; /* an unfinished UTF-8 sequence */
    int bytes, wanted;
    double experts; /* sum over its bytes */
    bool begun;     /* something was written */
    struct err err;
};

/* Bytes that a UTF-8 sequence beginning with `c` has; 0: none begins so. */
static int sequence(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* One character and its mean number of experts, in the form that was asked for. */
static void put_letter(struct writing *w)
{
    double experts = w->experts / w->bytes;
    bool shown = w->wanted == w->bytes &&
                 ((unsigned char)w->letter[0] >= ' ' || w->letter[0] == '\n') &&
                 w->letter[0] != 127;
    w->letter[w->bytes] = 0;
    const char *text = shown ? w->letter : "\xef\xbf\xbd"; /* U+FFFD for what is no character */
    switch (w->marks) {
    case MARKS_NONE:
        text_add(&w->out, "%s", text);
        break;
    case MARKS_COLOR: { /* background by count, as in the view `tokens` */
        static const int heat[] = {53, 24, 30, 36, 113, 220};
        int level = (int)fmin(fmax(round(experts) - 1, 0), 5);
        if (*text == '\n')
            text_add(&w->out, "\033[0m\n");
        else
            text_add(&w->out, "\033[48;5;%dm\033[38;5;%dm%s\033[0m", heat[level],
                     level > 3 ? 16 : 231, text);
        break;
    }
    case MARKS_DIGITS:
        text_add(&w->out, "%s%.0f", *text == '\n' ? "\n" : text, fmin(round(experts), 9));
        break;
    case MARKS_JSON:
        json_put_open(&w->out, NULL, '{');
        json_put_string(&w->out, "type", "character");
        json_put_string(&w->out, "text", text);
        json_put_number(&w->out, "experts", experts);
        text_add(&w->out, "}\n");
    }
    w->bytes = 0, w->experts = 0;
}

static bool emit(void *to, unsigned char byte, double experts)
{
    struct writing *w = to;
    w->begun = true;
    if (w->bytes > 0 && (byte & 0xc0) != 0x80) put_letter(w); /* the one before was cut */
    if (w->bytes == 0) w->wanted = sequence(byte);
    w->letter[w->bytes++] = (char)byte;
    w->experts += experts;
    if (w->bytes >= w->wanted) put_letter(w);
    return out_put(&w->out, &w->err) && out_interrupts() == 0;
}

static bool marks_of(const struct flags *f, enum marks *to, struct err *e)
{
    const char *color = f->color ? f->color : "auto", *no = getenv("NO_COLOR");
    bool always = strcmp(color, "always") == 0, automatic = strcmp(color, "auto") == 0;
    if (!always && !automatic && strcmp(color, "never") != 0)
        return err_set(e, ERR_USAGE, "--color is one of auto, always, never, not '%.40s'", color);
    bool colored = always || (automatic && isatty(STDOUT_FILENO) && !(no && *no));
    *to = f->json ? MARKS_JSON : !f->counts ? MARKS_NONE : colored ? MARKS_COLOR : MARKS_DIGITS;
    return true;
}

bool cli_sample(const struct flags *f, struct err *e)
{
    struct writing w = {0};
    struct config c;
    uint64_t seed = f->drawing >= 0 ? (uint64_t)f->drawing : 1;
    if (!f->operands.count)
        return err_set(
            e, ERR_USAGE,
            "sample needs a checkpoint: vanpool sample FILE, written by train --save FILE");
    if (!marks_of(f, &w.marks, e)) return false;
    if (!flags_override(f, f->operands.at[0], &c, e)) return false;
    struct trainer *t = trainer_revive(f->operands.at[0], &c, e);
    if (!t) return false;
    out_catch_interrupt();
    bool ok = trainer_sample(t, f->prompt ? f->prompt : "", f->tokens > 0 ? f->tokens : 400,
                             isnan(f->temperature) ? 0.8 : f->temperature, seed, emit, &w, e);
    if (ok && w.err.code) ok = (*e = w.err, false);
    if (ok && out_interrupts()) ok = err_set(e, ERR_INTERRUPTED, "interrupted");
    if (w.bytes > 0) put_letter(&w);
    if (w.begun && w.marks != MARKS_JSON) text_add(&w.out, "\n");
    ok = out_put(&w.out, ok ? e : NULL) && ok;
    text_free(&w.out);
    trainer_close(t);
    return ok;
}
