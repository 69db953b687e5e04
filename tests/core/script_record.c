/* tests/core/script_record.c - Records: written line by line, read with file and line where they
 * are broken, and true to what ran. And the rules of a class. */
#include "core/console/console.h"
#include "core/script/policy.h"
#include "core/script/record.h"
#include "core/train/trainer.h"
#include "tests/check.h"

#include <unistd.h>

static char path[64];

static void fresh(const char *content)
{
    snprintf(path, sizeof path, "/tmp/vanpool-record-%d", (int)getpid());
    unlink(path);
    if (!content) return;
    FILE *f = fopen(path, "wb");
    fputs(content, f);
    fclose(f);
}

static struct console *open_console(void)
{
    struct config c;
    struct err e = {0};
    ck_assert(config_start(&c, "orders", "topk", &e));
    c.threads = 1;
    struct console *k = console_open(&c, &e);
    ck_assert_msg(k != NULL, "%s", e.text);
    return k;
}

static void say(struct console *k, const char *line)
{
    struct text out = {0};
    struct err e = {0};
    ck_assert_msg(console_do(k, line, &out, &e), "%s: %s", line, e.text);
    while (console_busy(k)) ck_assert(console_step(k, false, false, NULL));
    text_free(&out);
}

static bool refuses(struct console *k, const char *line, const char *says)
{
    struct text out = {0};
    struct err e = {0};
    bool ok = console_do(k, line, &out, &e);
    text_free(&out);
    return !ok && strstr(e.text, says) != NULL;
}

START_TEST(a_record_holds_lines_steps_and_fingerprints)
{
    fresh(NULL);
    struct console *k = open_console();
    char line[96];
    snprintf(line, sizeof line, "record %s", path);
    say(k, line);
    say(k, "train 120");
    say(k, "router topp p=0.5");
    say(k, "show loss"); /* tells only */
    say(k, "note hello there");
    say(k, "train 30");
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)trainer_hash(console_trainer(k)));
    say(k, "record stop");
    console_close(k);
    struct err e = {0};
    json_t *all = record_read(path, &e);
    ck_assert_msg(all != NULL, "%s", e.text);
    static const struct {
        const char *type, *key, *value;
        int made;
    } want[] = {{"record", "strategy", "topk", -1},   {"line", "line", "train 120", 0},
                {"sample", "strategy", "topk", 100},  {"line", "line", "router topp p=0.5", 120},
                {"note", "text", "hello there", 120}, {"line", "line", "train 30", 120},
                {"sample", "strategy", "topp", 150}};
    ck_assert_uint_eq(json_array_size(all), sizeof want / sizeof *want);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *o = json_array_get(all, i);
        ck_assert_str_eq(json_string_value(json_object_get(o, "type")), want[i].type);
        ck_assert_str_eq(json_string_value(json_object_get(o, want[i].key)), want[i].value);
        if (want[i].made >= 0)
            ck_assert_int_eq(json_integer_value(json_object_get(o, "made")), want[i].made);
    }
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(all, 6), "hash")), hash);
    json_decref(all);
    fresh(NULL);
}
END_TEST

START_TEST(a_record_is_never_written_over_and_begins_with_a_fresh_model)
{
    char line[96];
    fresh("something of mine\n");
    struct console *k = open_console();
    snprintf(line, sizeof line, "record %s", path);
    ck_assert(refuses(k, line, "never written over"));
    fresh(NULL);
    ck_assert(refuses(k, "record stop", "nothing"));
    say(k, "train 1");
    ck_assert(refuses(k, line, "fresh model"));
    console_close(k);
}
END_TEST

#define HEAD "{\"type\":\"record\"}\n"
static const struct broken_case {
    const char *content, *says; /* NULL: it is read */
    size_t lines;
} brokens[] = {
    {"", "empty", 0},
    {"hello\n", ":1: this is no record", 0},
    {"{\"type\":\"line\"}\n", ":1: this is no record", 0},
    {"[]\n", ":1:", 0},
    {HEAD "{\"type\":3}\n", ":2:", 0},
    {HEAD "{}\n" HEAD, ":2:", 0},
    {HEAD "{\"type\":\"line\"\n", ":2:", 0},
    {HEAD "{\"type\":\"li", NULL, 1}, /* the writer died in the middle of a line */
    {HEAD "{\"type\":\"line\"}\n", NULL, 2},
};

START_TEST(a_broken_record_is_refused_with_file_and_line)
{
    const struct broken_case *c = &brokens[_i];
    struct err e = {0};
    fresh(c->content);
    json_t *all = record_read(path, &e);
    if (c->says) {
        ck_assert_ptr_null(all);
        ck_assert_msg(strstr(e.text, c->says) != NULL, "%s", e.text);
        ck_assert_int_eq(e.code, ERR_INPUT);
    } else {
        ck_assert_msg(all != NULL, "%s", e.text);
        ck_assert_uint_eq(json_array_size(all), c->lines);
    }
    json_decref(all);
    fresh(NULL);
}
END_TEST

/* ---- rules of a class ---- */

START_TEST(what_a_class_fixes_and_locks_stays)
{
    char line[96];
    fresh("[fix]\nseed = 7\n[lock]\ncommands = load, data\nknobs = aux\nstrategies = topk, topp\n");
    struct console *k = open_console();
    snprintf(line, sizeof line, "policy %s", path);
    say(k, line);
    ck_assert_double_eq(trainer_config(console_trainer(k))->value[CONFIG_SEED], 7);
    ck_assert(refuses(k, "seed 3", "locked"));
    ck_assert(refuses(k, "set seed 3", "locked"));
    ck_assert(refuses(k, "reset seed=3", "locked"));
    ck_assert(refuses(k, "data districts", "locked"));
    ck_assert(refuses(k, "dat districts", "locked"));
    ck_assert(refuses(k, "knob aux 0.5", "locked"));
    ck_assert(refuses(k, "set aux=0.5", "locked"));
    ck_assert(refuses(k, "router topk aux=0.5", "locked"));
    ck_assert(refuses(k, "router remoe", "locked"));
    ck_assert(refuses(k, line, "in force already"));
    say(k, "router topp p=0.5");
    say(k, "reset");
    ck_assert_double_eq(trainer_config(console_trainer(k))->value[CONFIG_SEED], 7);
    console_close(k);
    fresh(NULL);
}
END_TEST

static const struct rule_case {
    const char *content;
    int line;
} rules[] = {
    {"seed = 7\n", 1},
    {"[fix]\nseed\n", 2},
    {"[lock]\ncommands = trian\n", 2},
    {"[lock]\nstrategies = topk, nonsense\n", 2},
    {"[lock]\ncolours = red\n", 2},
    {"[other]\nx = 1\n", 2},
};

START_TEST(wrong_rules_are_refused_with_file_and_line)
{
    struct policy p;
    struct err e = {0};
    char want[16];
    fresh(rules[_i].content);
    ck_assert(!policy_read(&p, path, &e));
    snprintf(want, sizeof want, ":%d:", rules[_i].line);
    ck_assert_msg(strstr(e.text, want) != NULL, "%s", e.text);
    fresh(NULL);
}
END_TEST

SUITE(script_record)
{
    TCase *c = tcase_create("record");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_record_holds_lines_steps_and_fingerprints);
    tcase_add_test(c, a_record_is_never_written_over_and_begins_with_a_fresh_model);
    tcase_add_loop_test(c, a_broken_record_is_refused_with_file_and_line, 0,
                        sizeof brokens / sizeof *brokens);
    tcase_add_test(c, what_a_class_fixes_and_locks_stays);
    tcase_add_loop_test(c, wrong_rules_are_refused_with_file_and_line, 0,
                        sizeof rules / sizeof *rules);
    suite_add_tcase(suite, c);
}
