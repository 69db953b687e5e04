#ifndef CORE_CONSOLE_VERBS_H
#define CORE_CONSOLE_VERBS_H
/* What console.c (the handle), line.c (a line is run), undo and the verbs share: the console's
 * inside, and the tables of cmd_*.c that verbs.c joins into one. */
#include "core/console/console.h"
#include "core/console/journal.h"
#include "core/console/scenario.h"
#include "core/console/undo.h"
#include "core/script/script.h"
#include "core/train/probe.h"
#include "core/train/race_live.h"
#include "core/train/thermostat.h"

enum { CONSOLE_SCRIPTS = 8 };

struct console {
    struct trainer *trainer;
    struct snapshot snapshot;
    bool stale;  /* the trainer has moved on since `snapshot` was measured */
    bool routed; /* when it was, the window was, too */
    long goal;   /* the step at which training stops; -1: none */
    bool paused, quit;
    double size[CONFIG_COUNT]; /* settings that wait for `reset`, where waiting has their bit */
    unsigned waiting;
    struct script script[CONSOLE_SCRIPTS]; /* opened by `source`, innermost last */
    int scripts;
    struct race_live *race; /* the newest; NULL: there was none. The model rests while it is on */
    struct race raced;      /* what it was, for another */
    bool rested;            /* the model was paused when it began, and is again when it ends */
    bool scripted;          /* the line being run came from a script */
    bool endless;           /* it trained without end when a script came, and will again */
    bool in_script;         /* the same, while it is run */
    bool held;              /* a person said pause: scripts wait too */
    bool pieces;            /* see console_leave_work */
    struct scenario_state scenario;
    struct undo_list *undo; /* [2]: changes, and those that were taken back */
    struct undo looked;     /* what there was before the line that is run */
    struct trainer *parked; /* the one that this line has replaced; NULL: none */
    int depth;              /* lines that run others */
    int models;             /* fresh ones so far */
    struct journal journal;
    struct snap_kept kept[SNAP_KEPT];
    struct record *record; /* NULL: none is written */
    long made;             /* steps since it began */
    struct policy *policy; /* of a class; NULL: none */
    struct thermostat aim; /* what keeps a count; off: none */
};

/* Each ends with .name NULL. */
extern const struct command train_commands[];
extern const struct command route_commands[];
extern const struct command show_commands[];
extern const struct command keep_commands[];
extern const struct command file_commands[];
extern const struct command probe_commands[];
extern const struct command race_commands[];
extern const struct command engine_commands[];
extern const struct command scenario_commands[];
extern const struct command aim_commands[];
extern const struct command record_commands[];
extern const struct command state_commands[];
extern const struct command fleet_commands[];
extern const struct command time_commands[];
extern const struct command face_commands[];

/* Into the record, where there is one: a line that went well, what was measured (every hundred
 * steps, or where it is wanted). */
void record_line(struct console *c, const char *line);
void record_sample(struct console *c, bool wanted);
/* What there is to say when the last piece is made: the answer, or what was written. */
void work_say(struct console *c, enum probe_kind asked, struct text *out);
/* The trainer's config, with what waits for `reset`. */
struct config console_config(const struct console *c);
/* A trainer that was replaced, until the line is done: undo brings it back. */
void console_park(struct console *c, struct trainer *old);
/* A fresh model of this config in the trainer's place; on error all stays as it was. */
bool console_renew(struct console *c, const struct config *to, struct err *e);
/* A script was opened: training without end stops for it; `goes_on`: until it is over. */
void console_scripted(struct console *c, bool goes_on);
/* A fresh model of its data without what was named before, but for seed and machine. */
bool console_clean(struct console *c, struct err *e);
/* A checkpoint's model in the trainer's place; on error all stays as it was. */
bool console_load(struct console *c, const char *path, struct err *e);
/* A whole number of at least `least`. */
bool verb_number(const char *what, const char *word, long least, long *to, struct err *e);
/* Refuses words beyond `most` (the command's own not counted) or fewer than `least`, with the
 * usage. */
bool verb_words(const struct command *of, int argc, int least, int most, struct err *e);
const struct command *verb_named(const char *name); /* in the whole table; must be there */

/* All that was measured of one van, from 0 (fleet_card.c). */
void fleet_tell_van(const struct snapshot *s, int van, struct text *out);
void aim_step(struct console *c); /* after every step (cmd_aim.c) */
/* The race is over: the model goes on as it was. */
void race_leave(struct console *c);
/* What `engine compare` has found. */
void engine_say(struct console *c, struct text *out);

typedef void verb_add(void *to, const char *word);
void complete_strategies(verb_add *add, void *to);
void complete_knobs(const struct router *r, const char *end, verb_add *add, void *to);
#endif
