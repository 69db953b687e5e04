/* tui/prompt/line.c - readline with its terminal taken away, and with it.
 * Inside the screen readline reads from a queue of bytes, writes to /dev/null and draws nothing;
 * what it holds is shown by whoever draws the screen. History is one file for both, appended to
 * line by line, so that programs side by side lose nothing. libedit has no such freedom: there a
 * small editor of our own stands in inside the screen. */
#include "tui/prompt/line.h"
#include "core/base/io.h"
#include "core/base/place.h"
#include "tui/cli/out.h"
#include "tui/prompt/words.h"
#include "tui/screen/canvas.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef LINE_EDIT
#include <editline/readline.h>
#else
#include <readline/history.h>
#include <readline/readline.h>
#endif

enum { HISTORY_KEEP = 1000, HISTORY_SLACK = 50, CHOICES_MAX = 64 };

static bool ready, typing;
static struct text choices;
static int in_file; /* lines of the history's file, as far as we know */

/* ---- history ---- */

static const char *history_path(void)
{
    static char path[PLACE_LONGEST];
    place_of(PLACE_STATE, "history", path);
    return path;
}

static void history_open(void)
{
    using_history();
    stifle_history(HISTORY_KEEP);
    const char *path = history_path();
    if (*path) read_history(path);
    in_file = history_length;
    if (in_file == HISTORY_KEEP) history_truncate_file(path, HISTORY_KEEP); /* it may hold more */
}

/* Remembers a line. The file is a comfort: where it cannot be written, the line still is in memory.
 */
static void history_keep(const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (!*line || *line == ' ' || (last && strcmp(last->line, line) == 0)) return;
    add_history(line);
    char folder[1024];
    const char *path = history_path();
    const char *slash = strrchr(path, '/');
    if (!slash) return;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (!io_make_folder(folder, NULL)) return;
    int file = open(path, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) return;
    close(file);
    if (append_history(1, path) != 0 || ++in_file <= HISTORY_KEEP + HISTORY_SLACK) return;
    history_truncate_file(path, HISTORY_KEEP);
    in_file = HISTORY_KEEP;
}

/* ---- completion ---- */

static struct words {
    char *word[CHOICES_MAX];
    int count, next;
} found;

static void keep_word(void *to, const char *word)
{
    struct words *w = to;
    if (w->count < CHOICES_MAX && (w->word[w->count] = strdup(word))) w->count++;
}

static void words_find(const char *line, int cursor)
{
    while (found.count > 0) free(found.word[--found.count]);
    found.next = 0;
    words_complete(line, cursor, keep_word, &found);
}

/* readline's way of asking: state 0 first, then until NULL; it frees what it gets. */
static char *next_word(const char *text, int state)
{
    if (state == 0) found.next = 0;
    while (found.next < found.count) {
        const char *word = found.word[found.next++];
        if (strncmp(word, text, strlen(text)) == 0) return strdup(word);
    }
    return NULL;
}

/* A word that ends so is not done. */
static bool goes_on(const char *word)
{
    return *word && strchr("=/:", word[strlen(word) - 1]);
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    words_find(rl_line_buffer, end);
    rl_attempted_completion_over = 1;
    bool on = found.count == 1 && goes_on(found.word[0]);
    char **matches = rl_completion_matches(text, next_word);
    rl_completion_append_character = on ? '\0' : ' ';
    return matches;
}

static void setup(void)
{
    if (ready) return;
    ready = true;
    rl_readline_name = "vanpool";
    rl_basic_word_break_characters = " \t";
    rl_completer_word_break_characters = " \t";
    rl_attempted_completion_function = complete;
    history_open();
}

/* ---- a plain terminal ---- */

#ifdef LINE_EDIT
#define listen_to_signals NULL /* with one libedit would not sleep; it gives up where killed */
#else
/* Called while readline waits: Ctrl-C drops the line, what kills the program ends it. */
static int listen_to_signals(void)
{
    if (out_ended()) {
        rl_done = 1;
    } else if (out_interrupts()) {
        out_forget_interrupt();
        rl_replace_line("", 0);
        rl_crlf();
        rl_on_new_line();
        rl_redisplay();
    }
    return 0;
}
#endif

bool line_read(const char *prompt, struct text *to)
{
    text_clear(to);
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        setup();
        rl_event_hook = listen_to_signals;
        char *line = readline(prompt);
        rl_event_hook = NULL;
        if (!line) return false;
        history_keep(line);
        text_put(to, line, strlen(line));
        free(line);
        return true;
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t n = getline(&line, &room, stdin);
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) n--;
    if (n >= 0) text_put(to, line, (size_t)n);
    free(line);
    return n >= 0;
}

/* ---- inside the screen ---- */

static void show_choices(const char *const *word, int count)
{
    text_clear(&choices);
    for (int i = 0; i < count; i++) text_add(&choices, "%s%s", i ? "  " : "", word[i]);
}

const char *line_choices(void)
{
    return text_str(&choices);
}

/* The letters of `text`, from *at on, that may stand in a line: at most room - 1 bytes; blanks for
 * line ends and tabs. */
static int plain(const char *text, char *to, int room)
{
    int n = 0;
    for (; *text && n < room - 1; text++) {
        bool space = *text == '\n' || *text == '\t';
        if ((unsigned char)*text >= ' ' || space) to[n++] = space ? ' ' : *text;
    }
    while (*text && n > 0 && ((unsigned char)*text & 0xc0) == 0x80) {
        bool first = ((unsigned char)to[--n] & 0xc0) != 0x80;
        if (first) break;
    }
    to[n] = 0;
    return n;
}

static int columns_before(const char *line, int bytes)
{
    char *before = strndup(line, (size_t)bytes);
    int columns = before ? canvas_columns(before) : bytes;
    free(before);
    return columns;
}

#ifndef LINE_EDIT

static unsigned char queue[64];
static int queued, taken;
static struct text *finished;
static enum line_state state;

static int queue_read(FILE *from)
{
    (void)from;
    return taken < queued ? queue[taken++] : EOF;
}

static int queue_has(void)
{
    return taken < queued;
}

static void draw_nothing(void)
{
}

static void leave_modes(void)
{
}

static void take_modes(int meta)
{
    (void)meta;
}

static void take_choices(char **matches, int count, int longest)
{
    (void)longest;
    show_choices((const char *const *)matches + 1, count);
}

static void on_line(char *line)
{
    state = line ? LINE_DONE : LINE_LEFT;
    if (line) {
        text_put(finished, line, strlen(line));
        history_keep(line);
    }
    free(line);
    rl_callback_handler_remove();
    typing = false;
}

/* All of it before the first call that starts readline: with its defaults it writes LINES and
 * COLUMNS into the environment, and ncurses then never sees a resize. */
static void setup_inside(void)
{
    static bool done;
    if (done) return;
    done = true;
    rl_change_environment = 0;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_getc_function = queue_read;
    rl_input_available_hook = queue_has;
    rl_redisplay_function = draw_nothing;
    rl_prep_term_function = take_modes;
    rl_deprep_term_function = leave_modes;
    rl_completion_display_matches_hook = take_choices;
    rl_completion_query_items = 0;
    FILE *nowhere = fopen("/dev/null", "r+e");
    if (nowhere) rl_instream = rl_outstream = nowhere;
    setup();
    char *locale = strdup(setlocale(LC_CTYPE, NULL));
    rl_initialize(); /* takes the environment's locale, also where the screen has chosen another */
    if (locale) setlocale(LC_CTYPE, locale);
    free(locale);
    rl_bind_keyseq_if_unbound("\\e[3~", rl_delete);
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("show-all-if-ambiguous", "on");
    rl_variable_bind("enable-bracketed-paste", "off");
}

void line_begin(void)
{
    line_end();
    setup_inside();
    rl_callback_handler_install("", on_line);
    typing = true;
}

void line_end(void)
{
    if (typing) {
        rl_callback_handler_remove();
        rl_replace_line("", 1);
        rl_point = 0;
    }
    typing = false;
    text_clear(&choices);
}

enum line_state line_key(const char *bytes, struct text *done)
{
    if (!typing) return LINE_LEFT;
    int n = (int)strlen(bytes);
    bool letter = (unsigned char)*bytes >= ' ' && *bytes != 127;
    if (letter && rl_end + n > LINE_MOST) return LINE_TYPING; /* no command is so long */
    if (n > (int)sizeof queue) n = sizeof queue;
    memcpy(queue, bytes, (size_t)n);
    queued = n, taken = 0;
    finished = done;
    state = LINE_TYPING;
    text_clear(&choices);
    text_clear(done);
    while (typing && queue_has()) rl_callback_read_char();
    return state;
}

const char *line_typed(int *cursor)
{
    const char *line = typing && rl_line_buffer ? rl_line_buffer : "";
    *cursor = typing ? columns_before(line, rl_point) : 0;
    return line;
}

bool line_put(const char *text, size_t size)
{
    char some[LINE_MOST + 1];
    bool whole = size <= (size_t)(LINE_MOST - rl_end);
    if (typing && plain(text, some, LINE_MOST + 1 - rl_end) > 0) rl_insert_text(some);
    return whole;
}

#else /* libedit: letters, cursor keys, history and Tab, edited here */

static char typed[LINE_MOST + 1];
static int end, point, back; /* back: lines before the newest one, 0: the one being typed */

void line_begin(void)
{
    setup();
    line_end();
    typing = true;
}

void line_end(void)
{
    typed[0] = 0;
    end = point = back = 0;
    typing = false;
    text_clear(&choices);
}

static bool inside_character(int at)
{
    return at < end && ((unsigned char)typed[at] & 0xc0) == 0x80;
}

static int before(int at)
{
    if (at > 0) at--;
    while (at > 0 && inside_character(at)) at--;
    return at;
}

static int behind(int at)
{
    if (at < end) at++;
    while (inside_character(at)) at++;
    return at;
}

static void cut(int from, int to)
{
    memmove(typed + from, typed + to, (size_t)(end - to + 1));
    end -= to - from;
    point = from;
}

static void insert(const char *bytes, int n)
{
    if (end + n >= (int)sizeof typed) return;
    memmove(typed + point + n, typed + point, (size_t)(end - point + 1));
    memcpy(typed + point, bytes, (size_t)n);
    end += n, point += n;
}

bool line_put(const char *text, size_t size)
{
    char some[LINE_MOST + 1];
    bool whole = size <= (size_t)(LINE_MOST - end);
    int n = plain(text, some, LINE_MOST + 1 - end);
    if (typing && n > 0) insert(some, n);
    return whole;
}

static void recall(int lines)
{
    int to = back + lines;
    if (to < 0 || to > history_length) return;
    HIST_ENTRY *old = to > 0 ? history_get(history_base + history_length - to) : NULL;
    if (to > 0 && !old) return;
    back = to;
    cut(0, end);
    if (old) insert(old->line, (int)strlen(old->line));
}

static void tab(void)
{
    words_find(typed, point);
    int start = point;
    while (start > 0 && typed[start - 1] != ' ' && typed[start - 1] != '\t') start--;
    if (found.count == 0) return;
    int same = (int)strlen(found.word[0]);
    for (int i = 1; i < found.count; i++)
        for (int c = 0; c < same; c++)
            if (found.word[i][c] != found.word[0][c]) same = c;
    if (same > point - start) insert(found.word[0] + (point - start), same - (point - start));
    if (found.count > 1)
        show_choices((const char *const *)found.word, found.count);
    else if (!goes_on(found.word[0]))
        insert(" ", 1);
}

enum line_state line_key(const char *bytes, struct text *done)
{
    if (!typing) return LINE_LEFT;
    text_clear(&choices);
    text_clear(done);
    unsigned char c = (unsigned char)bytes[0];
    int word = point;
    switch (c) {
    case 1:
        point = 0;
        break;
    case 5:
        point = end;
        break;
    case 4:
        if (end == 0) return line_end(), LINE_LEFT;
        cut(point, behind(point));
        break;
    case 8:
    case 127:
        cut(before(point), point);
        break;
    case 9:
        tab();
        break;
    case 11:
        cut(point, end);
        break;
    case 21:
        cut(0, point);
        break;
    case 23:
        while (word > 0 && typed[word - 1] == ' ') word--;
        while (word > 0 && typed[word - 1] != ' ') word--;
        cut(word, point);
        break;
    case 13:
        text_put(done, typed, (size_t)end);
        history_keep(typed);
        line_end();
        return LINE_DONE;
    case 27:
        if (strcmp(bytes, "\033[A") == 0)
            recall(1);
        else if (strcmp(bytes, "\033[B") == 0)
            recall(-1);
        else if (strcmp(bytes, "\033[C") == 0)
            point = behind(point);
        else if (strcmp(bytes, "\033[D") == 0)
            point = before(point);
        else if (strcmp(bytes, "\033[H") == 0)
            point = 0;
        else if (strcmp(bytes, "\033[F") == 0)
            point = end;
        else if (strcmp(bytes, "\033[3~") == 0)
            cut(point, behind(point));
        break;
    default:
        if (c >= 32) insert(bytes, (int)strlen(bytes));
    }
    return LINE_TYPING;
}

const char *line_typed(int *cursor)
{
    *cursor = columns_before(typed, point);
    return typed;
}

#endif
