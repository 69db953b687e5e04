#ifndef CORE_SCRIPT_LESSON_H
#define CORE_SCRIPT_LESSON_H
/* A lesson: a Markdown file, read with cmark, that reads well anywhere. Front matter says what it
 * is; each heading of the second level begins a page; fenced blocks with one of the words of
 * lesson_part_names do something. lessons/README.md tells the format. */
#include "core/base/err.h"
#include "core/base/text.h"

enum lesson_part_kind {
    LESSON_PROSE,   /* what is read, without its marks */
    LESSON_FORMULA, /* lines kept as they are */
    LESSON_START,   /* commands said when the page opens */
    LESSON_DO,      /* the solution, in the same words */
    LESSON_WATCH,   /* the view to look at */
    LESSON_EXPECT,  /* conditions, one a line: core/script/expect.h */
    LESSON_PREDICT, /* a question asked before the run, and what its answer is measured by */
    LESSON_HINT,    /* shown on asking, one after the other */
    LESSON_QUIZ,    /* a question; "- " begins a wrong answer, "+ " a right one, "> " says why */
    LESSON_NOTES,   /* for who teaches */
    LESSON_PARTS
};
extern const char *const lesson_part_names[LESSON_PARTS]; /* NULL: not a fence's word */

enum {
    LESSON_PAGES = 12,
    LESSON_PAGE_PARTS = 24,
    LESSON_MOST = 64 << 10, /* bytes of a file */
};
struct lesson_part {
    enum lesson_part_kind kind;
    int line; /* of the file, from 1 */
    char *text;
};
struct lesson_page {
    char *title;
    struct lesson_part part[LESSON_PAGE_PARTS];
    int parts;
};
struct lesson {
    int number;                /* from the file's name, NN-name.md; -1: none */
    char name[48];             /* "03-live" */
    char title[80], needs[80]; /* needs: what to know before, "" nothing */
    char strategy[24];         /* that it is about, "" none */
    double minutes;            /* for a person */
    struct lesson_page page[LESSON_PAGES];
    int pages;
};

/* Reads a lesson from memory. `name`: its file's name, for sentences ("FILE:LINE: ..."). False: e
 * says file, line and reason; *to is empty. What stands in the text is never trusted. */
bool lesson_read(struct lesson *to, const char *name, const char *text, size_t size, struct err *e);
/* What a lesson says must be sayable: commands and conditions are looked up, quizzes have a right
 * answer, something is expected, and so on. The first fault, with file and line. */
bool lesson_lint(const struct lesson *l, struct err *e);
void lesson_close(struct lesson *l); /* accepts a zeroed one */

/* The part of that kind on a page, after `after` (NULL: the first); NULL: none. */
const struct lesson_part *lesson_part(const struct lesson_page *p, enum lesson_part_kind kind,
                                      const struct lesson_part *after);
/* Cuts what an 'expect' line says in words ("FIELD OP VALUE # words") off the condition; returns the
 * words, "" where there are none. */
char *lesson_remark(char *line);
/* The next line of a part's text that is not empty and no comment; *at starts at 0. */
bool lesson_line(const struct lesson_part *p, int *at, char *line, int size);
#endif
