/* core/console/journal.c - What the model of now was made from, as words and back. */
#include "core/console/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const face_words[] = {"view", "cursor", "layer", "axis", NULL};

/* ---- keeping ---- */

void journal_begin(struct journal *j, const struct config *start, const char *file)
{
    j->start = *start;
    j->unknown = file && strlen(file) >= sizeof j->file;
    snprintf(j->file, sizeof j->file, "%s", file ? file : "");
    text_clear(&j->lines);
}

static void put_word(struct text *to, const char *word)
{
    for (; *word; word++) {
        unsigned char c = (unsigned char)*word;
        if (c <= ' ' || c == ',' || c == '%' || c == '"' || c == '\\' || c == '#' || c == 127)
            text_add(to, "%%%02X", c);
        else
            text_put(to, word, 1);
    }
}

void journal_note(struct journal *j, long step, int argc, char **argv)
{
    text_add(&j->lines, " @%ld:", step);
    for (int i = 0; i < argc; i++) {
        text_add(&j->lines, "%s", i ? "," : "");
        put_word(&j->lines, argv[i]);
    }
}

void journal_cut(struct journal *j, long step)
{
    for (char *at = j->lines.at; at && *at; at += strcspn(at + 1, " ") + 1) {
        if (strtol(at + 2, NULL, 10) <= step) continue;
        *at = 0;
        j->lines.size = (size_t)(at - j->lines.at);
        return;
    }
}

void journal_free(struct journal *j)
{
    text_free(&j->lines);
}

/* ---- writing ---- */

/* 0.1 as 0.1, not as 0.10000000000000001: the fewest digits that read back as the same number. */
static void put_number(struct text *to, const struct option *o, double value)
{
    char digits[40];
    if (o->kind == OPTION_CHOICE) {
        text_add(to, " %s=%s", o->name, o->words[(int)value]);
        return;
    }
    for (int n = 6; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, value);
        if (strtod(digits, NULL) == value) break;
    }
    text_add(to, " %s=%s", o->name, digits);
}

static void put_start(struct text *to, const struct config *c, const struct config *plain)
{
    text_add(to, "data=");
    put_word(to, c->data);
    text_add(to, " strategy=%s%s", c->router->name, c->paper ? " base=paper" : "");
    for (int i = 0; i < CONFIG_COUNT; i++)
        if (c->value[i] != plain->value[i] || i == CONFIG_SEED)
            put_number(to, &config_options[i], c->value[i]);
    for (int i = 0; i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        if (c->knob[i] != plain->knob[i]) put_number(to, &c->router->knobs[i], c->knob[i]);
}

static bool plain_config(struct config *to, const char *data, const char *strategy, bool paper,
                         struct err *e)
{
    if (!config_start(to, data, strategy, e)) return false;
    to->paper = paper;
    return !paper || config_set_router(to, strategy, e);
}

bool journal_write(const struct journal *j, long step, struct text *to, struct err *e)
{
    struct config plain;
    if (j->unknown)
        return err_set(e, ERR_USAGE,
                       "where this run came from is not known here, so no state describes it: "
                       "'load FILE' begins one that has");
    if (*j->file) {
        text_add(to, "from=");
        put_word(to, j->file);
    } else {
        if (!plain_config(&plain, j->start.data, j->start.router->name, j->start.paper, e))
            return false;
        put_start(to, &j->start, &plain);
    }
    text_add(to, "%s step=%ld", text_str(&j->lines), step);
    to->failed |= j->lines.failed;
    return true;
}

/* ---- reading ---- */

/* The next word of *at, with its %XX read; false: none is left, or it is too long or no text. */
enum { WORD = 1100 };
static bool next_word(const char **at, const char *ends, char to[WORD])
{
    const char *from = *at + strspn(*at, " \t");
    int n = 0;
    for (; *from && !strchr(ends, *from) && n < WORD - 1; from++) {
        char hex[3] = {from[0] == '%' ? from[1] : 0, from[0] == '%' && from[1] ? from[2] : 0, 0};
        bool code = strlen(hex) == 2 && strspn(hex, "0123456789ABCDEFabcdef") == 2;
        to[n++] = code ? (char)strtol(hex, NULL, 16) : *from;
        from += code ? 2 : 0;
    }
    to[n] = 0;
    *at = from;
    return n > 0;
}

/* The value of the first word NAME=VALUE, or NULL. */
static const char *value_of(const char *words, const char *name, char to[WORD])
{
    size_t n = strlen(name);
    while (next_word(&words, " \t", to))
        if (strncmp(to, name, n) == 0 && to[n] == '=') return to + n + 1;
    return NULL;
}

static bool number_of(const char *what, const char *value, long least, long *to, struct err *e)
{
    char *end;
    long n = strtol(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || n < least || strlen(value) > 12)
        return err_set(e, ERR_USAGE, "in a state, %s is a whole number from %ld, not '%.40s'", what,
                       least, value);
    return *to = n, true;
}

static bool take_word(struct journal_wish *to, char *word, struct err *e)
{
    static const char *const begun[] = {"data", "strategy", "base", "from", NULL};
    char *is = strchr(word, '=');
    long number = 0;
    if (!is || is == word)
        return err_set(e, ERR_USAGE,
                       "'%.40s' is no word of a state: they are NAME=VALUE and @STEP:COMMAND, as "
                       "'state' prints them",
                       word);
    *is = 0;
    if (strcmp(word, "layer") == 0)
        return number_of("layer", is + 1, 1, &number, e) && (to->layer = (int)number, true);
    for (int i = 0; face_words[i]; i++)
        if (strcmp(word, face_words[i]) == 0) return true;
    to->state = true;
    for (int i = 0; begun[i]; i++)
        if (strcmp(word, begun[i]) == 0) return true;
    if (strcmp(word, "step") == 0) return number_of("step", is + 1, 0, &to->step, e);
    if (option_find(config_options, CONFIG_COUNT, word))
        return config_set(&to->config, word, is + 1, e);
    return config_set_knob(&to->config, word, is + 1, e);
}

bool journal_read(const char *words, struct journal_wish *to, struct err *e)
{
    char word[WORD], data[sizeof to->config.data], strategy[64];
    const char *value = value_of(words, "data", word);
    *to = (struct journal_wish){0};
    if (value && strlen(value) >= sizeof data)
        return err_set(e, ERR_USAGE, "the data's name is too long for a state");
    snprintf(data, sizeof data, "%s", value ? value : "orders");
    value = value_of(words, "strategy", word);
    snprintf(strategy, sizeof strategy, "%.60s", value ? value : "topk");
    value = value_of(words, "base", word);
    if (value && strcmp(value, "paper") != 0 && strcmp(value, "start") != 0)
        return err_set(e, ERR_USAGE, "base is start or paper, not '%.40s'", value);
    if (!plain_config(&to->config, data, strategy, value && strcmp(value, "paper") == 0, e))
        return false;
    value = value_of(words, "from", word);
    if (value && strlen(value) >= sizeof to->file)
        return err_set(e, ERR_USAGE, "the checkpoint's name is too long for a state");
    snprintf(to->file, sizeof to->file, "%s", value ? value : "");
    while (next_word(&words, " \t", word)) {
        if (*word == '@')
            to->state = true;
        else if (!take_word(to, word, e))
            return false;
    }
    return config_check(&to->config, e);
}

/* "STEP:WORD,WORD" as `train N` and a command line; *now: the step that is reached. */
static bool add_change(struct text *script, const char *change, long *now, struct err *e)
{
    char word[WORD];
    char *end;
    long step = strtol(change, &end, 10);
    if (*change < '0' || *change > '9' || *end != ':' || step < *now)
        return err_set(e, ERR_USAGE,
                       "'@%.40s' is no change of a state: @STEP:COMMAND,WORD, in the order of "
                       "their steps, none before step %ld",
                       change, *now);
    if (step > *now) text_add(script, "train %ld\n", step - *now);
    *now = step;
    const char *blank = "";
    for (const char *at = end + 1; next_word(&at, ",", word); at += *at == ',') {
        bool quoted = strpbrk(word, " \t#") != NULL;
        if (strpbrk(word, "\n\r\"\\"))
            return err_set(e, ERR_USAGE, "a change of a state holds no quote and no line feed");
        text_add(script, "%s%s%s%s", blank, quoted ? "\"" : "", word, quoted ? "\"" : "");
        blank = " ";
    }
    text_add(script, "\n");
    return true;
}

bool journal_script(const char *words, long now, struct script *to, struct err *e)
{
    char word[WORD];
    struct text script = {0};
    long last = now;
    bool ok = true;
    const char *step = value_of(words, "step", word);
    if (step) ok = number_of("step", step, 0, &last, e);
    /* read as they stand: a change's own words are decoded behind their commas */
    for (const char *at = words; ok && *(at += strspn(at, " \t")); at += strcspn(at, " \t")) {
        if (*at != '@') continue;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, " \t") - 1, at + 1);
        ok = add_change(&script, word, &now, e);
    }
    if (ok && last > now) text_add(&script, "train %ld\n", last - now);
    if (ok && script.failed) ok = err_set(e, ERR_MEMORY, "out of memory for a state");
    ok = ok && script_open_text(to, "state", text_str(&script), e);
    text_free(&script);
    return ok;
}
