/* The verbs why, regret, try and write: what they say, what they refuse, and that a session goes on
 * hearing while they are at work. */
#include "core/base/clock.h"
#include "core/session/session.h"
#include "tests/core/model_rig.h"

#include <unistd.h>

static struct console *open_on(const char *data, const char *strategy)
{
    struct err e = {0};
    struct config c = strcmp(data, "text") == 0
                          ? rig_config("text", strategy, "cpu", "batch=4", "context=32", NULL)
                          : rig_config(data, strategy, "cpu", "batch=16", NULL);
    struct console *k = console_open(&c, &e);
    ck_assert_msg(k != NULL, "%s", e.text);
    return k;
}

static struct text said;

static const char *hear(struct console *c, const char *line)
{
    struct err e = {0};
    text_clear(&said);
    ck_assert_msg(console_do(c, line, &said, &e), "%s: %s", line, e.text);
    return text_str(&said);
}

static void refused(struct console *c, const char *line, const char *because)
{
    struct err e = {0};
    text_clear(&said);
    ck_assert_msg(!console_do(c, line, &said, &e), "%s was done", line);
    ck_assert_msg(strstr(e.text, because) != NULL, "%s: '%s' does not say '%s'", line, e.text,
                  because);
}

static void says(const char *got, const char *want)
{
    ck_assert_msg(strstr(got, want) != NULL, "'%s' does not say '%s'", got, want);
}

static void train(struct console *c, int steps)
{
    struct err e = {0};
    char line[32];
    snprintf(line, sizeof line, "train %d", steps);
    hear(c, line);
    while (console_busy(c)) ck_assert_msg(console_step(c, false, false, &e), "%s", e.text);
}

START_TEST(why_says_what_the_snapshot_then_holds)
{
    struct console *c = open_on("orders", "topk");
    char want[64];
    train(c, 5);
    const char *got = hear(c, "why 7");
    const struct snap_probe *p = &console_snapshot(c)->probe;
    says(got, "token 7 (#7) in layer 1 after 5 steps: loss ");
    snprintf(want, sizeof want, "with its 0 to 8 best experts: %.3f %.3f", (double)p->with[0],
             (double)p->with[1]);
    says(got, want);
    NEAR((double)p->with[2], (double)p->loss, 1e-5, 1e-5, "topk takes the two best");
    NEAR((double)p->loss, (double)console_snapshot(c)->token[7].loss, 1e-5, 1e-5, "the window's");
    says(hear(c, "why"), "token 7 ");
    says(hear(c, "why 3"), "token 3 ");
    refused(c, "why x", "whole number");
    refused(c, "why 64", "0 to 63");
    refused(c, "why 999999999", "0 to 63");
    refused(c, "why 1 2", "fewer words");
    got = hear(c, "regret");
    says(got, "64 tokens in layer 1 after 5 steps, 2.00 experts each");
    says(hear(c, "show regret"), "regret 0.");
    console_close(c);
}
END_TEST

START_TEST(an_order_of_chosen_types_leads_the_window_until_try_alone)
{
    struct console *c = open_on(_i ? "districts" : "orders", "topp");
    train(c, 3);
    says(hear(c, "try 2 5 8"), "your order needs 3: experts");
    const struct snapshot *s = console_snapshot(c);
    ck_assert(s->typed.on);
    ck_assert_int_eq(s->token[0].need, 3);
    ck_assert_str_eq(s->token[0].text, "yours");
    ck_assert_str_eq(s->token[1].text, "#1");
    float first = s->token[0].loss;
    hear(c, "try 2 5 8"); /* another order of the same types */
    ck_assert_float_ne(console_snapshot(c)->token[0].loss, first);
    refused(c, "try 0", "1 to 8");
    refused(c, "try 9", "1 to 8");
    refused(c, "try sofa", "1 to 8");
    refused(c, "try 3 3", "twice");
    refused(c, "write 5", "writes no text");
    ck_assert_str_eq(console_snapshot(c)->token[0].text, "yours"); /* nothing was lost */
    hear(c, "try");
    ck_assert_str_eq(console_snapshot(c)->token[0].text, "#0");
    console_close(c);
}
END_TEST

START_TEST(a_sentence_is_routed_as_the_same_bytes_of_a_file_are)
{
    struct console *c = open_on("text", "topp");
    train(c, 10);
    static struct snapshot window;
    char line[64];
    window = *console_snapshot(c);
    int n = snprintf(line, sizeof line, "try \"");
    for (int i = 0; i < 32; i++) /* the first sequence of the window, byte by byte */
        n += snprintf(line + n, sizeof line - (size_t)n, "%s",
                      strcmp(window.token[i].text, "⏎") ? window.token[i].text : "\n");
    snprintf(line + n, sizeof line - (size_t)n, "\"");
    hear(c, line);
    const struct snapshot *s = console_snapshot(c);
    ck_assert_int_eq(s->tokens, 32);
    ck_assert_int_eq(s->typed.typed, 32);
    for (int i = 0; i < 32; i++) {
        ck_assert_str_eq(s->token[i].text, window.token[i].text);
        ck_assert_int_eq(
            memcmp(s->token[i].taken, window.token[i].taken, sizeof window.token[i].taken), 0);
        if (i < 31) NEAR((double)s->token[i].loss, (double)window.token[i].loss, 1e-4, 0, "%d", i);
    }
    hear(c, "try");
    ck_assert_int_eq(console_snapshot(c)->tokens, window.tokens);
    console_close(c);
}
END_TEST

START_TEST(long_texts_are_cut_with_a_sign_and_any_byte_is_shown)
{
    struct console *c = open_on("text", "topk");
    char line[1000];
    snprintf(line, sizeof line, "try \"%0*d\"", 900, 7);
    says(hear(c, line), "the first 256 bytes; 644 more do not fit …");
    ck_assert_int_eq(console_snapshot(c)->tokens, 256);
    hear(c, "try \"z\xc3\xa4\x01\xff\"");
    const struct snapshot *s = console_snapshot(c);
    ck_assert_int_eq(s->tokens, 5);
    ck_assert_str_eq(s->token[1].text, "ä");
    ck_assert_str_eq(s->token[3].text, "␁");
    ck_assert(isnan(s->token[4].loss)); /* nothing follows it */
    refused(c, "try \"\"", "nothing");
    hear(c, "try two words");
    ck_assert_int_eq(console_snapshot(c)->tokens, 9);
    console_close(c);
}
END_TEST

static bool keep_byte(void *to, unsigned char byte, double experts)
{
    (void)experts;
    text_put(to, (const char *)&byte, 1);
    return true;
}

START_TEST(writing_goes_on_from_what_was_typed_as_sample_does)
{
    struct console *c = open_on("text", "topk");
    struct err e = {0};
    train(c, 30);
    hear(c, "try \"the van\"");
    char mine[128];
    snprintf(mine, sizeof mine, "%s", hear(c, "write 40 0"));
    ck_assert_int_eq(console_snapshot(c)->typed.written, 40);
    ck_assert_int_eq(console_snapshot(c)->tokens, 47);
    struct text theirs = {0};
    ck_assert(trainer_sample(console_trainer(c), "the van", 40, 0, 1, keep_byte, &theirs, &e));
    text_put(&theirs, "\n", 1);
    ck_assert_str_eq(mine, text_str(&theirs));
    text_free(&theirs);
    hear(c, "write 300");
    const struct snapshot *s = console_snapshot(c);
    ck_assert_int_le(s->tokens, SNAP_TOKENS);
    ck_assert_int_eq(s->typed.first + s->tokens, 7 + 340); /* the newest is in sight */
    ck_assert_int_eq(s->typed.first % 32, 0);
    refused(c, "write 5000", "do not fit");
    refused(c, "write 5 x", "temperature");
    hear(c, "router expertchoice");
    refused(c, "write 5", "cannot write");
    console_close(c);
}
END_TEST

START_TEST(trying_and_writing_leave_no_trace_in_the_training)
{
    struct console *a = open_on("text", "topp"), *b = open_on("text", "topp");
    for (int i = 0; i < 4; i++) {
        train(a, 2), train(b, 2);
        hear(b, "try \"the piano\""), hear(b, "write 9"), hear(b, "why 3");
    }
    rig_same_bits(console_trainer(a), console_trainer(b), "a text of one's own");
    console_close(a), console_close(b);
}
END_TEST

/* ---- in a session ---- */
static struct snapshot now;

static struct session_answer answer_of(struct session *s, const char *line)
{
    struct session_answer a;
    double end = clock_now() + 20;
    ck_assert(session_say(s, line));
    while (!session_answer(s, &a)) {
        ck_assert_msg(clock_now() < end, "no answer to %s", line);
        usleep(500);
    }
    ck_assert_msg(a.ok, "%s: %s", line, a.text);
    return a;
}

static void wait_idle(struct session *s)
{
    double end = clock_now() + 20;
    do {
        ck_assert_msg(clock_now() < end, "still asking");
        usleep(500);
        session_snapshot(s, &now);
    } while (now.asking);
}

START_TEST(a_session_answers_at_once_and_lets_the_work_follow)
{
    struct err e = {0};
    struct session_answer a;
    struct config config = rig_config("text", "topk", "cpu", "batch=4", "context=32", NULL);
    struct session *s = session_open(&config, _i ? "pause" : NULL, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    answer_of(s, "lr");
    ck_assert(session_snapshot(s, &now));
    answer_of(s, "why 9");
    ck_assert(session_snapshot(s, &now));
    ck_assert(now.asking || now.probe.token == 9);
    wait_idle(s);
    ck_assert_int_eq(now.probe.token, 9);
    ck_assert(isfinite(now.probe.loss));
    ck_assert(session_said(s, &a));
    ck_assert_ptr_nonnull(strstr(a.text, "token 9 "));
    ck_assert(!session_said(s, &a));
    answer_of(s, "try \"the box\"");
    answer_of(s, "write 60");
    answer_of(s, "knob k 3"); /* while it writes */
    wait_idle(s);
    ck_assert_int_eq(now.typed.written, 60);
    ck_assert_int_eq(now.tokens, 67);
    if (!_i) ck_assert_int_gt(now.step, 0);
    session_close(s);
}
END_TEST

SUITE(console_probe)
{
    TCase *tc = tcase_create("verbs");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, why_says_what_the_snapshot_then_holds);
    tcase_add_loop_test(tc, an_order_of_chosen_types_leads_the_window_until_try_alone, 0, 2);
    tcase_add_test(tc, a_sentence_is_routed_as_the_same_bytes_of_a_file_are);
    tcase_add_test(tc, long_texts_are_cut_with_a_sign_and_any_byte_is_shown);
    tcase_add_test(tc, writing_goes_on_from_what_was_typed_as_sample_does);
    tcase_add_test(tc, trying_and_writing_leave_no_trace_in_the_training);
    tcase_add_loop_test(tc, a_session_answers_at_once_and_lets_the_work_follow, 0, 2);
    suite_add_tcase(suite, tc);
}
