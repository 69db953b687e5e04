/* tests/tui/line_test.c - The line inside the screen, key by key, and the history it leaves. */
#include "tests/check.h"
#include "tui/prompt/line.h"

#include <sys/stat.h>
#include <unistd.h>

static char home[64], history[128];

static void open_home(void)
{
    strcpy(home, "/tmp/vanpool-line-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(history, sizeof history, "%s/vanpool/history", home);
    setenv("XDG_STATE_HOME", home, 1);
    setenv("INPUTRC", "/dev/null", 1);
}

static void close_home(void)
{
    char folder[128];
    unlink(history);
    snprintf(folder, sizeof folder, "%s/vanpool", home);
    rmdir(folder);
    rmdir(home);
}

static enum line_state type(const char *keys, struct text *done)
{
    enum line_state state = LINE_TYPING;
    char byte[2] = "";
    for (; *keys && state == LINE_TYPING; keys++) {
        byte[0] = *keys;
        state = line_key(byte, done);
    }
    return state;
}

static const struct edit {
    const char *what, *keys, *escape, *more, *want;
    int cursor;
} edits[] = {
    {"letters stand as typed", "knob p", "", "", "knob p", 6},
    {"Left and a letter insert", "ac", "\033[D", "b", "abc", 2},
    {"backspace takes a letter", "abc", "", "\177", "ab", 2},
    {"Delete takes the one under the cursor", "abc\001", "\033[3~", "", "bc", 0},
    {"Ctrl-A and Ctrl-E go to the ends", "bc\001a\005d", "", "", "abcd", 4},
    {"Home goes to the beginning", "bc", "\033[H", "a", "abc", 1},
    {"Ctrl-W takes a word", "knob p", "", "\027", "knob ", 5},
    {"Ctrl-U takes all before", "knob p", "", "\025", "", 0},
    {"a unique beginning is completed", "kno", "", "\t", "knob ", 5},
    {"what all completions share is completed", "router t", "", "\t", "router top", 10},
    {"a view is a word", "view cur", "", "\t", "view curves ", 12},
    {"a theme is a word", "theme dark-", "", "\t", "theme dark-16 ", 14},
    {"words of the usage are words", "color al", "", "\t", "color always ", 13},
    {"a file is a word", "load one-", "", "\t", "load one-file ", 14},
    {"a folder goes on", "source fol", "", "\t", "source folder/", 14},
    {"so does a text", "data text:one", "", "\t", "data text:one-file ", 19},
    {"an open quote is no trap", "load \"a b", "", "\t", "load \"a b", 9},
    {"a knob is completed with its sign", "router topk dr", "", "\t", "router topk drop=", 17},
};

START_TEST(line_edits)
{
    const struct edit *c = &edits[_i];
    struct text done = {0};
    int cursor;
    open_home();
    ck_assert_int_eq(chdir(home), 0);
    fclose(fopen("one-file", "w"));
    mkdir("folder", 0700);
    line_begin();
    ck_assert_int_eq(type(c->keys, &done), LINE_TYPING);
    if (*c->escape) ck_assert_int_eq(line_key(c->escape, &done), LINE_TYPING);
    ck_assert_int_eq(type(c->more, &done), LINE_TYPING);
    const char *typed = line_typed(&cursor);
    ck_assert_msg(strcmp(typed, c->want) == 0, "%s: got '%s', want '%s'", c->what, typed, c->want);
    ck_assert_msg(cursor == c->cursor, "%s: cursor %d, want %d", c->what, cursor, c->cursor);
    line_end();
    text_free(&done);
    unlink("one-file");
    rmdir("folder");
    close_home();
}
END_TEST

START_TEST(tab_shows_what_a_word_could_become)
{
    struct text done = {0};
    open_home();
    line_begin();
    type("router top\t", &done);
    ck_assert_str_eq(line_choices(), "topk  topp");
    type("k", &done);
    ck_assert_str_eq(line_choices(), "");
    line_end();
    text_free(&done);
    close_home();
}
END_TEST

START_TEST(lines_are_recalled_and_kept_for_oneself)
{
    struct text done = {0};
    struct stat about;
    char kept[64] = "";
    int cursor;
    open_home();
    line_begin();
    ck_assert_int_eq(type("knob p 0.5\r", &done), LINE_DONE);
    ck_assert_str_eq(text_str(&done), "knob p 0.5");
    line_begin();
    ck_assert_int_eq(type("knob p 0.5\r", &done), LINE_DONE); /* the same again is not kept twice */
    line_begin();
    ck_assert_int_eq(type("\r", &done), LINE_DONE);
    line_begin();
    line_key("\033[A", &done);
    ck_assert_str_eq(line_typed(&cursor), "knob p 0.5");
    line_end();
    line_begin();
    ck_assert_str_eq(line_typed(&cursor), ""); /* what was given up is gone */
    line_end();
    ck_assert_int_eq(stat(history, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0600);
    FILE *f = fopen(history, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_gt(fread(kept, 1, sizeof kept - 1, f), strlen("knob p 0.5"));
    const char *once = strstr(kept, "knob"); /* libedit writes blanks in a way of its own */
    ck_assert_msg(once && !strstr(once + 1, "knob"), "%s", kept);
    fclose(f);
    text_free(&done);
    close_home();
}
END_TEST

START_TEST(the_history_is_capped_and_stays_private)
{
    struct text done = {0};
    struct stat about;
    char line[64];
    int lines = 0;
    open_home();
    for (int i = 0; i < 1300; i++) {
        snprintf(line, sizeof line, "knob p 0.%d\r", i + 1000);
        line_begin();
        ck_assert_int_eq(type(line, &done), LINE_DONE);
    }
    FILE *f = fopen(history, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) lines += strstr(line, "0.") != NULL;
    fclose(f);
    ck_assert_int_ge(lines, 1000);
    ck_assert_int_le(lines, 1050);
    ck_assert_ptr_nonnull(strstr(line, "0.2299"));
    ck_assert_int_eq(stat(history, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0600);
    text_free(&done);
    close_home();
}
END_TEST

START_TEST(what_is_pasted_is_letters_only_and_no_longer_than_a_line)
{
    struct text done = {0};
    char much[5000];
    int cursor;
    open_home();
    line_begin();
    ck_assert(line_put("knob\tp\n0.5\033[A\1", 14));
    ck_assert_str_eq(line_typed(&cursor), "knob p 0.5[A");
    memset(much, 'x', sizeof much);
    much[sizeof much - 1] = 0;
    ck_assert(!line_put(much, sizeof much - 1));
    ck_assert_uint_eq(strlen(line_typed(&cursor)), LINE_MOST);
    ck_assert_int_eq(type("yyy", &done), LINE_TYPING);
    ck_assert_uint_eq(strlen(line_typed(&cursor)), LINE_MOST);
    line_begin();
    memset(much, '.', 1022);
    strcpy(much + 1022, "\xc3\xa9"); /* one byte of it would fit */
    ck_assert(!line_put(much, 1024));
    ck_assert_uint_eq(strlen(line_typed(&cursor)), 1022);
    line_end();
    text_free(&done);
    close_home();
}
END_TEST

START_TEST(ctrl_d_leaves_an_empty_line_only)
{
    struct text done = {0};
    open_home();
    line_begin();
    ck_assert_int_eq(type("a\004", &done), LINE_TYPING);
    ck_assert_int_eq(type("\177\004", &done), LINE_LEFT);
    ck_assert_int_eq(line_key("a", &done), LINE_LEFT);
    text_free(&done);
    close_home();
}
END_TEST

START_TEST(the_environment_is_left_alone)
{
    struct text done = {0};
    open_home();
    unsetenv("LINES");
    unsetenv("COLUMNS");
    line_begin();
    type("abc\r", &done);
    ck_assert_ptr_null(getenv("LINES"));
    ck_assert_ptr_null(getenv("COLUMNS"));
    text_free(&done);
    close_home();
}
END_TEST

SUITE(line)
{
    TCase *tc = tcase_create("line");
    tcase_add_loop_test(tc, line_edits, 0, sizeof edits / sizeof *edits);
    tcase_add_test(tc, tab_shows_what_a_word_could_become);
    tcase_add_test(tc, lines_are_recalled_and_kept_for_oneself);
    tcase_add_test(tc, the_history_is_capped_and_stays_private);
    tcase_add_test(tc, what_is_pasted_is_letters_only_and_no_longer_than_a_line);
    tcase_add_test(tc, ctrl_d_leaves_an_empty_line_only);
    tcase_add_test(tc, the_environment_is_left_alone);
    suite_add_tcase(suite, tc);
}
