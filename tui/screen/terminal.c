/* tui/screen/terminal.c - ncurses behind five calls, and the ways a program can end.
 * Signal handlers only write a byte into a pipe that terminal_wait polls beside the keyboard; the
 * handler of a crash writes bytes prepared at start and calls tcsetattr. Waking up, drawing and
 * reading happen in one thread. */
#include "tui/screen/terminal.h"
#include "core/base/clock.h"
#include "tui/screen/reports.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { ESCAPE_MS = 25, EMPTY_READS = 8 };
#define PASTE_S 1.0        /* without a byte: the end mark is not going to come */
#define PASTE_TURN_S 0.015 /* so long a paste may keep the screen waiting */

static SCREEN *screen;
static WINDOW *keys; /* reading from a pad refreshes nothing */
static enum charset charset;
static const struct theme *theme; /* NULL: auto */
static enum terminal_color colour_wanted;
static struct canvas shown;       /* what stands on the terminal; .cells NULL: unknown */
static chtype look_of[INK_COUNT]; /* attributes */
static short pair_of[INK_COUNT];
static bool mouse_wanted, reports; /* reports: the terminal can tell of its mouse and of pastes */
static bool pasting;
static double pasted_at; /* when its newest byte came */
static int wake[2] = {-1, -1};
static int empty; /* times the keyboard had something and then nothing */

/* What a crash handler needs, ready before it can happen. */
static volatile sig_atomic_t taken;
static struct termios modes;
static char farewell[256];
static size_t farewell_size;
static char crash_stack[16384];

/* ---- signals ---- */

static const int asking[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH};
static const int crashing[] = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGQUIT};
enum { ASKING = sizeof asking / sizeof *asking, CRASHING = sizeof crashing / sizeof *crashing };
static struct sigaction asking_before[ASKING], crashing_before[CRASHING];

static void on_asking(int sig)
{
    int kept = errno;
    char byte = (char)sig;
    if (write(wake[1], &byte, 1) < 0) errno = 0;
    errno = kept;
}

/* SA_RESETHAND has put the default back: raised again, the signal ends the program as it would
 * have. */
static void on_crash(int sig)
{
    if (taken) {
        taken = 0;
        if (write(STDOUT_FILENO, farewell, farewell_size) < 0) errno = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    }
    raise(sig);
}

static void signals_take(void)
{
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    sigaltstack(&stack, NULL);
    struct sigaction ask = {.sa_handler = on_asking, .sa_flags = SA_RESTART};
    struct sigaction crash = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_ONSTACK};
    for (int i = 0; i < ASKING; i++) sigaction(asking[i], &ask, &asking_before[i]);
    for (int i = 0; i < CRASHING; i++) sigaction(crashing[i], &crash, &crashing_before[i]);
}

static void signals_give_back(void)
{
    for (int i = 0; i < ASKING; i++) sigaction(asking[i], &asking_before[i], NULL);
    for (int i = 0; i < CRASHING; i++) sigaction(crashing[i], &crashing_before[i], NULL);
}

/* A terminfo string as the terminal wants it: without its $<..> padding. */
static void farewell_add(const char *name)
{
    const char *s = tigetstr((char *)name);
    if (!s || s == (char *)-1) return;
    while (*s && farewell_size < sizeof farewell) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
        if (end)
            s = end + 1;
        else
            farewell[farewell_size++] = *s++;
    }
}

/* ---- the mouse, and pastes in brackets ---- */

static void report(void)
{
    if (!reports) return;
    fputs(mouse_wanted ? REPORTS_MOUSE : REPORTS_NO_MOUSE, stdout);
    fputs(REPORTS_PASTES, stdout);
    fflush(stdout);
}

static void report_no_more(void)
{
    if (!reports) return;
    fputs(REPORTS_END, stdout);
    fflush(stdout);
}

void terminal_mouse(bool on)
{
    mouse_wanted = on;
    if (taken && screen) report();
}

/* ---- opening and closing ---- */

static void choose_charset(enum terminal_charset wanted)
{
    setlocale(LC_CTYPE, "");
    const char *term = getenv("TERM");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (wanted == TERMINAL_CHARSET_AUTO)
        wanted = !utf8                                    ? TERMINAL_CHARSET_ASCII
                 : term && strncmp(term, "linux", 5) == 0 ? TERMINAL_CHARSET_BLOCK
                                                          : TERMINAL_CHARSET_BRAILLE;
    else if (wanted != TERMINAL_CHARSET_ASCII && !utf8 && !setlocale(LC_CTYPE, "C.UTF-8"))
        wanted = TERMINAL_CHARSET_ASCII;
    charset = wanted == TERMINAL_CHARSET_ASCII   ? CHARSET_ASCII
              : wanted == TERMINAL_CHARSET_BLOCK ? CHARSET_BLOCK
                                                 : CHARSET_BRAILLE;
}

static void choose_colours(enum terminal_color wanted)
{
    colour_wanted = wanted;
    const char *no_color = getenv("NO_COLOR");
    bool off =
        wanted == TERMINAL_COLOR_NEVER || (wanted == TERMINAL_COLOR_AUTO && no_color && *no_color);
    int colours = 0;
    if (!off && has_colors() && start_color() == OK) {
        use_default_colors();
        colours = COLORS;
    }
    const struct theme *t = theme && theme->looks ? theme : theme_auto(getenv("COLORFGBG"));
    enum theme_depth depth = theme_depth(colours) < t->most ? theme_depth(colours) : t->most;
    for (int ink = 0; ink < INK_COUNT; ink++) {
        struct theme_look look = theme_look(t, depth, ink);
        look_of[ink] = (look.bold ? A_BOLD : 0) | (look.dim ? A_DIM : 0) |
                       (look.reverse ? A_REVERSE : 0) | (look.underline ? A_UNDERLINE : 0);
        pair_of[ink] = 0;
        if (depth == THEME_MONO || (look.fore < 0 && look.back < 0)) continue;
        if (init_pair(ink + 1, look.fore, look.back) == OK) pair_of[ink] = ink + 1;
    }
}

static void follow_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        (size.ws_row != LINES || size.ws_col != COLS))
        resize_term(size.ws_row, size.ws_col);
    terminal_repaint();
}

bool terminal_open(enum terminal_color color, enum terminal_charset wanted, struct err *e)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(e, ERR_TERMINAL,
                       "the explorer needs a terminal: try --plain for lines of text");
    choose_charset(wanted);
    const char *term = getenv("TERM");
    int found = 0;
    if (!term || !*term)
        return err_set(e, ERR_TERMINAL,
                       "TERM is not set: set it to the terminal's type, or try --plain");
    if (setupterm(NULL, STDOUT_FILENO, &found) != OK)
        return err_set(e, ERR_TERMINAL,
                       "terminal type TERM=%.40s is unknown here: try TERM=xterm, or --plain",
                       term);
    if (!cursor_address || !clear_screen)
        return err_set(e, ERR_TERMINAL,
                       "terminal type TERM=%.40s cannot move its cursor: try --plain", term);
    if (tcgetattr(STDIN_FILENO, &modes) != 0 || pipe2(wake, O_NONBLOCK | O_CLOEXEC) != 0)
        return err_set(e, ERR_TERMINAL, "cannot read the terminal's modes: %s", strerror(errno));
    farewell_size = 0;
    const char *last[] = {"op", "sgr0", "rmkx", "cnorm", "rmcup"};
    const char *mouse = tigetstr("kmous");
    reports = mouse && mouse != (char *)-1;
    if (reports) farewell_size = strlen(strcpy(farewell, REPORTS_END));
    for (int i = 0; i < 5; i++) farewell_add(last[i]);
    del_curterm(cur_term); /* newterm makes its own */

    signals_take(); /* first: ncurses leaves alone what has a handler */
    taken = 1;
    screen = newterm(NULL, stdout, stdin);
    keys = screen ? newpad(1, 1) : NULL;
    if (!keys) {
        terminal_close();
        return err_set(e, ERR_TERMINAL, "cannot open terminal type TERM=%.40s: try --plain", term);
    }
    static bool promised;
    if (!promised) atexit(terminal_close);
    promised = true;
    cbreak();
    noecho();
    nonl();
    keypad(keys, TRUE);
    nodelay(keys, TRUE);
    define_key(NULL, KEY_MOUSE); /* its reports are read here: ncurses knows the old form only */
    set_escdelay(ESCAPE_MS);
    typeahead(-1); /* a key that waits must not cut a drawing short */
    leaveok(stdscr, FALSE);
    choose_colours(color);
    follow_size();
    report();
    pasting = false;
    empty = 0;
    return true;
}

void terminal_close(void)
{
    if (!taken) return;
    if (screen) {
        report_no_more();
        curs_set(1);
        endwin();
    }
    tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    taken = 0;
    signals_give_back();
    if (keys) delwin(keys);
    if (screen) delscreen(screen);
    screen = NULL;
    keys = NULL;
    close(wake[0]);
    close(wake[1]);
    canvas_close(&shown);
    shown = (struct canvas){0};
}

void terminal_color(enum terminal_color to)
{
    choose_colours(to);
    terminal_repaint();
}

void terminal_theme(const struct theme *to)
{
    theme = to;
    if (!taken || !screen) return;
    choose_colours(colour_wanted);
    terminal_repaint();
}

void terminal_letters(enum terminal_charset to)
{
    choose_charset(to);
    terminal_repaint();
}

void terminal_size(int *width, int *height)
{
    *width = COLS;
    *height = LINES;
}

enum charset terminal_charset(void)
{
    return charset;
}

/* ---- drawing ---- */

void terminal_repaint(void)
{
    canvas_close(&shown);
    shown = (struct canvas){0};
    clearok(curscr, TRUE);
}

static void put(int x, int y, const struct cell *cell)
{
    wchar_t wide[CCHARW_MAX + 1] = {0};
    cchar_t out;
    const char *from = cell->at;
    mbstate_t state = {0};
    size_t n = mbsrtowcs(wide, &from, CCHARW_MAX, &state);
    bool sound = n != (size_t)-1 && n > 0 && wcwidth(wide[0]) == (cell->width ? cell->width : 1);
    if (!sound) wcscpy(wide, cell->at[0] && n != 0 ? L"?" : L" ");
    enum ink ink = cell->ink < INK_COUNT ? cell->ink : INK_TEXT;
    attr_t look = look_of[ink] | (cell->bold ? A_BOLD : 0);
    if (setcchar(&out, wide, look, pair_of[ink], NULL) == OK) mvadd_wch(y, x, &out);
}

void terminal_draw(const struct canvas *c, int x, int y)
{
    int width = c->width < COLS ? c->width : COLS, height = c->height < LINES ? c->height : LINES;
    bool known = shown.cells && shown.width == c->width && shown.height == c->height;
    if (!known) {
        canvas_close(&shown);
        shown = (struct canvas){0};
        erase();
        if (!canvas_open(&shown, c->width, c->height, charset)) shown = (struct canvas){0};
    }
    for (int row = 0; row < height; row++) {
        const struct cell *now = c->cells + (size_t)(c->top + row) * c->stride + c->left;
        struct cell *old = shown.cells ? shown.cells + (size_t)row * shown.stride : NULL;
        if (known && memcmp(now, old, sizeof *now * c->width) == 0) continue;
        for (int col = 0; col < width; col++) {
            bool half = now[col].width == 0 && col > 0 && now[col - 1].width == 2;
            if (!half && (!known || memcmp(&now[col], &old[col], sizeof *now) != 0))
                put(col, row, &now[col]);
        }
        if (old) memcpy(old, now, sizeof *now * c->width);
    }
    curs_set(x >= 0);
    move(x >= 0 ? y : 0, x >= 0 ? x : 0);
    refresh();
}

/* ---- waiting and keys ---- */

static void take_again(void)
{
    reset_prog_mode();
    follow_size();
    refresh();
    report();
}

static void stop(void)
{
    report_no_more();
    curs_set(1);
    endwin();
    tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    taken = 0;
    struct sigaction plain = {.sa_handler = SIG_DFL}, ours;
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP); /* the program stands still here until it is continued */
    sigaction(SIGTSTP, &ours, NULL);
    tcgetattr(STDIN_FILENO, &modes);
    taken = 1;
    take_again();
}

static int serve_signals(void)
{
    unsigned char sig[64];
    int happened = 0;
    for (ssize_t n; (n = read(wake[0], sig, sizeof sig)) > 0;)
        for (ssize_t i = 0; i < n; i++) {
            if (sig[i] == SIGTSTP)
                stop();
            else if (sig[i] == SIGCONT)
                take_again();
            else if (sig[i] == SIGWINCH)
                follow_size();
            else
                happened |= TERMINAL_INTERRUPTED;
            happened |= TERMINAL_RESIZED;
        }
    return happened;
}

int terminal_wait(int ms)
{
    struct pollfd from[2] = {{STDIN_FILENO, POLLIN, 0}, {wake[0], POLLIN, 0}};
    int n;
    while ((n = poll(from, 2, ms)) < 0 && errno == EINTR) ms = ms < 0 ? ms : 0;
    if (n < 0) return TERMINAL_GONE;
    int happened = from[1].revents ? serve_signals() : 0;
    if (from[0].revents & (POLLHUP | POLLERR | POLLNVAL)) return happened | TERMINAL_GONE;
    if (from[0].revents & POLLIN) happened |= ++empty > EMPTY_READS ? TERMINAL_GONE : TERMINAL_KEYS;
    return happened;
}

static const struct {
    int code;
    const char *name, *bytes;
} special[] = {
    {KEY_UP, "Up", "\033[A"},       {KEY_DOWN, "Down", "\033[B"},
    {KEY_RIGHT, "Right", "\033[C"}, {KEY_LEFT, "Left", "\033[D"},
    {KEY_HOME, "Home", "\033[H"},   {KEY_END, "End", "\033[F"},
    {KEY_PPAGE, "PgUp", ""},        {KEY_NPAGE, "PgDn", ""},
    {KEY_DC, "Delete", "\033[3~"},  {KEY_BACKSPACE, "Backspace", "\177"},
    {KEY_BTAB, "Shift-Tab", ""},    {KEY_ENTER, "Enter", "\r"},
    {KEY_F(1), "F1", ""},
};

static bool name_special(struct terminal_key *to, int code)
{
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i].code == code) {
            snprintf(to->name, sizeof to->name, "%s", special[i].name);
            snprintf(to->bytes, sizeof to->bytes, "%s", special[i].bytes);
            return true;
        }
    return false; /* KEY_RESIZE and what we have no use for */
}

static void name_character(struct terminal_key *to, wint_t c)
{
    mbstate_t state = {0};
    char bytes[MB_LEN_MAX];
    size_t n = wcrtomb(bytes, (wchar_t)c, &state);
    if (n >= sizeof to->bytes) n = 0;
    memcpy(to->bytes, bytes, n);
    to->bytes[n] = 0;
    const char *name = c == '\r' || c == '\n' ? "Enter"
                       : c == '\t'            ? "Tab"
                       : c == 27              ? "Esc"
                       : c == 8 || c == 127   ? "Backspace"
                       : c == ' '             ? "Space"
                                              : to->bytes;
    if (name == to->bytes && c > 0 && c < 32)
        snprintf(to->name, sizeof to->name, "Ctrl-%c", (char)(c + '@'));
    else
        snprintf(to->name, sizeof to->name, "%s", name);
}

/* Takes what has come of a paste so far, for a moment at most. True: it is whole, or its end is long
 * overdue. Read past ncurses, which takes a byte at a time; what comes behind the end mark is given
 * back to it, so no more is read at once than it can keep. */
static bool paste_on(struct terminal_key *to)
{
    double began = clock_now();
    bool overdue = began - pasted_at > PASTE_S;
    struct pollfd from = {STDIN_FILENO, POLLIN, 0};
    char some[64];
    while (pasting && !overdue && clock_now() - began < PASTE_TURN_S && poll(&from, 1, 0) > 0) {
        ssize_t n = read(STDIN_FILENO, some, sizeof some);
        bool whole;
        if (n <= 0) return false; /* a hangup is for terminal_wait */
        empty = 0;
        pasted_at = clock_now();
        ssize_t used = (ssize_t)reports_take(some, (size_t)n, &whole);
        pasting = !whole;
        while (n > used) ungetch((unsigned char)some[--n]);
    }
    if (pasting && !overdue) return false;
    pasting = false;
    *to = (struct terminal_key){.name = "Paste"};
    return true;
}

const char *terminal_pasted(size_t *size)
{
    return reports_pasted(size);
}

/* After Esc, what comes at once belongs to it: a sequence that terminfo does not know is the mouse
 * or a paste, or else swallowed; a character is Alt and that character. */
static bool after_escape(struct terminal_key *to)
{
    wint_t c;
    int kind = wget_wch(keys, &c);
    if (kind == ERR) return true;
    if (kind == KEY_CODE_YES || c == 27) return ungetch((int)c), true;
    if (c == '[' || c == 'O') {
        char sequence[32];
        size_t n = 0;
        wtimeout(keys, ESCAPE_MS); /* the rest may be on its way still */
        while ((kind = wget_wch(keys, &c)) == OK && (c < 0x40 || c > 0x7e))
            if (n < sizeof sequence - 1) sequence[n++] = (char)c;
        wtimeout(keys, 0);
        sequence[n] = 0;
        if (kind == OK && *sequence == '<') return reports_mouse(to, sequence, (char)c);
        if (kind != OK || c != '~' || strcmp(sequence, "200") != 0) return false;
        reports_paste();
        pasting = true;
        pasted_at = clock_now();
        return paste_on(to);
    }
    struct terminal_key plain;
    name_character(&plain, c);
    snprintf(to->name, sizeof to->name, "Alt-%.11s", plain.name);
    snprintf(to->bytes, sizeof to->bytes, "\033%.6s", plain.bytes);
    return true;
}

bool terminal_key(struct terminal_key *to)
{
    wint_t c;
    if (pasting) return paste_on(to);
    for (;;) {
        int kind = wget_wch(keys, &c);
        if (kind == ERR) return false;
        empty = 0;
        if (kind == KEY_CODE_YES) {
            if (name_special(to, (int)c)) return true;
            continue;
        }
        name_character(to, c);
        if (c != 27 || after_escape(to)) return true;
        if (pasting) return false;
    }
}
