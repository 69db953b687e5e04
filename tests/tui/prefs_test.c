/* tests/tui/prefs_test.c - A person's own settings: what holds, and what is said of what does not.
 */
#include "core/base/place.h"
#include "tests/check.h"
#include "tui/app/keys.h"
#include "tui/app/prefs.h"

#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct prefs prefs;
static struct text wrong;

static bool read_bytes(const char *bytes, size_t n)
{
    snprintf(path, sizeof path, "/tmp/vanpool-prefs-%d.ini", (int)getpid());
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
    text_clear(&wrong);
    keys_restore();
    bool there = prefs_read(&prefs, path, &wrong);
    unlink(path);
    return there;
}

static bool read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

START_TEST(settings_hold_and_say_nothing)
{
    ck_assert(read_text("# mine\n[keys]\nquit = Q Ctrl-X\n  down = j Down  ; like vi\nmore = + =\n"
                        "[screen]\r\ntheme = light\ncolor = always\ncharset=block\nmouse = off\n"));
    ck_assert_str_eq(text_str(&wrong), "");
    ck_assert_str_eq(prefs.theme->name, "light");
    ck_assert_int_eq(prefs.color, TERMINAL_COLOR_ALWAYS);
    ck_assert_int_eq(prefs.charset, TERMINAL_CHARSET_BLOCK);
    ck_assert(!prefs.mouse);
    ck_assert_str_eq(key_entry_of("Ctrl-X")->action, "quit");
    ck_assert_str_eq(key_entry_of("j")->action, "down");
    ck_assert_str_eq(key_entry_of("=")->action, "more");
    ck_assert_ptr_null(key_entry_of("q"));
    keys_restore();
}
END_TEST

static const struct wrong_line {
    const char *line, *says;
} wrongs[] = {
    {"quitt = Q", "did you mean quit"},
    {"quit = Ctrl-q", "no key"},
    {"quit", "a line is NAME = VALUE"},
    {"quit =", "names no key"},
    {"[keys", "a section is [NAME]"},
    {"[colours]\nx = y\n[keys]", "there is no section [colours]"},
    {"[screen]\ntheme = ligth\n[keys]", "did you mean light"},
    {"[screen]\nmouse = maybe\n[keys]", "mouse is one of off, on"},
    {"[screen]\ncharest = ascii\n[keys]", "did you mean charset"},
    {"\x01\xff = \xc3", "there is no action"},
};

START_TEST(a_wrong_line_is_said_with_its_place_and_skipped)
{
    char text[512], place[96];
    const struct wrong_line *w = &wrongs[_i];
    snprintf(text, sizeof text, "[keys]\n%s\npause = P\n", w->line);
    ck_assert(read_text(text));
    ck_assert_msg(strstr(text_str(&wrong), w->says), "%s", text_str(&wrong));
    snprintf(place, sizeof place, "%s:%d: ", path, strchr(w->line, '\n') ? 3 : 2);
    ck_assert_msg(strstr(text_str(&wrong), place), "%s is not in %s", place, text_str(&wrong));
    ck_assert_ptr_eq(strchr(text_str(&wrong), '\n') + 1, strchr(text_str(&wrong), 0));
    ck_assert_str_eq(key_entry_of("P")->action, "pause");
    keys_restore();
}
END_TEST

START_TEST(long_lines_zero_bytes_and_folders_are_no_settings)
{
    char text[70000];
    memset(text, 'x', sizeof text);
    memcpy(text, "[screen]\n", 9);
    memcpy(text + 4000, "\nmouse = off\n", 14);
    ck_assert(read_text(text));
    ck_assert_ptr_nonnull(strstr(text_str(&wrong), "too long"));
    ck_assert(!prefs.mouse);
    ck_assert(read_bytes("[screen]\nmouse = off\n\0theme = x\n", 32));
    ck_assert_ptr_nonnull(strstr(text_str(&wrong), "0 byte"));
    text[4012] = 'x', memset(text + 4000, 'x', 66000);
    ck_assert(read_bytes(text, sizeof text));
    ck_assert_uint_gt(wrong.size, 0);
    text_clear(&wrong);
    ck_assert(prefs_read(&prefs, "/tmp", &wrong));
    ck_assert_ptr_nonnull(strstr(text_str(&wrong), "no plain file"));
    text_clear(&wrong);
    ck_assert(!prefs_read(&prefs, "/tmp/there/is/no/such", &wrong));
    ck_assert_uint_eq(wrong.size, 0);
    ck_assert(prefs.mouse);
}
END_TEST

START_TEST(files_lie_where_the_environment_says)
{
    char at[PLACE_LONGEST];
    setenv("HOME", "/home/me", 1);
    setenv("XDG_CONFIG_HOME", "/conf", 1);
    unsetenv("XDG_STATE_HOME");
    ck_assert_str_eq(prefs_path(at), "/conf/vanpool/config.ini");
    setenv("XDG_CONFIG_HOME", "not/whole", 1);
    ck_assert_str_eq(prefs_path(at), "/home/me/.config/vanpool/config.ini");
    ck_assert(place_of(PLACE_STATE, "history", at));
    ck_assert_str_eq(at, "/home/me/.local/state/vanpool/history");
    unsetenv("HOME");
    ck_assert(!place_of(PLACE_STATE, "history", at));
    ck_assert_str_eq(at, "");
}
END_TEST

/* ---- themes ---- */

START_TEST(every_theme_keeps_to_its_colours_at_every_depth)
{
    const struct theme *t = theme_at(_i);
    ck_assert_ptr_eq(theme_find(t->name, NULL), t);
    for (int depth = THEME_MONO; depth <= THEME_256; depth++)
        for (int ink = 0; ink < INK_COUNT; ink++) {
            struct theme_look look = theme_look(t, (enum theme_depth)depth, (enum ink)ink);
            int most = depth < (int)t->most ? depth : (int)t->most;
            int colours = most == THEME_256 ? 256 : most == THEME_16 ? 16 : most == THEME_8 ? 8 : 0;
            ck_assert_msg(look.fore < colours && look.back < colours, "%s, depth %d, ink %d",
                          t->name, depth, ink);
            ck_assert_msg(look.fore == -1 || look.fore != look.back, "%s, depth %d, ink %d",
                          t->name, depth, ink);
        }
}
END_TEST

START_TEST(the_ramp_and_the_vans_keep_apart_in_every_theme)
{
    const struct theme *t = theme_at(_i);
    for (int depth = THEME_MONO; depth <= THEME_256; depth++)
        for (int a = INK_HEAT0; a < INK_HEAT5; a++) {
            struct theme_look one = theme_look(t, (enum theme_depth)depth, (enum ink)a),
                              next = theme_look(t, (enum theme_depth)depth, (enum ink)(a + 1));
            bool coloured = depth > THEME_MONO && t->most > THEME_MONO;
            ck_assert_msg(!coloured || one.back != next.back, "%s, depth %d, heat %d", t->name,
                          depth, a - INK_HEAT0);
        }
    for (int a = INK_VAN0; a <= INK_VAN7; a++)
        for (int b = a + 1; b <= INK_VAN7 && t->most >= THEME_16; b++)
            ck_assert_msg(theme_look(t, THEME_256, (enum ink)a).fore !=
                              theme_look(t, THEME_256, (enum ink)b).fore,
                          "%s: vans %d and %d", t->name, a - INK_VAN0 + 1, b - INK_VAN0 + 1);
}
END_TEST

START_TEST(auto_is_light_where_the_ground_is)
{
    static const struct {
        const char *said, *want;
    } cases[] = {
        {NULL, "dark"},       {"", "dark"},    {"15;0", "dark"},          {"0;15", "light"},
        {"0;7", "light"},     {"0;8", "dark"}, {"0;default;15", "light"}, {"0;x", "dark"},
        {"0;default", "dark"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(theme_auto(cases[i].said)->name, cases[i].want);
}
END_TEST

SUITE(prefs)
{
    int themes = 0;
    while (theme_at(themes)) themes++;
    TCase *tc = tcase_create("settings");
    tcase_add_test(tc, settings_hold_and_say_nothing);
    tcase_add_loop_test(tc, a_wrong_line_is_said_with_its_place_and_skipped, 0,
                        sizeof wrongs / sizeof *wrongs);
    tcase_add_test(tc, long_lines_zero_bytes_and_folders_are_no_settings);
    tcase_add_test(tc, files_lie_where_the_environment_says);
    suite_add_tcase(suite, tc);
    tc = tcase_create("themes");
    tcase_add_loop_test(tc, every_theme_keeps_to_its_colours_at_every_depth, 0, themes);
    tcase_add_loop_test(tc, the_ramp_and_the_vans_keep_apart_in_every_theme, 0, themes);
    tcase_add_test(tc, auto_is_light_where_the_ground_is);
    suite_add_tcase(suite, tc);
}
