#ifndef TUI_VIEWS_VIEW_H
#define TUI_VIEWS_VIEW_H
/* A view answers one question about what is training. It is a pure function of a scene into a
 * canvas, and the same answer in sentences. One file and one line of views.c each. */
#include "core/metrics/snapshot.h"
#include "core/script/runner.h"
#include "tui/screen/canvas.h"
#include "tui/views/history.h"
#include "tui/views/pins.h"

struct scene {
    const struct snapshot *now; /* NULL: nothing has come yet */
    const struct history *past; /* curves */
    const struct pins *pins;    /* runs beside them; NULL: none */
    int cursor;                 /* token under the cursor, index in now->token */
    int layer;                  /* the layer looked at */
    int scroll;                 /* lines, for long pages */
    bool log_axis;
    int zoom;                    /* why: 0 the choice, 1 its arithmetic */
    int knob;                    /* the knob that +/- turn: index in router->knobs */
    const char *topic;           /* help: what was asked for, or NULL */
    const struct runner *lesson; /* the lesson that is open; NULL or its lesson NULL: none */
    const char *lessons;         /* their list, a line each; NULL: not known */
};

/* What of the keys means something in a view. */
enum view_use { VIEW_CURSOR = 1, VIEW_SCROLL = 2, VIEW_LOG = 4, VIEW_LAYER = 8 };
struct view {
    const char *name;
    char key; /* '1'..'9', '?' */
    const char *title, *question;
    unsigned uses;       /* of enum view_use */
    const char *explain; /* `e`: the view in plain words, a few sentences */
    /* any size; drops detail before it fails */
    void (*draw)(struct canvas *to, const struct scene *s);
    /* the same answer in sentences, a fact a line */
    void (*tell)(struct text *to, const struct scene *s);
    /* Command lines that are said when somebody begins and ends to look; NULL: none. */
    const char *enter, *leave;
};
const struct view *view_at(int i); /* the table; NULL past the end */
const struct view *view_find(const char *name, struct err *e);

/* The whole screen around a view, as in the explorer: status line, framed view, Knobs and Now
 * panels where there is room, the last line (`prompt` is what is typed, NULL: the hint and the keys
 * that work now). */
struct frame {
    const struct view *view;
    const char *prompt;
    int prompt_cursor;
    const char *hint;
    bool presenter;
    bool can_undo, can_go_back; /* there is something to take back, a view to go back to */
    bool quiet;                 /* the snapshot's notice is an old one: it is not shown */
    bool paper;                 /* for an export: no lines for hints and keys */
};
void frame_draw(struct canvas *to, const struct scene *s, const struct frame *f);
enum { FRAME_LEAST_WIDTH = 40, FRAME_LEAST_HEIGHT = 12 }; /* below: one sentence */
#endif
