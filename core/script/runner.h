#ifndef CORE_SCRIPT_RUNNER_H
#define CORE_SCRIPT_RUNNER_H
/* A lesson being taken: a state machine fed by snapshots. It says command lines (what `start`
 * wants), ticks what is expected, keeps what a person guessed, and tells the page. It belongs to a
 * face; it never touches the model. */
#include "core/script/ask.h"
#include "core/script/lesson.h"

enum { RUNNER_CHECKS = 12, RUNNER_ASKS = 4 };

struct runner_check {
    struct expect condition;
    char words[96], means[96]; /* the condition; what it means, "" it speaks for itself */
    long since;                /* see expect_lasts */
    bool now, ticked;          /* holds now; has held as long as it has to */
};
struct runner_ask {
    struct ask ask;
    double guess; /* NaN: none yet */
    double truth; /* what was true when the page's checks came true; NaN: they have not */
};
struct runner {
    const struct lesson *lesson; /* NULL: no lesson is open */
    int page, hints;             /* hints shown on this page */
    bool playing;                /* checks rest while a person plays */
    bool plain_words;            /* {van|expert}: the second, instead of the first */
    bool keys;                   /* the face has keys: `a` answers */
    bool blanks;                 /* on paper: unknown numbers are left to be filled in */
    struct runner_check check[RUNNER_CHECKS];
    int checks;
    struct runner_ask ask[RUNNER_ASKS];
    int asks;
    const struct lesson_part *saying; /* whose lines runner_says hands out */
    bool clean;                       /* all is to begin anew before the first page does */
    int saying_page, said;            /* of the page, or of one before that was not taken */
    char line[96];                    /* the last line handed out */
    char watch[24];                   /* the view that the page wants looked at, "" none */
};

/* The lesson must outlive the runner. */
void runner_open(struct runner *r, const struct lesson *l, int page);
bool runner_turn(struct runner *r, int by); /* pages; false: there is none */
void runner_restart(struct runner *r); /* the page from its beginning: its `start` is said again */
/* Says first what the pages from `from` on would have done (`solved`: its start is through), then what
 * this page begins with: it finds the runs that it speaks of, wherever somebody comes in. */
void runner_catch_up(struct runner *r, int from, bool solved);
/* Looks at what was measured. True: a tick or a truth changed. */
bool runner_feed(struct runner *r, const struct snapshot *s);
bool runner_done(const struct runner *r); /* all that the page expects has come true */
bool runner_last(const struct runner *r); /* no page follows */
/* The next command line that the lesson wants said. False: none. */
bool runner_says(struct runner *r, char *line, int size);
/* The page's solution, to be said likewise (`solve`). */
void runner_solve(struct runner *r);
/* A guess at the first open question of the page. It is judged by what is measured when the page's
 * checks have come true. False: e. */
bool runner_answer(struct runner *r, const char *words, const struct snapshot *s, struct text *out,
                   struct err *e);
const struct runner_ask *runner_open_ask(const struct runner *r); /* NULL: all are answered */
/* The next hint, and behind the last one the page's own way; false: there is neither. */
bool runner_hint(struct runner *r, struct text *out);

/* The page in words: prose with its live numbers, questions, checks with their ticks, hints shown. */
void runner_tell(const struct runner *r, const struct snapshot *s, struct text *out);
/* Its checks alone. */
void runner_tell_checks(const struct runner *r, struct text *out);
/* What a page that has come true adds to what was read: how the guesses fared, and what it says of the
 * runs that were kept. For faces whose page does not change under the reader's eyes. */
void runner_tell_outcome(const struct runner *r, const struct snapshot *s, struct text *out);
/* A text with {FIELD} replaced by its value now, {a|b} by one of the two. s NULL: values are "–". */
void runner_words(const struct runner *r, const struct snapshot *s, const char *text,
                  struct text *out);
#endif
