/* tui/cli/flags_run.c - What flags mean: the run that they name, or what they change in one that
 * was saved. Data and strategy come first, then what belongs to them. */
#include "core/console/journal.h"
#include "core/console/scenario.h"
#include "core/model/checkpoint.h"
#include "core/script/command.h"
#include "core/script/packed.h"
#include "tui/cli/flags.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool one_of(const char *flag, const char *value, const char *const *words, struct err *e)
{
    struct text all = {0};
    int n = 0;
    for (; words[n]; n++) {
        if (strcmp(words[n], value) == 0) return text_free(&all), true;
        text_add(&all, "%s%s", n ? ", " : "", words[n]);
    }
    err_set(e, ERR_USAGE, "--%s is one of %s; '%.40s' is none of them%s", flag, text_str(&all),
            value, ERR_MEANT(value, words, n, ""));
    text_free(&all);
    return false;
}

bool flags_machine(const struct flags *f, struct config *c, struct err *e)
{
    static const char *const backends[] = {"auto", "cpu", "cuda", "ref", NULL};
    static const char *const levels[] = {"auto", "sse2", "avx2", "avx512", NULL};
    if (f->backend && !one_of("backend", f->backend, backends, e)) return false;
    if (f->simd && !one_of("simd", f->simd, levels, e)) return false;
    if (f->backend) snprintf(c->backend, sizeof c->backend, "%s", f->backend);
    if (f->simd) snprintf(c->simd, sizeof c->simd, "%s", f->simd);
    if (f->threads >= 0) c->threads = (int)f->threads;
    return true;
}

/* "text:A" and "text:B" become "text:A\nB"; anything else stands alone. */
static bool join_data(const struct flags *f, char *to, size_t size, struct err *e)
{
    size_t n = (size_t)snprintf(to, size, "%s", f->data.count ? f->data.at[0] : "orders");
    for (int i = 1; i < f->data.count; i++) {
        const char *first = f->data.at[0], *more = f->data.at[i];
        if (strncmp(first, "text:", 5) != 0 || strncmp(more, "text:", 5) != 0)
            return err_set(e, ERR_USAGE,
                           "only text:FILE can be given more than once: '%.60s' and '%.60s' do not "
                           "go together",
                           first, more);
        if (n < size) n += (size_t)snprintf(to + n, size - n, "\n%s", more + 5);
    }
    return n < size ||
           err_set(
               e, ERR_USAGE,
               "the names of the text files are longer than %zu bytes in all; join the files first",
               size - 1);
}

static bool take_settings(const struct flags *f, struct config *c, struct err *e)
{
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (f->setting[i] && !config_set(c, config_options[i].name, f->setting[i], e)) return false;
    return true;
}

static bool take_knobs(const struct flags *f, struct config *c, struct err *e)
{
    for (int i = 0; i < f->knobs.count; i++) {
        char name[48];
        const char *word = f->knobs.at[i], *is = strchr(word, '=');
        if (!is || is == word || is - word >= (int)sizeof name)
            return err_set(e, ERR_USAGE, "--knob takes NAME=VALUE, as in --knob k=2, not '%.40s'",
                           word);
        snprintf(name, sizeof name, "%.*s", (int)(is - word), word);
        if (!config_set_knob(c, name, is + 1, e)) return false;
    }
    return true;
}

/* Behind the defaults of data and strategy: everything else that was named. */
static bool take_rest(const struct flags *f, struct config *c, struct err *e)
{
    static const char *const bases[] = {"start", "paper", NULL};
    if (f->base && !one_of("base", f->base, bases, e)) return false;
    if (f->base && strcmp(f->base, "paper") == 0) {
        c->paper = true;
        if (!config_set_router(c, c->router->name, e))
            return false; /* its knobs start anew, from the paper */
    }
    if (f->preset && !config_preset(c, f->preset, e)) return false;
    return take_settings(f, c, e) && take_knobs(f, c, e) && flags_machine(f, c, e) &&
           config_check(c, e);
}

/* A flag that says what is run, not on what it is worked out; NULL: none is named. */
static const char *run_word(const struct flags *f)
{
    const char *more = f->data.count    ? "data"
                       : f->strategy    ? "strategy"
                       : f->base        ? "base"
                       : f->preset      ? "preset"
                       : f->knobs.count ? "knob"
                                        : NULL;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (f->setting[i]) more = config_options[i].name;
    return more;
}

/* A state says all of a run, but on what it is worked out. */
static bool state_config(const struct flags *f, struct config *c, struct err *e)
{
    struct journal_wish wish;
    const char *more = run_word(f);
    if (more) return err_set(e, ERR_USAGE, "--state has its own %s: leave --%s out", more, more);
    if (strpbrk(f->state, "\"\\\n"))
        return err_set(e, ERR_USAGE, "--state takes the words that 'state' prints, without quotes");
    if (!journal_read(f->state, &wish, e)) return false;
    *c = wish.config;
    return flags_machine(f, c, e) && config_check(c, e);
}

/* A scenario's script says all of a run but the seed and what it is worked out on. */
static bool check_scenario(const struct flags *f, struct err *e)
{
    const char *more = f->data.count        ? "data"
                       : f->base            ? "base"
                       : f->preset          ? "preset"
                       : f->resume          ? "resume"
                       : f->save            ? "save"
                       : f->save_every >= 0 ? "save-every"
                       : f->trace           ? "trace"
                       : f->until           ? "until"
                       : !isnan(f->minutes) ? "minutes"
                       : f->every >= 0      ? "every"
                       : f->seeds           ? "seeds"
                       : f->budget          ? "budget"
                       : !isnan(f->target)  ? "target-experts"
                                            : NULL;
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (f->setting[i] && i != CONFIG_SEED) more = config_options[i].name;
    if (more)
        return err_set(e, ERR_USAGE, "a scenario has its own way: leave --%s out (--seed may stay)",
                       more);
    return !f->knobs.count || f->strategy ||
           err_set(e, ERR_USAGE, "--knob goes with --strategy: a scenario has its own rule");
}

bool flags_scenario(const struct flags *f, char *words, size_t size, struct err *e)
{
    struct text all = {0};
    bool ok = packed_find(SCENARIO_FOLDER, "scenario", f->scenario, e) && check_scenario(f, e);
    if (f->strategy) ok = ok && command_quote(&all, f->strategy, e);
    for (int i = 0; ok && i < f->knobs.count; i++) {
        text_add(&all, " ");
        ok = command_quote(&all, f->knobs.at[i], e);
    }
    if (ok && (size_t)snprintf(words, size, "%s", text_str(&all)) >= size)
        ok = err_set(e, ERR_USAGE, "a strategy and its knobs take up to %zu bytes here", size - 1);
    text_free(&all);
    return ok;
}

bool flags_scenario_line(const struct flags *f, const char *words, char *to, size_t size,
                         struct err *e)
{
    struct text line = {0};
    text_add(&line, "scenario ");
    bool ok = command_quote(&line, f->scenario, e);
    text_add(&line, " %s", words);
    if (ok && (size_t)snprintf(to, size, "%s", text_str(&line)) >= size)
        ok = err_set(e, ERR_USAGE, "--scenario takes a shorter name");
    text_free(&line);
    return ok;
}

bool flags_before(const struct flags *f, struct text *to, struct err *e)
{
    const char *const verbs[] = {"policy", "record"}, *const files[] = {f->policy, f->record};
    enum { LONGEST = 1000 }; /* bytes of a command line */
    for (int i = 0; i < 2; i++) {
        size_t begun = to->size;
        if (!files[i]) continue;
        text_add(to, "%s ", verbs[i]);
        if (!command_quote(to, files[i], e)) return false;
        if (to->size - begun > LONGEST)
            return err_set(e, ERR_USAGE, "--%s takes a path of up to %d bytes", verbs[i],
                           LONGEST - 20);
        text_add(to, "\n");
    }
    return true;
}

/* What is loaded says all of a run but what it is worked out on. */
static bool resume_line(const struct flags *f, char *to, size_t size, struct err *e)
{
    struct text line = {0};
    struct checkpoint file;
    const char *more = run_word(f);
    if (more)
        return err_set(e, ERR_USAGE, "what --resume loads has its own %s: leave --%s out", more,
                       more);
    if (!checkpoint_open(&file, f->resume, e)) return false; /* said before a screen comes */
    checkpoint_close(&file);
    text_add(&line, "load ");
    bool ok = command_quote(&line, f->resume, e);
    if (ok && (size_t)snprintf(to, size, "%s", text_str(&line)) >= size)
        ok = err_set(e, ERR_USAGE, "--resume takes a path of up to %zu bytes", size - 20);
    text_free(&line);
    return ok;
}

char *flags_first(const struct flags *f, char *to, size_t size, struct err *e)
{
    char words[FLAGS_SCENARIO];
    to[0] = 0;
    if ((f->scenario != NULL) + (f->state != NULL) + (f->resume != NULL) > 1)
        return err_set(e, ERR_USAGE,
                       "--scenario, --state and --resume each say how a run came about: one"),
               NULL;
    if (f->scenario &&
        !(flags_scenario(f, words, sizeof words, e) && flags_scenario_line(f, words, to, size, e)))
        return NULL;
    if (f->resume && !resume_line(f, to, size, e)) return NULL;
    if (f->state && (size_t)snprintf(to, size, "state \"%s\"", f->state) >= size)
        return err_set(e, ERR_USAGE, "--state takes up to %zu bytes", size - 9), NULL;
    return to;
}

bool flags_config(const struct flags *f, struct config *c, struct err *e)
{
    char data[sizeof c->data];
    if (f->state) return state_config(f, c, e);
    return join_data(f, data, sizeof data, e) && config_start(c, data, f->strategy, e) &&
           take_rest(f, c, e);
}

/* What a resumed run cannot change. */
static bool check_fixed(const struct flags *f, const char *path, const char *strategy,
                        struct err *e)
{
    const char *fixed = f->preset ? "preset" : f->base ? "base" : NULL;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        bool fixes =
            config_options[i].flags & OPTION_SHAPES || i == CONFIG_SEED || i == CONFIG_TASK_SEED;
        if (f->setting[i] && fixes) fixed = config_options[i].name;
    }
    if (fixed)
        return err_set(e, ERR_USAGE, "--%s cannot change in a resumed run: %s has its own", fixed,
                       path);
    if (f->strategy && strcmp(f->strategy, strategy) != 0)
        return err_set(e, ERR_USAGE,
                       "%s was trained with %s; to go on with another strategy: vanpool repl, "
                       "'load', 'router %.20s'",
                       path, strategy, f->strategy);
    return true;
}

bool flags_override(const struct flags *f, const char *path, struct config *c, struct err *e)
{
    struct checkpoint file;
    char key[64], data[sizeof c->data];
    if (!join_data(f, data, sizeof data, e) || !checkpoint_open(&file, path, e)) return false;
    const char *strategy = checkpoint_meta(&file, "strategy"),
               *trained = checkpoint_meta(&file, "data");
    strategy = strategy && router_find(strategy, NULL)
                   ? strategy
                   : "topk"; /* a foreign file: trainer_resume says so */
    if (!f->data.count) snprintf(data, sizeof data, "%s", trained ? trained : "orders");
    bool ok = config_start(c, data, strategy, e) && check_fixed(f, path, strategy, e);
    for (int i = 0; ok && i < CONFIG_COUNT; i++) { /* ranges and checks are those of its sizes */
        snprintf(key, sizeof key, "config.%s", config_options[i].name);
        const char *word = checkpoint_meta(&file, key);
        if (word) option_read(&config_options[i], word, 0, 0, &c->value[i], NULL);
    }
    checkpoint_close(&file);
    return ok && take_rest(f, c, e);
}

int flags_seeds(const char *words, uint64_t *to, int most, struct err *e)
{
    int n = 0;
    for (const char *at = words;; at++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 9 || n == most || (at[digits] && at[digits] != ','))
            return err_set(e, ERR_USAGE,
                           "--seeds takes up to %d whole numbers with commas between, as in 1,2,3, "
                           "not '%.40s'",
                           most, words);
        to[n++] = strtoull(at, NULL, 10);
        at += digits;
        if (!*at) return n;
    }
}
