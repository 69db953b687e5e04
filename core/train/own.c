/* core/train/own.c - A person's own tokens in the window's place: text is shown from its newest
 * whole pieces of the model's context, so that what was routed keeps its place while the model
 * writes on; an order stands before the others. */
#include "core/train/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- typing ---- */
static void set_text(struct own *o, int words, char *const *word, long *cut)
{
    long all = 0;
    int n = 0;
    for (int i = 0; i < words; i++) {
        size_t size = strlen(word[i]), room = (size_t)(OWN_MOST - n);
        if (i > 0 && all++ < OWN_MOST) o->byte[n++] = ' ', room = (size_t)(OWN_MOST - n);
        memcpy(o->byte + n, word[i], size < room ? size : room);
        n += (int)(size < room ? size : room), all += (long)size;
    }
    o->typed = n;
    *cut = all - n;
}

static bool set_types(struct own *o, int words, char *const *word, struct err *e)
{
    unsigned seen = 0;
    int type[DATA_ITEMS] = {0};
    for (int i = 0; i < words; i++) {
        char *end;
        long value = strtol(word[i], &end, 10);
        if (*end || end == word[i] || value < 1 || value > DATA_ITEMS)
            return err_set(e, ERR_USAGE,
                           "an item type is a number from 1 to %d, not '%.40s': try 1 3 5 makes an "
                           "order of three items",
                           DATA_ITEMS, word[i]);
        if (seen >> value & 1)
            return err_set(e, ERR_USAGE,
                           "an order has at most one item of a type: %ld is there "
                           "twice",
                           value);
        seen |= 1u << value;
        type[i] = (int)value - 1;
    }
    memcpy(o->type, type, sizeof type);
    o->types = words;
    o->number++;
    return true;
}

bool own_try(struct trainer *t, int words, char *const *word, long *cut, struct err *e)
{
    struct own o = t->own;
    *cut = 0;
    bool text = t->data->shape.text, empty = words == 0 || (words == 1 && !*word[0]);
    if (empty) return err_set(e, ERR_USAGE, "there is nothing between the quotes to be routed");
    if (!text && !t->data->order)
        return err_set(e, ERR_USAGE, "%s takes nothing that is typed", t->data->label);
    if (!text && !set_types(&o, words, word, e)) return false;
    if (text) set_text(&o, words, word, cut);
    o.on = true;
    o.written = o.left = o.first = 0;
    t->own = o;
    return true;
}

void own_end(struct trainer *t)
{
    t->own.on = false;
    t->own.left = t->own.written = t->own.typed = t->own.first = 0;
    t->now.typed = (struct snap_own){0};
}

/* ---- the window ---- */
static void fill_text(struct trainer *t)
{
    struct own *o = &t->own;
    struct batch *b = &t->batch;
    int sequences, context, all = o->typed + o->written;
    trainer_window_shape(t, &sequences, &context);
    while (all - o->first > sequences * context) o->first += context;
    int n = all - o->first;
    b->context = n < context ? n : context;
    b->sequences = (n + b->context - 1) / b->context;
    b->T = b->sequences * b->context;
    for (int i = 0; i < b->T; i++) {
        const unsigned char *byte = o->byte + o->first + i;
        b->ids[i] = i < n ? byte[0] : 0;
        b->label[i] = i + 1 < n ? byte[1] : -1;
        b->need[i] = b->kind[i] = -1;
        b->count[i] = 0;
        b->id[i] = -1; /* of no file */
    }
}

void own_fill(struct trainer *t)
{
    if (t->data->shape.text)
        fill_text(t);
    else
        t->data->order(t->data, t->own.number, t->own.type, t->own.types, &t->batch);
    trainer_input(t);
}

void own_tell(struct trainer *t)
{
    const struct own *o = &t->own;
    struct snapshot *s = &t->now;
    bool text = t->data->shape.text;
    s->typed = (struct snap_own){.on = o->on};
    if (!o->on) return;
    s->typed.typed = text ? o->typed : o->types;
    s->typed.written = o->written, s->typed.left = o->left, s->typed.first = o->first;
    if (!text) {
        snprintf(s->token[0].text, sizeof s->token[0].text, "yours");
        return;
    }
    int n = o->typed + o->written - o->first;
    if (s->tokens > n) s->tokens = n; /* the last piece is padded */
    if (s->detail > n) s->detail = n;
    for (int i = 0; i < s->tokens; i++) s->token[i].id = o->first + i;
}

/* ---- writing ---- */

/* With nothing typed the model goes on from the start of the standing window. */
static void take_window(struct trainer *t)
{
    struct own *o = &t->own;
    trainer_settle(t);
    trainer_fill_window(t);
    int n = t->batch.context;
    for (int i = 0; i < n; i++) o->byte[i] = (unsigned char)t->batch.ids[i];
    o->typed = n, o->written = o->first = 0;
    o->on = true;
}

bool own_write(struct trainer *t, long bytes, double temperature, struct err *e)
{
    struct own *o = &t->own;
    if (!sample_possible(t, e)) return false;
    if (!o->on) take_window(t);
    int room = OWN_ROOM - o->typed - o->written;
    if (bytes > room)
        return err_set(
            e, ERR_USAGE,
            "%ld bytes more do not fit behind the %d that are there: %d do; try \"TEXT\" "
            "starts anew",
            bytes, o->typed + o->written, room);
    o->left = (int)bytes;
    o->temperature = temperature;
    if (o->written == 0)
        o->draw = rng_at((uint64_t)t->config.value[CONFIG_SEED], RNG_SAMPLE, (uint32_t)t->step);
    return true;
}

bool own_busy(const struct trainer *t)
{
    return t->own.on && t->own.left > 0;
}

bool own_piece(struct trainer *t, struct err *e)
{
    struct own *o = &t->own;
    struct batch *b = &t->batch;
    if (!own_busy(t)) return true;
    if (!sample_possible(t, e)) { /* another rule came */
        if (e) trainer_tell(t, "writing ended: %s", e->text);
        return o->left = 0, false;
    }
    int all = o->typed + o->written, n = all < t->context ? all : t->context;
    trainer_settle(t);
    t->fresh = false;
    for (int i = 0; i < n; i++) b->ids[i] = o->byte[all - n + i], b->label[i] = -1, b->count[i] = 0;
    if (!sample_next(t, n, o->temperature, &o->draw, &o->byte[all], NULL, e)) {
        if (e) trainer_tell(t, "writing ended: %s", e->text);
        return o->left = 0, false;
    }
    o->written++, o->left--;
    return true;
}

const unsigned char *own_text(const struct trainer *t, int *bytes)
{
    *bytes = t->own.on && t->data->shape.text ? t->own.typed + t->own.written : 0;
    return t->own.byte;
}
