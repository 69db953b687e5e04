/* core/console/cmd_keep.c - What was measured, kept under a name, to be compared with what comes
 * later. */
#include "core/console/verbs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool name_ok(const char *name, struct err *e)
{
    bool ok = isalpha((unsigned char)name[0]) && strlen(name) < sizeof((struct snap_kept *)0)->name;
    for (const char *c = name; *c; c++) ok = ok && (isalnum((unsigned char)*c) || *c == '_');
    return ok ||
           err_set(e, ERR_USAGE,
                   "a run is kept under 1 to 15 letters or digits, a letter first, not '%.40s'",
                   name);
}

static void fill(struct snap_kept *k, const struct snapshot *s, const char *name)
{
    *k = (struct snap_kept){.step = s->step, .router = s->router};
    snprintf(k->name, sizeof k->name, "%s", name);
    snprintf(k->label, sizeof k->label, "%.30s, %.30s", s->data, s->run_label);
    for (int i = 0; i < SNAP_FIELDS; i++)
        k->field[i] = i < snapshot_field_count ? field_get(&snapshot_fields[i], s) : NAN;
    memcpy(k->rule, s->rule, sizeof k->rule);
    memcpy(k->losses, s->losses, sizeof k->losses);
}

static bool list(const struct console *c, struct text *out)
{
    char loss[16], right[16], experts[16];
    for (int i = 0; i < SNAP_KEPT; i++) {
        const struct snap_kept *k = &c->kept[i];
        if (!*k->name) continue;
        text_add(out, "%-15s step %ld  %s", k->name, k->step, k->label);
        for (int f = 0; f < snapshot_field_count; f++) {
            const char *name = snapshot_fields[f].name;
            if (strcmp(name, "val_loss") == 0) text_number(loss, k->field[f], 4);
            if (strcmp(name, "val_accuracy") == 0) text_number(right, k->field[f], 4);
            if (strcmp(name, "val_experts_per_token") == 0) text_number(experts, k->field[f], 2);
        }
        text_add(out, ": validation loss %s, accuracy %s, experts per token %s\n", loss, right,
                 experts);
    }
    if (out->size == 0) text_add(out, "no run is kept: keep NAME keeps the one of now\n");
    return true;
}

/* The oldest goes where there is no room; the same name is taken over. */
static bool cmd_keep(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    if (!verb_words(verb_named("keep"), argc, 0, 1, e)) return false;
    if (argc == 1) return list(c, out);
    if (!name_ok(argv[1], e)) return false;
    console_snapshot(c);
    if (!trainer_evaluate(c->trainer, 0, &c->snapshot, e)) return false;
    int at = 0;
    while (at < SNAP_KEPT && *c->kept[at].name && strcmp(c->kept[at].name, argv[1]) != 0) at++;
    if (at == SNAP_KEPT) {
        memmove(c->kept, c->kept + 1, sizeof *c->kept * (SNAP_KEPT - 1));
        at = SNAP_KEPT - 1;
    }
    fill(&c->kept[at], &c->snapshot, argv[1]);
    text_add(out, "kept as %s: step %ld of %s\n", argv[1], c->snapshot.step, c->kept[at].label);
    return true;
}

const struct command keep_commands[] = {
    {.name = "keep",
     .usage = "keep [NAME]",
     .help = "measure on the validation split and keep it all as NAME: show NAME.val_accuracy",
     .run = cmd_keep},
    {.name = NULL},
};
