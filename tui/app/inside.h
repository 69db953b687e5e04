#ifndef TUI_APP_INSIDE_H
#define TUI_APP_INSIDE_H
/* What app.c (the loop), actions.c (what keys do), face.c (a face's commands), wish.c (command
 * lines) and popup.c share. */
#include "core/session/session.h"
#include "tui/app/app.h"
#include "tui/app/palette.h"
#include "tui/guide/desk.h"
#include "tui/guide/guide.h"
#include "tui/prompt/watch.h"
#include "tui/views/view.h"

enum { WISHES = 32 };

/* A command line on its way to the session. Answers come in the order of the wishes. */
struct wish {
    bool typed; /* by the person: what it says is shown */
};

enum popup_kind { POPUP_NONE, POPUP_PAGE, POPUP_CHOOSER, POPUP_PALETTE };
struct popup {
    enum popup_kind kind;
    char title[64];
    struct text page;
    int scroll, choice;
    unsigned locked; /* strategies that a class's rules lock, a bit each */
    struct palette palette;
};

struct app {
    struct session *session;
    struct snapshot now; /* the newest, with knobs as they were last wished */
    bool any, ended;     /* a snapshot has come; the session is over */
    struct err why;      /* why it is over */
    struct history past;
    struct pins pins;
    struct scene scene;
    struct frame frame;
    const struct view *before; /* where Esc leads; NULL: nowhere */
    char hint[256];            /* the last line until the next key */
    char topic[64];            /* what help was asked on */
    bool typing;               /* the prompt is open */
    struct popup popup;
    struct canvas canvas;
    struct zones zones;  /* of what is drawn: what a click means */
    struct zone dragged; /* what the button went down on; .what "": nothing */

    struct wish wish[WISHES]; /* oldest first, without an answer yet */
    int wishes;
    const struct router *wished; /* the strategy asked for; NULL: the one that runs */

    struct guide guide;
    struct watch watch;
    char watched[512];             /* what is watched, as it stands in the last line */
    struct text lessons;           /* their list */
    struct desk desk;              /* the teacher's second terminal */
    struct export_beside *picture; /* one that is being drawn, NULL: none */

    double asked, asked_regret;     /* when the view why asked last */
    double token_took, regret_took; /* seconds until the answer was there */
    bool asks, asks_regret;         /* and has not heard yet */
    int asked_token, asked_layer;
    double noticed;   /* when the newest notice came */
    bool stale;       /* the screen does not show what is */
    double listening; /* until when a paused session is listened to */
    bool quit;
    int code;
};

/* Says a command line to the session, or does what a face does itself. `typed`: by the person. */
void wish_say(struct app *a, const char *line, bool typed);
bool wish_answers(struct app *a); /* takes what has come; true: something has */

/* The view why asks by itself: at once where it looks at another token, and again when the weights
 * have moved on. */
void app_ask(struct app *a);
/* To where the answer of a command line will be shown; false: nowhere in particular. */
bool app_look(struct app *a, const char *command, int argc, char **argv);

/* What the mouse does with what is drawn. kind: a name that terminal_key gives. */
void mouse_event(struct app *a, const char *kind, int x, int y);

/* Lessons (lesson.c): a command line of theirs (false: it is none), what the open page wants said
 * by itself, and the view that it wants looked at. */
bool app_lesson_line(struct app *a, int argc, char **argv);
void app_lesson_chosen(struct app *a);
void app_lesson_tick(struct app *a, bool snapshot); /* snapshot: a new one has come */
void app_lesson_begin(struct app *a, const struct app_options *o); /* before the first step */

void app_present(struct app *a); /* the notes, where somebody presents */

/* What a key or a face's command does. */
void action_key(struct app *a, const char *key);
bool action_run(struct app *a, const char *action);     /* by its name in keys.c; false: none */
void action_prompt(struct app *a, const char *typed);   /* the prompt, with this in it */
bool action_face(struct app *a, int argc, char **argv); /* false: not a face's command */
void action_layer(struct app *a, int layer);
void action_view(struct app *a, const struct view *to);
void action_help(struct app *a);                     /* to the help, or back from it */
void action_shift(struct app *a, int by);            /* the page or the cursor, as far as it goes */
void app_pins(struct app *a, int argc, char **argv); /* pin, pins, unpin */
void app_picture(struct app *a); /* says that a picture is written, once it is */
void app_hint(struct app *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

void popup_page(struct popup *p, const char *title, const char *text);
void popup_chooser(struct popup *p, const struct snapshot *now); /* NULL, nothing yet */
void popup_palette(struct popup *p, const struct snapshot *now); /* now: NULL, nothing yet */
void popup_close(struct popup *p);
bool popup_key(struct app *a, const char *key); /* false: not for the popup */
void popup_choose(struct app *a, int row);      /* as if it was chosen and Enter pressed */
void popup_draw(const struct popup *p, struct canvas *to);
#endif
