/* tui/app/app.c - One loop in one thread: keys are answered at once, snapshots are drawn at most
 * FRAMES times a second, and with nothing moving it sleeps until a key or a signal comes. */
#include "tui/app/app.h"
#include "core/base/clock.h"
#include "tui/app/inside.h"
#include "tui/app/keys.h"
#include "tui/draw/prose.h"
#include "tui/export/export.h"
#include "tui/prompt/line.h"
#include "tui/prompt/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 20, WINDOWS = 8 }; /* a second */
#define NOTICE_S 20                /* so long a notice is news */
#define KEYS_S 0.02 /* so long keys may keep the screen waiting: pastes come as keys */
enum {
    ANSWER_MS = 8,
    LISTEN_S = 10
}; /* an answer is looked for so often; a paused session, so long: scripts go on */

/* ---- drawing ---- */

/* Above the prompt, over what lies there: all of them, but for at most a third of the screen. */
static void draw_choices(struct canvas *to)
{
    const char *choices = line_choices();
    int rows = prose_lines(to->width - 2, choices), most = to->height / 3;
    if (!*choices) return;
    if (rows > most) rows = most;
    int y = to->height - 1 - rows;
    for (int i = 0; i < rows; i++) canvas_fill(to, 0, y + i, to->width, INK_SELECTED, " ");
    prose_draw(to, 1, y, to->width - 2, rows, 0, INK_SELECTED, choices);
}

/* Where nothing else is to be said, the last line has the numbers that are watched. */
static const char *watched(struct app *a)
{
    struct text line = {0};
    if (!a->any || a->watch.count == 0) return NULL;
    watch_tell(&a->watch, &a->now, &line);
    snprintf(a->watched, sizeof a->watched, "%s", text_str(&line));
    text_free(&line);
    return a->watched;
}

/* While a line is typed: what its command wants and does. */
static const char *typed(struct app *a, const char *line)
{
    size_t n = strcspn(line, " ");
    if (n == 0)
        return "a command, as break 3 or knob k 3: Tab completes, Enter does it, Esc closes";
    for (int i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        if (strlen(c->name) != n || strncmp(c->name, line, n) != 0) continue;
        snprintf(a->watched, sizeof a->watched, "%s: %s", c->usage, c->help);
        return a->watched;
    }
    return "Tab completes, Enter does it, Esc closes";
}

static void paint(struct app *a)
{
    int width, height, cursor = 0;
    terminal_size(&width, &height);
    if (width != a->canvas.width || height != a->canvas.height ||
        a->canvas.charset != terminal_charset()) {
        canvas_close(&a->canvas);
        if (!canvas_open(&a->canvas, width, height, terminal_charset())) return;
    }
    a->scene.now = a->any ? &a->now : NULL;
    a->scene.past = &a->past;
    a->scene.pins = &a->pins;
    a->frame.prompt = a->typing ? line_typed(&cursor) : NULL;
    a->frame.prompt_cursor = cursor;
    a->frame.hint = *a->hint ? a->hint : a->typing ? typed(a, a->frame.prompt) : watched(a);
    a->frame.quiet = clock_now() - a->noticed > NOTICE_S;
    a->frame.can_undo = a->any && a->now.undos > 0;
    a->frame.can_go_back = a->before != NULL || a->frame.presenter;
    a->canvas.zones = &a->zones;
    a->zones.count = 0;
    frame_draw(&a->canvas, &a->scene, &a->frame);
    if (width >= FRAME_LEAST_WIDTH && height >= FRAME_LEAST_HEIGHT) {
        popup_draw(&a->popup, &a->canvas);
        if (a->typing) draw_choices(&a->canvas);
    }
    terminal_draw(&a->canvas, -1, 0);
    a->stale = false;
}

/* ---- hearing ---- */

static bool take_snapshot(struct app *a)
{
    double wished[ROUTER_KNOBS];
    char notice[sizeof a->now.notice];
    const struct router *router = a->any ? a->now.router : NULL;
    memcpy(wished, a->now.knob, sizeof wished);
    memcpy(notice, a->now.notice, sizeof notice);
    if (!session_snapshot(a->session, &a->now)) return false;
    if (a->wishes > 0 && router == a->now.router) memcpy(a->now.knob, wished, sizeof wished);
    if (router != a->now.router) a->scene.knob = 0;
    if (*a->now.notice && strcmp(notice, a->now.notice) != 0) {
        app_hint(a, "%s", a->now.notice);
        a->noticed = clock_now();
    }
    history_add(&a->past, &a->now);
    if (a->scene.layer >= a->now.L) a->scene.layer = 0;
    a->any = a->stale = true;
    return true;
}

/* True: something came that a person waits for. An answer's snapshot leaves before it, so it is
 * taken after it. */
static bool listen(struct app *a)
{
    bool first = !a->any, answer = wish_answers(a), snapshot = take_snapshot(a);
    bool urgent = answer || (first && snapshot);
    app_lesson_tick(a, snapshot);
    if (answer || snapshot) a->listening = clock_now() + LISTEN_S;
    if (!a->ended && session_ended(a->session, &a->why)) {
        a->ended = urgent = true;
        a->wishes = 0;
        if (!a->any || a->why.code == ERR_NONE)
            a->quit = true;
        else
            app_hint(a, "training has ended: %s", a->why.text);
    }
    return urgent;
}

/* Milliseconds until there is something to look at; -1: until a key. */
static int patience(const struct app *a, double painted)
{
    double now = clock_now(), left = a->stale ? painted + 1.0 / FRAMES - now : 1.0 / FRAMES;
    if (!a->ended && (a->wishes > 0 || !a->any)) return ANSWER_MS;
    if (a->picture) return left > 0 && a->stale ? (int)ceil(left * 1000) : 1000 / FRAMES;
    if (!a->stale && a->desk.socket) return 1000; /* somebody may come to read the notes */
    if (!a->stale && (a->ended || (a->now.paused && a->listening <= now))) return -1;
    return left > 0 ? (int)ceil(left * 1000) : 0;
}

/* ---- keys ---- */

static void one_key(struct app *a, const char *name)
{
    a->hint[0] = 0;
    if (!popup_key(a, name)) action_key(a, name);
}

static void prompt_key(struct app *a, const struct terminal_key *key)
{
    static struct text line;
    bool left = strcmp(key->name, "Esc") == 0;
    a->hint[0] = 0;
    enum line_state state = left ? LINE_LEFT : line_key(key->bytes, &line);
    a->typing = state == LINE_TYPING;
    if (left) line_end();
    if (state == LINE_DONE) wish_say(a, text_str(&line), true);
}

/* What is pasted waits in the prompt for Enter; the palette takes it as what is searched for. */
static void paste(struct app *a)
{
    size_t size;
    const char *text = terminal_pasted(&size);
    if (a->popup.kind == POPUP_PALETTE) return palette_put(&a->popup.palette, text);
    popup_close(&a->popup);
    if (!a->typing) action_prompt(a, "");
    if (!line_put(text, size))
        app_hint(a, "%zu bytes were pasted; a command line holds %d: the rest is left out", size,
                 LINE_MOST);
}

/* Alt and a key is mostly Esc and a key in haste; but inside the prompt these edit words. */
static bool edits(const char *alt)
{
    return strcmp(alt, "Backspace") == 0 || (alt[1] == 0 && strchr("bfdty.", alt[0]));
}

static void take_keys(struct app *a)
{
    static const struct terminal_key escape = {.name = "Esc", .bytes = "\033"};
    struct terminal_key key;
    double began = clock_now();
    a->stale = true;
    while (!a->quit && clock_now() - began < KEYS_S && terminal_key(&key)) {
        if (strncmp(key.name, "Mouse-", 6) == 0) {
            mouse_event(a, key.name, key.x, key.y);
            continue;
        }
        if (strcmp(key.name, "Paste") == 0) {
            paste(a);
            continue;
        }
        const char *name = key.name, *alt = strncmp(name, "Alt-", 4) == 0 ? name + 4 : NULL;
        if (a->typing && (!alt || edits(alt))) {
            prompt_key(a, &key);
            continue;
        }
        if (alt && a->typing)
            prompt_key(a, &escape);
        else if (alt)
            one_key(a, escape.name);
        one_key(a, alt ? alt : name);
    }
}

/* ---- the loop ---- */

static void loop(struct app *a)
{
    double painted = clock_now();
    while (!a->quit) {
        int happened = terminal_wait(patience(a, painted));
        if (happened & (TERMINAL_INTERRUPTED | TERMINAL_GONE)) {
            a->code = ERR_INTERRUPTED;
            return;
        }
        if (happened & TERMINAL_KEYS) take_keys(a);
        if (a->desk.socket) app_present(a);
        bool urgent = listen(a) || happened != 0;
        app_ask(a);
        app_picture(a);
        if (urgent || (a->stale && clock_now() - painted >= 1.0 / FRAMES)) {
            paint(a);
            app_present(a);
            painted = clock_now();
        }
    }
}

static void close_all(struct app *a)
{
    line_end();
    terminal_close(); /* first: the person has the terminal back while the last step is made */
    desk_close(&a->desk);
    struct err e = {0};
    struct text said = {0};
    if (!export_end(&a->picture, &said, &e)) fprintf(stderr, "vanpool: %s\n", e.text);
    text_free(&said);
    session_close(a->session);
    canvas_close(&a->canvas);
    text_free(&a->popup.page);
    text_free(&a->lessons);
    guide_close(&a->guide);
}

static int complain(const struct err *e)
{
    fprintf(stderr, "vanpool: %s\n", e->text);
    return e->code;
}

int app_run(const struct config *c, const struct app_options *o)
{
    struct err e = {.code = ERR_MEMORY,
                    .text = "out of memory: the explorer's screen does not fit"};
    struct app *a = calloc(1, sizeof *a);
    if (!a) return complain(&e);
    if (!terminal_open(o->color, o->charset, &e)) {
        free(a);
        return complain(&e);
    }
    terminal_mouse(o->mouse);
    terminal_theme(o->theme);
    char key[KEYS_LONGEST];
    a->frame.view = view_at(0);
    if (o->wrong)
        app_hint(a, "%.*s", (int)strcspn(o->wrong, "\n"), o->wrong);
    else
        app_hint(a, "%s changes the rule", key_first(key_entry_for("strategy"), key));
    char room[256]; /* of a run that is described, where the face is to look */
    if (o->first) state_line(o->first, &a->frame.view, &a->scene, room, sizeof room);
    app_lesson_begin(a, o);
    paint(a); /* before the model is made: the first screen is there at once */
    char lines[4096];
    snprintf(lines, sizeof lines, "%s%s", o->before ? o->before : "", o->first ? o->first : "");
    a->session = session_open(c, lines, &a->why);
    if (a->session) {
        session_rates(a->session, FRAMES, WINDOWS);
        loop(a);
    }
    close_all(a);
    int code = a->code ? a->code : (int)a->why.code;
    if (a->why.code) complain(&a->why);
    free(a);
    return code;
}
