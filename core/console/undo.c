/* core/console/undo.c - Two stacks of changes. Memory is bounded: so many lines, and of whole models
 * that were replaced the newest two. */
#include "core/console/undo.h"
#include "core/console/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */
/* The first n entries go; states before the trainers that they are of. */
static void drop(struct undo_list *l, int n)
{
    for (int i = 0; i < n; i++) moment_close(l->at[i].moment);
    for (int i = 0; i < n; i++) trainer_close(l->at[i].parked), journal_free(&l->at[i].journal);
    l->count -= n;
    memmove(l->at, l->at + n, (size_t)l->count * sizeof *l->at);
}

static void push(struct undo_list *l, const struct undo *u)
{
    int parked = u->parked != NULL, first = 0;
    for (int i = l->count - 1; i >= 0 && !first; i--) {
        parked += l->at[i].parked != NULL;
        if (parked > UNDO_PARKED) first = i + 1;
    }
    if (!first && l->count == UNDOS) first = 1;
    drop(l, first);
    l->at[l->count++] = *u;
}

/* Everything that is kept goes; states of either list may be of a trainer that the other keeps. */
static void forget_all(struct console *c)
{
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < c->undo[k].count; i++)
            moment_close(c->undo[k].at[i].moment), c->undo[k].at[i].moment = NULL;
    for (int k = 0; k < 2; k++) drop(&c->undo[k], c->undo[k].count);
    moment_close(c->looked.moment);
    journal_free(&c->looked.journal);
    c->looked = (struct undo){0};
}

void undo_close(struct console *c)
{
    if (c->undo) forget_all(c);
    free(c->undo);
    c->undo = NULL;
}

/* ---- before and after a line ---- */
static void look(struct console *c, const char *line, struct undo *u)
{
    *u = (struct undo){
        .config = *trainer_config(c->trainer), .waiting = c->waiting, .journal = c->journal};
    u->journal.lines = (struct text){0};
    text_add(&u->journal.lines, "%s", text_str(&c->journal.lines));
    memcpy(u->size, c->size, sizeof u->size);
    snprintf(u->line, sizeof u->line, "%s", line + strspn(line, " \t"));
    u->line[strcspn(u->line, "\r\n")] = 0;
}

void undo_forget(struct console *c, const char *line)
{
    forget_all(c);
    trainer_close(c->parked);
    c->parked = NULL;
    look(c, line, &c->looked);
}

bool undo_look(struct console *c, const char *line, bool weights, struct err *e)
{
    moment_close(c->looked.moment);
    journal_free(&c->looked.journal);
    look(c, line, &c->looked);
    return !weights || (c->looked.moment = moment_take(c->trainer, e)) != NULL;
}

static bool same(const struct console *c, const struct undo *u)
{
    const struct config *a = &u->config, *b = trainer_config(c->trainer);
    return a->router == b->router && a->paper == b->paper &&
           memcmp(a->value, b->value, sizeof a->value) == 0 &&
           memcmp(a->knob, b->knob, sizeof a->knob) == 0 &&
           memcmp(&a->fleet, &b->fleet, sizeof a->fleet) == 0 && u->waiting == c->waiting &&
           memcmp(u->size, c->size, sizeof u->size) == 0;
}

void undo_keep(struct console *c, bool ok)
{
    struct undo *u = &c->looked;
    u->parked = c->parked, c->parked = NULL;
    if (u->parked || (ok && (u->moment || !same(c, u)))) {
        push(&c->undo[0], u);
        drop(&c->undo[1], c->undo[1].count);
    } else {
        moment_close(u->moment);
        journal_free(&u->journal);
    }
    *u = (struct undo){0};
}

/* ---- back and forth ---- */
static bool restore(struct console *c, struct undo *u, struct undo *now, struct err *e)
{
    if (u->parked) {
        trainer_swap(c->trainer, u->parked);
        now->parked = u->parked, u->parked = NULL;
        c->models++;
    } else if (u->moment) {
        long was = trainer_now(c->trainer);
        if (!(now->moment = moment_take(c->trainer, e))) return false;
        if (!moment_put(c->trainer, u->moment, e)) {
            moment_close(now->moment);
            return false;
        }
        long now_at = trainer_now(c->trainer);
        past_cut(c->trainer, now_at > was ? 0 : now_at); /* forward: nothing kept leads there */
        moment_close(u->moment), u->moment = NULL;
    } else if (!trainer_change(c->trainer, &u->config, e)) {
        return false;
    }
    memcpy(c->size, u->size, sizeof c->size);
    c->waiting = u->waiting;
    return true;
}

/* A run that goes on has been changed back; one that is brought back has its own story. */
static void tell_journal(struct console *c, struct undo *u, bool other, bool again)
{
    char undo[] = "undo", redo[] = "redo", *word = again ? redo : undo;
    if (other) {
        journal_free(&c->journal);
        c->journal = u->journal;
    } else {
        journal_note(&c->journal, trainer_now(c->trainer), 1, &word);
        journal_free(&u->journal);
    }
}

bool undo_step(struct console *c, bool again, struct text *out, struct err *e)
{
    struct undo_list *from = &c->undo[again], *to = &c->undo[!again];
    struct undo now;
    char mark[80];
    if (!from->count)
        return err_set(e, ERR_USAGE, again ? "nothing was taken back" : "nothing to take back");
    struct undo u = from->at[from->count - 1];
    long was = trainer_now(c->trainer);
    bool other = u.parked || u.moment;
    look(c, u.line, &now);
    if (!restore(c, &u, &now, e)) {
        journal_free(&now.journal);
        return false;
    }
    tell_journal(c, &u, other, again);
    from->count--;
    push(to, &now);
    long step = trainer_now(c->trainer);
    if (c->goal >= 0 && step != was) c->goal = step;
    if (step != was) snapshot_clear(&c->snapshot);
    snprintf(mark, sizeof mark, "%s: %s", again ? "again" : "back", u.line);
    trainer_mark(c->trainer, mark);
    text_add(out, "%s%s%s\n", again ? "done again: " : "taken back: ", u.line,
             step != was ? "; this is the state of then" : "");
    return true;
}
