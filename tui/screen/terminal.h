#ifndef TUI_SCREEN_TERMINAL_H
#define TUI_SCREEN_TERMINAL_H
/* The person's terminal: taken over, drawn on, read from, and given back as it was, whatever ends
 * the program. The only user of ncurses. A process has one terminal, so there is no handle. */
#include "core/base/err.h"
#include "tui/screen/canvas.h"
#include "tui/screen/theme.h"

/* What a person may force; AUTO asks the terminal, the locale and NO_COLOR. */
enum terminal_color { TERMINAL_COLOR_AUTO, TERMINAL_COLOR_ALWAYS, TERMINAL_COLOR_NEVER };
enum terminal_charset {
    TERMINAL_CHARSET_AUTO,
    TERMINAL_CHARSET_ASCII,
    TERMINAL_CHARSET_BLOCK,
    TERMINAL_CHARSET_BRAILLE
};

/* Takes the terminal over; fails with ERR_TERMINAL (and has written nothing) where the cursor
 * cannot be moved. From here on SIGINT, SIGTERM and SIGHUP end the program by way of terminal_wait;
 * a crash gives the terminal back by itself. */
bool terminal_open(enum terminal_color color, enum terminal_charset charset, struct err *e);
void terminal_close(void); /* gives it back; also at exit; harmless when it was never opened */

/* What is forced can change while it is open; all is drawn again. */
void terminal_color(enum terminal_color to);
void terminal_theme(const struct theme *to); /* also before it is open; at first theme auto */
void terminal_letters(enum terminal_charset to);

/* Clicks, drags and the wheel come as keys from now on, or no more; with Shift held they stay the
 * terminal's own. Nothing happens where the terminal knows no mouse. */
void terminal_mouse(bool on);

/* Its size now, in cells, and the characters it can show. */
void terminal_size(int *width, int *height);
enum charset terminal_charset(void);

/* Shows a canvas of its size, writing only the cells that changed since the last one. The cursor
 * stands at (x, y); x < 0 hides it. */
void terminal_draw(const struct canvas *c, int x, int y);
void terminal_repaint(void); /* the next terminal_draw writes every cell */

/* Waits for something to happen, at most `ms` milliseconds (-1: for ever). Ctrl-Z is served inside.
 */
enum terminal_event {
    TERMINAL_KEYS = 1,        /* terminal_key has something */
    TERMINAL_RESIZED = 2,     /* or all of it must be drawn anew */
    TERMINAL_INTERRUPTED = 4, /* SIGINT, SIGTERM or SIGHUP: end now */
    TERMINAL_GONE = 8,        /* nobody is there any more: end now */
};
int terminal_wait(int ms); /* a sum of events, 0: time is up */

/* The next key that was pressed. name: "a", "é", "Space", "Up", "Ctrl-L", "Esc" ...; bytes: what a
 * line editor reads. */
struct terminal_key {
    char name[16], bytes[8];
    int x,
        y; /* of "Mouse-Down", "Mouse-Drag", "Mouse-Up", "Mouse-Before" and "Mouse-Next" (wheel) */
};
bool terminal_key(struct terminal_key *to); /* false: no more */
/* What a key named "Paste" stands for: its beginning, and how many bytes the whole had. */
const char *terminal_pasted(size_t *size);
#endif
