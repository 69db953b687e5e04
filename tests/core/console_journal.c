/* tests/core/console_journal.c - A state describes a run: from its words comes the same model, bit
 * by bit, and what is no state is refused in one sentence. */
#include "core/console/journal.h"
#include "core/console/console.h"
#include "core/train/trainer.h"
#include "tests/check.h"

#include <unistd.h>

static struct console *opened(const char *data, const char *strategy)
{
    struct config c;
    struct err e = {0};
    ck_assert_msg(config_start(&c, data, strategy, &e), "%s", e.text);
    struct console *console = console_open(&c, &e);
    ck_assert_msg(console != NULL, "%s", e.text);
    return console;
}

/* The line and all that it leads to: steps, and scripts' lines. */
static void say(struct console *c, const char *line, struct text *out)
{
    char next[1024];
    struct err e = {0};
    ck_assert_msg(console_do(c, line, out, &e), "%s: %s", line, e.text);
    for (;;) {
        while (console_busy(c)) ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
        if (!console_next(c, next, sizeof next)) return;
        ck_assert_msg(console_do(c, next, out, &e), "%s: %s", next, e.text);
    }
}

static char *state_of(struct console *c)
{
    struct text out = {0};
    say(c, "state", &out);
    out.at[strcspn(out.at, "\n")] = 0;
    return out.at;
}

/* All that is not time. */
static void same_model(struct console *a, struct console *b)
{
    static struct snapshot x, y;
    x = *console_snapshot(a), y = *console_snapshot(b);
    ck_assert_int_eq(x.step, y.step);
    ck_assert_ptr_eq(x.router, y.router);
    for (int i = 0; i < snapshot_field_count; i++) {
        const struct field *f = &snapshot_fields[i];
        if (strcmp(f->name, "tokens_per_s") == 0 || strcmp(f->name, "step_ms") == 0 ||
            strcmp(f->name, "wall_s") == 0)
            continue;
        double p = field_get(f, &x), q = field_get(f, &y);
        ck_assert_msg(memcmp(&p, &q, sizeof p) == 0, "%s: %.17g and %.17g", f->name, p, q);
    }
    ck_assert(memcmp(x.knob, y.knob, sizeof x.knob) == 0);
    ck_assert(memcmp(x.setting, y.setting, sizeof x.setting) == 0);
    ck_assert(memcmp(x.logits, y.logits, sizeof x.logits) == 0);
    ck_assert(memcmp(x.token, y.token, sizeof x.token) == 0);
}

static const struct {
    const char *data, *strategy, *lines[8];
} runs[] = {
    {"orders", "topk", {"train 30"}},
    {"orders", "topk", {"train 20", "router topp p=0.7", "train 20", "knob p 0.5", "lr 0.002"}},
    {"orders", "topp", {"set lr 0.01", "train 10", "set experts 4", "reset seed=9", "train 15"}},
    {"orders", "topp", {"train 10", "break 2", "clone 1 3", "train 5", "mend 2", "train 5"}},
    {"orders", "topk", {"train 9", "freeze 4", "train 3", "retire 1", "train 4", "hire 1", "step"}},
    {"orders", "topk", {"train 9", "router topp", "train 5", "undo", "train 5", "redo", "train 3"}},
    {"orders", "topk", {"train 9", "knob k 3", "train 9", "rewind 12", "train 8"}},
    {"orders", "topk", {"train 9", "knob k 3", "train 9", "rewind 9", "train 8"}},
    {"orders", "topk", {"train 9", "knob k 3", "train 9", "rewind 5", "undo", "train 4"}},
    {"orders", "moepp", {"router moepp paper", "train 10", "set counts shuffled", "train 10"}},
    {"orders", "dynmoe", {"train 10", "state \"strategy=remoe step=7\"", "train 8"}},
    {"ledger", "topk", {"train 5", "data orders", "train 12", "router blockffn", "train 5"}},
};
enum { RUNS = sizeof runs / sizeof *runs };

START_TEST(a_state_gives_the_same_model)
{
    struct text out = {0}, line = {0};
    struct console *a = opened(runs[_i].data, runs[_i].strategy), *b = opened("orders", "topk");
    for (int i = 0; runs[_i].lines[i]; i++) say(a, runs[_i].lines[i], &out);
    char *state = state_of(a);
    text_add(&line, "state \"%s view=load cursor=3\"", state);
    say(b, "train 3", &out);
    say(b, text_str(&line), &out);
    same_model(a, b);
    char *again = state_of(b);
    ck_assert_str_eq(state, again);
    free(state), free(again);
    text_free(&out), text_free(&line);
    console_close(a), console_close(b);
}
END_TEST

START_TEST(a_state_can_go_on_from_a_checkpoint)
{
    char file[] = "/tmp/vanpool state,XXXXXX", line[200];
    close(mkstemp(file));
    struct text out = {0}, words = {0};
    struct console *a = opened("orders", "topk"), *b = opened("ledger", "remoe");
    say(a, "train 12", &out);
    snprintf(line, sizeof line, "save \"%s\"", file);
    say(a, line, &out);
    snprintf(line, sizeof line, "load \"%s\"", file);
    say(a, line, &out);
    say(a, "router remoe", &out);
    say(a, "train 9", &out);
    char *state = state_of(a);
    ck_assert_ptr_nonnull(strstr(state, "from=/tmp/vanpool%20state%2C"));
    text_add(&words, "state \"%s\"", state);
    say(b, text_str(&words), &out);
    same_model(a, b);
    unlink(file);
    strcat(strcpy(line, file), ".config.json");
    unlink(line);
    free(state);
    text_free(&out), text_free(&words);
    console_close(a), console_close(b);
}
END_TEST

START_TEST(going_back_forgets_what_came_after)
{
    struct journal j = {0};
    struct config c;
    struct text out = {0};
    ck_assert(config_start(&c, "orders", "topk", NULL));
    journal_begin(&j, &c, NULL);
    journal_note(&j, 10, 2, (char *[]){"router", "topp"});
    journal_note(&j, 20, 3, (char *[]){"knob", "p", "0.5"});
    journal_note(&j, 30, 2, (char *[]){"lr", "0.1"});
    journal_cut(&j, 20);
    ck_assert(journal_write(&j, 25, &out, NULL));
    ck_assert_str_eq(text_str(&out),
                     "data=orders strategy=topk seed=1 @10:router,topp @20:knob,p,0.5 step=25");
    text_free(&out);
    journal_free(&j);
}
END_TEST

START_TEST(what_is_no_state_gets_one_sentence)
{
    static const struct {
        const char *words, *say;
    } cases[] = {
        {"data=ordres", "did you mean orders?"},
        {"strategy=tokp", "did you mean topk?"},
        {"base=papr", "base is start or paper"},
        {"k=99", "from 1 to 8"},
        {"nothing=3", "has no knob"},
        {"florble", "is no word of a state"},
        {"=3", "is no word of a state"},
        {"step=-3", "whole number"},
        {"step=99999999999999999999", "whole number"},
        {"layer=0", "whole number"},
        {"@x:router,topp", "is no change of a state"},
        {"@20:router,topp @10:lr,1", "none before step 20"},
        {"@5:say,%22", "no quote"},
        {"from=/nonexistent.st", "nonexistent"},
    };
    struct console *c = opened("orders", "topk");
    struct text out = {0};
    say(c, "train 4", &out);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        struct err e = {0};
        snprintf(line, sizeof line, "state \"%s\"", cases[i].words);
        ck_assert_msg(!console_do(c, line, &out, &e), "%s", line);
        ck_assert_msg(strstr(e.text, cases[i].say) != NULL, "%s: %s", line, e.text);
    }
    ck_assert_int_eq(console_snapshot(c)->step, 4); /* nothing was lost */
    text_free(&out);
    console_close(c);
}
END_TEST

SUITE(console_journal)
{
    TCase *tc = tcase_create("console_journal");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, a_state_gives_the_same_model, 0, RUNS);
    tcase_add_test(tc, a_state_can_go_on_from_a_checkpoint);
    tcase_add_test(tc, going_back_forgets_what_came_after);
    tcase_add_test(tc, what_is_no_state_gets_one_sentence);
    suite_add_tcase(suite, tc);
}
