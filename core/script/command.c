/* core/script/command.c - The language people type: splitting a line, finding, completing and
 * explaining its words. */
#include "core/script/command.h"
#include "core/data/dataset.h"

#include <stdio.h>
#include <string.h>

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- splitting ---- */

/* One word from *from to *to, both moved behind it; quotes may open and close anywhere in it. */
static void take_word(const char **from, char **to, bool *open_quote)
{
    const char *c = *from;
    char *w = *to;
    bool quoted = false;
    for (; *c && (quoted || !blank(*c)); c++) {
        if (*c == '"')
            quoted = !quoted;
        else if (quoted && *c == '\\' && (c[1] == '"' || c[1] == '\\'))
            *w++ = *++c;
        else
            *w++ = *c;
    }
    *w++ = 0;
    *open_quote = quoted;
    *from = c, *to = w;
}

bool command_parse(struct command_line *to, const char *line, struct err *e)
{
    size_t n = strlen(line);
    char *w = to->memory;
    to->argc = 0, to->open_quote = false, to->argv[0] = NULL;
    if (n >= sizeof to->memory)
        return err_set(e, ERR_USAGE, "a command line has at most %zu bytes: this one is longer",
                       sizeof to->memory - 1);
    for (;;) {
        while (blank(*line)) line++;
        if (!*line || *line == '#') return true;
        if (to->argc == COMMAND_WORDS - 1)
            return err_set(e, ERR_USAGE, "a command line has at most %d words: split it in two",
                           COMMAND_WORDS - 1);
        to->argv[to->argc++] = w;
        to->argv[to->argc] = NULL;
        take_word(&line, &w, &to->open_quote);
    }
}

bool command_quote(struct text *to, const char *word, struct err *e)
{
    if (strpbrk(word, "\r\n"))
        return err_set(e, ERR_USAGE, "'%.60s' holds a line's end: choose a name without one", word);
    text_add(to, "\"");
    for (; *word; word++) text_add(to, "%s%c", *word == '"' || *word == '\\' ? "\\" : "", *word);
    text_add(to, "\"");
    return true;
}

/* ---- finding ---- */

const struct command *command_find(const char *name, struct err *e)
{
    const struct command *found = NULL;
    const char *names[128];
    struct text all = {0};
    int n = 0, matches = 0;
    for (const struct command *c; n < 128 && (c = command_at(n)); n++) {
        names[n] = c->name;
        if (strcmp(c->name, name) == 0) return text_free(&all), c;
        if (!*name || strncmp(c->name, name, strlen(name)) != 0) continue;
        text_add(&all, "%s%s", matches++ ? ", " : "", c->name);
        found = c;
    }
    if (matches != 1) {
        found = NULL;
        if (matches > 1)
            err_set(e, ERR_USAGE, "'%.40s' could be %s: write more of it", name, text_str(&all));
        else
            err_set(e, ERR_USAGE, "unknown command '%.40s'%s", name,
                    ERR_MEANT(name, names, n, ": 'help' lists them all"));
    }
    text_free(&all);
    return found;
}

/* ---- completing ---- */

struct completion {
    const char *prefix;
    void (*add)(void *to, const char *word);
    void *to;
};

static void add_matching(void *to, const char *word)
{
    const struct completion *c = to;
    if (strncmp(word, c->prefix, strlen(c->prefix)) == 0) c->add(c->to, word);
}

/* What the usage says of a place: "show [FIELD|all]" has "FIELD|all" at 1. The last one goes on where
 * it ends in dots. */
static void usage_at(const struct command *c, int arg, char *to, int size)
{
    const char *at = c->usage;
    to[0] = 0;
    for (int i = 0; *at && i <= arg; i++) {
        int n = (int)strcspn(at, " ");
        bool goes_on = strstr(at, "...") && !at[n];
        if (i == arg || (goes_on && i > 0)) {
            int k = 0;
            for (const char *s = at; s < at + n && k < size - 1; s++)
                if (!strchr("[].", *s)) to[k++] = *s;
            to[k] = 0;
        }
        at += n + strspn(at + n, " ");
    }
}

bool command_place(const char *line, int cursor, struct command_line *words,
                   struct command_place *to)
{
    char upto[sizeof words->memory];
    int n = (int)strlen(line);
    if (cursor < 0 || cursor > n) cursor = n;
    if (cursor > (int)sizeof upto - 2) return false;
    /* A mark at the cursor: the word that holds it is the one to complete; in a comment there is
     * none. */
    snprintf(upto, sizeof upto, "%.*s\1", cursor, line);
    if (!command_parse(words, upto, NULL) || words->argc == 0) return false;
    char *word = words->argv[words->argc - 1], *mark = strchr(word, '\1');
    if (!mark) return false;
    *mark = 0;
    *to = (struct command_place){.arg = words->argc - 1, .prefix = word};
    if (to->arg == 0) return true;
    to->command = command_find(words->argv[0], NULL);
    if (to->command) usage_at(to->command, to->arg, to->usage, sizeof to->usage);
    return to->command != NULL;
}

/* Of a command without a way of its own: the plain words of its usage, as in "mouse on|off". */
static void complete_usage(const char *usage, const struct completion *c)
{
    for (const char *at = usage; *at;) {
        char word[32];
        int n = (int)strcspn(at, "|");
        snprintf(word, sizeof word, "%.*s", n, at);
        if (n > 0 && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz")])
            add_matching((void *)c, word);
        at += n + (at[n] == '|');
    }
}

void command_complete(const char *line, int cursor, void (*add)(void *to, const char *word),
                      void *to)
{
    struct command_line words;
    struct command_place place;
    if (!command_place(line, cursor, &words, &place)) return;
    struct completion c = {.prefix = place.prefix, .add = add, .to = to};
    if (place.arg == 0) {
        for (int i = 0; command_at(i); i++) add_matching(&c, command_at(i)->name);
    } else if (place.command->complete) {
        place.command->complete(words.argc, words.argv, place.arg, add_matching, &c);
    } else {
        complete_usage(place.usage, &c);
    }
}

/* ---- explaining ---- */

static void help_all(struct text *out)
{
    for (int i = 0; command_at(i); i++)
        text_add(out, "%-34s %s\n", command_at(i)->usage, command_at(i)->help);
    text_add(out, "help TOPIC explains a command, strategy, knob, setting, data set or field.\n");
}

static void help_option(const struct option *o, const char *owner, struct text *out)
{
    char start[32], paper[32];
    text_add(out, "%s (%s): %s\n", o->name, owner, o->help);
    if (o->kind == OPTION_CHOICE) {
        text_add(out, "  one of");
        for (int i = 0; o->words[i]; i++) text_add(out, " %s", o->words[i]);
    } else if (o->kind == OPTION_SWITCH) {
        text_add(out, "  on or off");
    } else {
        const char *times = o->flags & OPTION_MAX_E   ? " x experts"
                            : o->flags & OPTION_MAX_N ? " x columns"
                                                      : "";
        text_add(out, "  from %.10g to %.10g%s%s%s", o->min, o->max, times, o->unit ? " " : "",
                 o->unit ? o->unit : "");
    }
    text_add(out, ", start %s%s", option_show(o, o->start, start),
             o->flags & OPTION_START_E ? " x experts" : "");
    if (!isnan(o->paper))
        text_add(out, ", paper %s%s", option_show(o, o->paper, paper),
                 o->flags & OPTION_PAPER_E ? " x experts" : "");
    text_add(out, "\n");
}

static void help_strategy(const struct router *r, struct text *out)
{
    text_add(out, "%s: %s\n%s\n", r->name, r->title, r->paper ? r->paper : "");
    if (r->rule) text_add(out, "rule     %s\n", r->rule);
    if (r->formula) text_add(out, "formula  %s\n", r->formula);
    for (int i = 0; i < ROUTER_KNOBS && r->knobs[i].name; i++)
        help_option(&r->knobs[i], r->name, out);
}

/* Everything of this name; a knob may belong to many strategies. False: nothing is called so. */
static bool help_topic(const char *topic, struct text *out)
{
    bool found = false;
    for (int i = 0; command_at(i); i++) {
        const struct command *c = command_at(i);
        if (strcmp(c->name, topic) != 0) continue;
        text_add(out, "%s\n  %s\n", c->usage, c->help);
        found = true;
    }
    for (int i = 0; router_at(i); i++) {
        const struct router *r = router_at(i);
        int knob = router_knob(r, topic);
        if (strcmp(r->name, topic) == 0) help_strategy(r, out), found = true;
        if (knob >= 0) help_option(&r->knobs[knob], r->name, out), found = true;
    }
    const struct option *setting = option_find(config_options, CONFIG_COUNT, topic);
    if (setting) help_option(setting, "setting", out), found = true;
    for (int i = 0; dataset_type(i); i++) {
        const struct dataset_type *d = dataset_type(i);
        if (strcmp(d->name, topic) != 0) continue;
        text_add(out, "%s (data set): %s\n  %s\n", d->name, d->title, d->help);
        found = true;
    }
    const struct field *f = field_find(topic, NULL);
    if (f) {
        text_add(out, "%s (field%s%s): %s\n", f->name, f->unit && *f->unit ? ", " : "",
                 f->unit ? f->unit : "", f->help);
        found = true;
    }
    return found;
}

/* The nearest of all names that help knows. */
static const char *nearest_topic(const char *topic)
{
    enum { MOST = 512 };
    const char *names[MOST];
    int n = 0;
#define KEEP(name)                                                                                 \
    if (n < MOST) names[n++] = (name)
    for (int i = 0; command_at(i); i++) KEEP(command_at(i)->name);
    for (int i = 0; router_at(i); i++) {
        KEEP(router_at(i)->name);
        for (int k = 0; k < ROUTER_KNOBS && router_at(i)->knobs[k].name; k++)
            KEEP(router_at(i)->knobs[k].name);
    }
    for (int i = 0; i < CONFIG_COUNT; i++) KEEP(config_options[i].name);
    for (int i = 0; dataset_type(i); i++) KEEP(dataset_type(i)->name);
    for (int i = 0; i < snapshot_field_count; i++) KEEP(snapshot_fields[i].name);
#undef KEEP
    return err_nearest(topic, names, n, sizeof *names);
}

/* A line of what speaks of the word, though nothing is called so. */
static bool help_line(const char *word, const char *name, const char *kind, const char *help,
                      struct text *out)
{
    if (!help || !strcasestr(help, word)) return false;
    text_add(out, "%s (%s): %s\n", name, kind, help);
    return true;
}

/* Every line that speaks of it, as the view `help` finds them. */
static bool help_words(const char *word, struct text *out)
{
    enum { LEAST = 3 }; /* letters: fewer are in everything */
    bool any = false;
    if (strlen(word) < LEAST) return false;
    for (int i = 0; command_at(i); i++)
        any |= help_line(word, command_at(i)->name, "command", command_at(i)->help, out);
    for (int i = 0; router_at(i); i++) {
        const struct router *r = router_at(i);
        any |= help_line(word, r->name, "strategy", r->rule, out);
        for (int k = 0; k < ROUTER_KNOBS && r->knobs[k].name; k++)
            any |= help_line(word, r->knobs[k].name, r->name, r->knobs[k].help, out);
    }
    for (int i = 0; i < CONFIG_COUNT; i++)
        any |= help_line(word, config_options[i].name, "setting", config_options[i].help, out);
    for (int i = 0; dataset_type(i); i++)
        any |= help_line(word, dataset_type(i)->name, "data set", dataset_type(i)->help, out);
    for (int i = 0; i < snapshot_field_count; i++)
        any |= help_line(word, snapshot_fields[i].name, "field", snapshot_fields[i].help, out);
    return any;
}

bool command_help(const char *topic, struct text *out, struct err *e)
{
    if (!topic || !*topic) return help_all(out), true;
    if (help_topic(topic, out) || help_words(topic, out)) return true;
    const char *near = nearest_topic(topic);
    if (near) return err_set(e, ERR_USAGE, "no help on '%.40s': did you mean %s?", topic, near);
    return err_set(e, ERR_USAGE,
                   "no help on '%.40s': 'help' lists the commands, 'list fields' the fields",
                   topic);
}
