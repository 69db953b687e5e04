#ifndef TESTS_PTY_PTY_H
#define TESTS_PTY_PTY_H
/* The program in a terminal of our own: what it writes is drawn on a screen in memory, as a
 * terminal would, and its modes are read from the other side. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

enum { VISIT_WIDEST = 1000, VISIT_HIGHEST = 500 };
struct visit {
    pid_t pid;
    int fd;
    struct termios before; /* its modes as the program found them */
    int width, height, x, y, top, bottom, saved_x, saved_y;
    char (*cell)[8]; /* UTF-8, row by row, VISIT_WIDEST a row */
    char last[8];
    bool wraps;                               /* the cursor stands behind the last column */
    bool other, hidden, mouse, paste, keypad; /* modes that the program must give back */
    bool coloured, beyond_ascii, escapes;     /* what has been written so far */
    char partial[64];                         /* an escape sequence on its way */
    size_t partial_size, written;
};

/* Starts argv (NULL-terminated) in a terminal of this size; `name=value` words before it go into
 * its environment, `name` alone leaves it. */
void visit_open(struct visit *v, int width, int height, const char *const *argv);
/* The program under test, with its arguments behind: VANPOOL of the environment, or ./vanpool. */
const char *visit_program(void);
/* For the child of a test that is no program: true in the child. */
bool visit_fork(struct visit *v, int width, int height);
void visit_press(struct visit *v, const char *keys);
void visit_write(struct visit *v, const char *bytes, size_t n); /* reads meanwhile */
void visit_resize(struct visit *v, int width, int height);
/* Takes what comes for so long, or until nothing came for `quiet` seconds. */
void visit_pass(struct visit *v, double seconds, double quiet);
bool visit_sees(struct visit *v, const char *what, double seconds); /* until it is on the screen */
bool visit_shows(const struct visit *v, const char *what);
/* The screen as lines. In memory of its own, until the next call. */
const char *visit_screen(const struct visit *v);
/* Waits for its end; its wait status, or -1: it is still there. */
int visit_end(struct visit *v, double seconds);
/* What of the terminal was not given back, in words; NULL: nothing. */
const char *visit_left(struct visit *v);
void visit_close(struct visit *v); /* ends what still runs */
double visit_clock(void);
#endif
