#ifndef TUI_GUIDE_GUIDE_H
#define TUI_GUIDE_GUIDE_H
/* What every face needs to guide a person through lessons: which there are, the one that is open,
 * the words next, back, hint, answer..., and how far somebody has come. */
#include "core/script/runner.h"

enum { GUIDE_LESSONS = 64 };

struct guide {
    struct runner runner;
    struct lesson lesson; /* the open one; runner.lesson is NULL where none is */
    char folder[512];     /* lessons of somebody else's; "" the program's own */
    char answer[64], view[24];
    char note[8][160]; /* remarks for the record, oldest first */
    int notes;
    bool moved; /* another page or another view is wanted: the face looks */
};
void guide_close(struct guide *g); /* accepts a zeroed one */

/* A lesson's text by its place in the list. False: none, or e where it cannot be read. */
struct lesson_source {
    char name[256]; /* the file's, for sentences */
    const char *text;
    char *own; /* to free, NULL: the program's own */
};
bool guide_source(const struct guide *g, int i, struct lesson_source *to, struct err *e);
void guide_source_free(struct lesson_source *s);
/* Opens by number ("7") or name or its beginning ("topp"), at the page reached before where `on`. */
bool guide_open(struct guide *g, const char *which, bool on, struct err *e);
/* The table of lessons with their marks: done, begun. */
bool guide_list(const struct guide *g, bool json, struct text *out, struct err *e);

/* The words of a lesson: lesson, next, back, hint, answer, play, solve, words. False: not one of
 * them. *ok: it went well, else e. */
bool guide_line(struct guide *g, int argc, char **argv, const struct snapshot *s, struct text *out,
                bool *ok, struct err *e);
/* The next command line that the page wants said. False: none; behind the last one the page looks at
 * what was measured. */
bool guide_says(struct guide *g, const struct snapshot *s, char *line, int size);
/* The next remark for the record, as a command line. False: none. */
bool guide_note(struct guide *g, char *line, int size);
/* Looks at a snapshot; a page whose checks have all ticked is remembered. True: something ticked. */
bool guide_feed(struct guide *g, const struct snapshot *s);

/* The page that is open: its title and its words. `s` may be NULL. */
void guide_page(const struct guide *g, const struct snapshot *s, struct text *out);
/* "x loss < 0.5": checks as they stand, a line each. */
void guide_checks(const struct guide *g, struct text *out);
/* The same, and once all have ticked what the page has to say then. */
void guide_outcome(const struct guide *g, const struct snapshot *s, struct text *out);

/* ---- progress.c: in the XDG state folder, one small JSON file ---- */
struct progress {
    int page;  /* reached, from 0; -1: never opened */
    bool done; /* its last page's checks came true */
};
void progress_read(const char *lesson, struct progress *to); /* no file: never opened */
bool progress_write(const char *lesson, const struct progress *p, struct err *e);
#endif
