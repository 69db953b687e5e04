/* tests/pty/walk_test.c - A walk over everything: each key, each line of the palette, the mouse,
 * pastes of a megabyte. After each step the program must answer a key. */
#include "tests/check.h"
#include "tests/pty/pty.h"
#include "tui/app/keys.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct visit v;
static char home[64];

static void begin(int width, int height, const char *ini)
{
    static char state[96], config[96];
    char path[160];
    snprintf(home, sizeof home, "/tmp/vanpool-walk-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof path, "%s/vanpool", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/vanpool/config.ini", home);
    FILE *f = ini ? fopen(path, "w") : NULL;
    if (f) fputs(ini, f), fclose(f);
    snprintf(state, sizeof state, "XDG_STATE_HOME=%s", home);
    snprintf(config, sizeof config, "XDG_CONFIG_HOME=%s", home);
    const char *argv[] = {state, config, visit_program(), NULL};
    visit_open(&v, width, height, argv);
    bool there = visit_sees(&v, "loss 0.", 10);
    ck_assert_msg(there, "%.2500s", visit_screen(&v));
    visit_pass(&v, 0.2, 1);
}

static void finish(void)
{
    char command[128];
    if (v.pid > 0) {
        visit_press(&v, "\033\033\033q");
        int status = visit_end(&v, 60); /* the last step of a large model is waited for */
        ck_assert_msg(status == 0, "%x\n%.2500s", (unsigned)status, visit_screen(&v));
    }
    ck_assert_ptr_null(visit_left(&v));
    visit_close(&v);
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
}

/* A key without a meaning is answered with a sentence about it: the program is there. Asked again
 * where an answer of before has taken its place. False: the program has ended, with status 0. */
static bool answers_or_ends(const char *after)
{
    int status = -1;
    for (int i = 0; i < 20 && status < 0; i++) {
        visit_press(&v, "\033");
        visit_pass(&v, 0.035, 1);
        visit_press(&v, "\033");
        visit_pass(&v, 0.035, 1);
        visit_press(&v, "~");
        if (visit_sees(&v, "~ does nothing here", 0.7)) return true;
        status = visit_end(&v, 0);
    }
    ck_assert_msg(status == 0, "after %s it does not answer (%x):\n%.2500s", after,
                  (unsigned)status, visit_screen(&v));
    return false;
}

static void answers(const char *after)
{
    ck_assert_msg(answers_or_ends(after), "%s ends it", after);
}

static const char *bytes_of(const char *key, char *to)
{
    static const struct {
        const char *name, *bytes;
    } special[] = {{"Space", " "},        {"Tab", "\t"},       {"Shift-Tab", "\033[Z"},
                   {"Enter", "\r"},       {"Esc", "\033"},     {"Backspace", "\177"},
                   {"Up", "\033OA"},      {"Down", "\033OB"},  {"Right", "\033OC"},
                   {"Left", "\033OD"},    {"Home", "\033OH"},  {"End", "\033OF"},
                   {"PgUp", "\033[5~"},   {"PgDn", "\033[6~"}, {"F1", "\033OP"},
                   {"Delete", "\033[3~"}, {"1-9", "3"}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcmp(special[i].name, key) == 0) return special[i].bytes;
    if (strncmp(key, "Ctrl-", 5) == 0)
        sprintf(to, "%c", key[5] - '@');
    else
        strcpy(to, key);
    return to;
}

START_TEST(every_key_can_be_pressed_and_is_answered)
{
    char key[KEYS_LONGEST], bytes[KEYS_LONGEST];
    static const int sizes[][2] = {{120, 36}, {40, 12}};
    begin(sizes[_i][0], sizes[_i][1], NULL);
    for (int i = 0; key_entry_at(i); i++)
        for (const char *k = key_entry_at(i)->keys; *k; k += strspn(k, " ")) {
            snprintf(key, sizeof key, "%.*s", (int)strcspn(k, " "), k);
            k += strlen(key);
            if (strcmp(key_entry_at(i)->action, "quit") == 0) continue;
            visit_press(&v, bytes_of(key, bytes));
            visit_pass(&v, 0.03, 1);
            answers(key);
        }
    finish();
}
END_TEST

/* "12 of 147": how many lines the palette has. */
static int palette_lines(void)
{
    visit_press(&v, "?");
    ck_assert_msg(visit_sees(&v, "type to search", 5), "%.2500s", visit_screen(&v));
    int lines = 0;
    for (int tries = 0; tries < 100 && lines <= 50; tries++) { /* a frame may have come by halves */
        lines = 0;
        for (const char *of = visit_screen(&v); lines == 0 && (of = strstr(of, " of ")); of++)
            lines = atoi(of + 4);
        if (lines <= 50) visit_pass(&v, 0.05, 1);
    }
    ck_assert_int_gt(lines, 50);
    visit_press(&v, "\033");
    visit_pass(&v, 0.1, 1);
    return lines;
}

START_TEST(every_line_of_the_palette_can_be_run)
{
    begin(120, 36, NULL);
    int lines = palette_lines(), ended = 0;
    for (int i = 0; i < lines; i++) {
        char after[64];
        snprintf(after, sizeof after, "line %d of the palette", i + 1);
        visit_press(&v, ":router topk\r?"); /* the same knobs, so the same lines, every time */
        for (int d = 0; d < i; d++) visit_press(&v, "\033OB");
        visit_pass(&v, 0.02, 1);
        visit_press(&v, "\r");
        visit_pass(&v, 0.04, 1);
        if (answers_or_ends(after)) continue;
        ck_assert_int_le(++ended, 2); /* the key quit and the command quit */
        finish();
        begin(120, 36, NULL);
    }
    ck_assert_int_eq(ended, 2);
    finish();
}
END_TEST

/* ---- the mouse ---- */

/* Presses and lets go where `what` stands on the screen. */
static void click(const char *what, int dx)
{
    char line[64];
    visit_sees(&v, what, 5);
    const char *screen = visit_screen(&v), *found = strstr(screen, what);
    ck_assert_msg(found != NULL, "no '%s' on the screen:\n%.2500s", what, screen);
    int x = 0, y = 0;
    for (const char *c = screen; c < found; c++) {
        x += ((unsigned char)*c & 0xc0) != 0x80;
        if (*c == '\n') x = 0, y++;
    }
    snprintf(line, sizeof line, "\033[<0;%d;%dM\033[<0;%d;%dm", x + dx + 1, y + 1, x + dx + 1,
             y + 1);
    visit_press(&v, line);
}

START_TEST(labels_tabs_and_sliders_can_be_clicked)
{
    begin(120, 36, NULL);
    click("Space pause", 0);
    ck_assert_msg(visit_sees(&v, "paused at", 3), "%.2500s", visit_screen(&v));
    click("5 Load", 1);
    ck_assert_msg(visit_sees(&v, "5 Load \xe2\x94\x80 Which", 3), "%.2500s", visit_screen(&v));
    click("1 Vans", 1);
    ck_assert_msg(visit_sees(&v, "1 Vans \xe2\x94\x80 Which", 3), "%.2500s", visit_screen(&v));
    click("#5 ", 0);
    ck_assert_msg(visit_sees(&v, "\xe2\x96\xb8 #5", 3), "%.2500s", visit_screen(&v));
    visit_press(&v, "\033[<65;10;10M");
    ck_assert_msg(visit_sees(&v, "\xe2\x96\xb8 #6", 3), "%.2500s", visit_screen(&v));
    click("? everything", 0);
    ck_assert_msg(visit_sees(&v, "type to search", 5), "%.2500s", visit_screen(&v));
    click("Esc close", 0);
    visit_pass(&v, 0.3, 0.1);
    ck_assert(!visit_shows(&v, "type to search"));
    click("\xe2\x97\x80 topk", 0);
    ck_assert_msg(visit_sees(&v, "Routing strategy", 3), "%.2500s", visit_screen(&v));
    click("topp ", 0);
    ck_assert_msg(visit_sees(&v, "\xe2\x97\x80 topp", 5), "%.2500s", visit_screen(&v));
    ck_assert(visit_sees(&v, "u undo", 10)); /* what comes later would move the labels */
    click("q quit", 0);
    int status = visit_end(&v, 30);
    ck_assert_msg(status == 0, "%x\n%.2500s", (unsigned)status, visit_screen(&v));
    finish();
}
END_TEST

START_TEST(mouse_words_in_pieces_and_out_of_range_are_survived)
{
    static const char *const odd[] = {"\033[<0;9999;9999M",     "\033[<0;0;0M", "\033[<;;M",
                                      "\033[<99999999999;1;1M", "\033[<0;5M",   "\033[<32;3;3M",
                                      "\033[<2;3;3M",           "\033[<0;3;3"};
    begin(80, 24, NULL);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        visit_press(&v, odd[i]);
        visit_pass(&v, 0.1, 1);
        answers(odd[i] + 1);
    }
    finish();
}
END_TEST

/* ---- pastes ---- */

enum { MUCH = 1 << 20 };

static char *much(const char *before, const char *fill, const char *behind)
{
    char *bytes = malloc(MUCH + 64);
    ck_assert_ptr_nonnull(bytes);
    size_t n = strlen(strcpy(bytes, before));
    while (n < MUCH) bytes[n] = fill[n % strlen(fill)], n++;
    strcpy(bytes + n, behind);
    return bytes;
}

START_TEST(a_megabyte_pasted_waits_in_the_prompt_cut_and_said)
{
    begin(100, 30, NULL);
    char *bytes = much("\033[200~", _i ? "train 1\nquit\n" : "knob p 0.5 \xc3\xa9", "\033[201~");
    double began = visit_clock();
    visit_press(&v, bytes);
    ck_assert_msg(visit_sees(&v, "bytes were pasted", 20), "%.2500s", visit_screen(&v));
    double took = visit_clock() - began;
    printf("a paste of 1 MiB took %.2f s\n", took);
    ck_assert(took < 15);
    visit_press(&v, "\r");
    ck_assert_msg(visit_sees(&v, "command", 3), "%.2500s", visit_screen(&v));
    answers("a paste");
    free(bytes);
    finish();
}
END_TEST

START_TEST(a_megabyte_typed_into_the_prompt_neither_hangs_nor_floods)
{
    begin(100, 30, NULL);
    visit_press(&v, ":");
    char *bytes = much("", "knob p 0.5 ", "");
    double began = visit_clock();
    visit_press(&v, bytes);
    visit_press(&v, "\025seed\r");
    bool seen = visit_sees(&v, "seed 1", 40);
    double took = visit_clock() - began;
    printf("1 MiB typed took %.2f s\n", took);
    ck_assert_msg(seen && took < 40, "%.2500s", visit_screen(&v));
    answers("1 MiB of keys");
    free(bytes);
    finish();
}
END_TEST

START_TEST(a_paste_whose_end_never_comes_is_over_in_a_second)
{
    begin(100, 30, NULL);
    visit_press(&v, "\033[200~show st");
    visit_pass(&v, 1.3, 2);
    visit_press(&v, "x");
    ck_assert_msg(visit_sees(&v, ": show stx", 3), "%.2500s", visit_screen(&v));
    answers("half a paste");
    finish();
}
END_TEST

/* ---- settings ---- */

START_TEST(settings_move_keys_and_wrong_lines_are_said)
{
    begin(100, 30, "[keys]\nquit = X\nstrategy = n\nnothing = y\n[screen]\ntheme = mono\n");
    ck_assert_msg(visit_sees(&v, "config.ini:4: there is no action 'nothing'", 5), "%.2500s",
                  visit_screen(&v));
    ck_assert_msg(visit_shows(&v, "X quit") && visit_shows(&v, "n strategy"), "%.2500s",
                  visit_screen(&v));
    ck_assert(!v.coloured);
    visit_press(&v, "q");
    ck_assert_msg(visit_sees(&v, "q does nothing here", 3), "%.2500s", visit_screen(&v));
    visit_press(&v, "n");
    ck_assert_msg(visit_sees(&v, "topp", 3), "%.2500s", visit_screen(&v));
    visit_press(&v, "X");
    ck_assert_int_eq(visit_end(&v, 5), 0);
    finish();
}
END_TEST

SUITE(walk)
{
    TCase *tc = tcase_create("walk");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, every_key_can_be_pressed_and_is_answered, 0, 2);
    tcase_add_test(tc, every_line_of_the_palette_can_be_run);
    tcase_add_test(tc, labels_tabs_and_sliders_can_be_clicked);
    tcase_add_test(tc, mouse_words_in_pieces_and_out_of_range_are_survived);
    tcase_add_loop_test(tc, a_megabyte_pasted_waits_in_the_prompt_cut_and_said, 0, 2);
    tcase_add_test(tc, a_megabyte_typed_into_the_prompt_neither_hangs_nor_floods);
    tcase_add_test(tc, a_paste_whose_end_never_comes_is_over_in_a_second);
    tcase_add_test(tc, settings_move_keys_and_wrong_lines_are_said);
    suite_add_tcase(suite, tc);
}
