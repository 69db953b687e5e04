/* tui/cli/complete.c - Completion for bash, zsh and fish out of the tables: vanpool help
 * --completion SHELL. */
#include "core/console/listing.h"
#include "core/console/scenario.h"
#include "core/data/dataset.h"
#include "core/script/packed.h"
#include "tui/cli/pages.h"
#include "tui/screen/theme.h"
#include "tui/views/view.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- which words may follow ---- */

static void add(struct text *to, const char *word, const char *end)
{
    text_add(to, "%s%s%s", to->size ? " " : "", word, end);
}

static void add_strategies(struct text *to)
{
    for (int i = 0; router_at(i); i++) add(to, router_at(i)->name, "");
}

static void add_knobs(struct text *to)
{
    for (int i = 0; router_at(i); i++)
        for (int k = 0; k < ROUTER_KNOBS && router_at(i)->knobs[k].name; k++) {
            bool known = false;
            for (int j = 0; j < i; j++)
                known = known || router_knob(router_at(j), router_at(i)->knobs[k].name) >= 0;
            if (!known) add(to, router_at(i)->knobs[k].name, "=");
        }
}

static void add_datasets(struct text *to)
{
    for (int i = 0; dataset_type(i); i++) {
        bool text = strcmp(dataset_type(i)->name, "text") == 0;
        add(to, dataset_type(i)->name, text ? ":" : "");
    }
}

static void add_presets(struct text *to)
{
    for (int i = 0; config_preset_name(i); i++) add(to, config_preset_name(i), "");
}

static void add_themes(struct text *to)
{
    for (int i = 0; theme_at(i); i++) add(to, theme_at(i)->name, "");
}

static void add_scenarios(struct text *to)
{
    for (int i = 0; packed_at(SCENARIO_FOLDER, i); i++)
        add(to, packed_at(SCENARIO_FOLDER, i)->name, "");
}

/* The words that may be a flag's value; none: any number, or a file. */
static void values_of(const struct flag *f, struct text *to)
{
    static const struct {
        const char *flag;
        void (*add)(struct text *to);
    } tables[] = {{"strategy", add_strategies}, {"strategies", add_strategies},
                  {"lane", add_strategies},     {"knob", add_knobs},
                  {"data", add_datasets},       {"preset", add_presets},
                  {"theme", add_themes},        {"scenario", add_scenarios}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i].flag, f->name) == 0) return tables[i].add(to);
    const struct option *o = option_find(config_options, CONFIG_COUNT, f->name);
    for (int i = 0; o && o->kind == OPTION_CHOICE && o->words[i]; i++) add(to, o->words[i], "");
    bool list = f->argument && strchr(f->argument, '|') != NULL; /* auto|cpu|ref */
    for (const char *c = f->argument; list && *c; c++)
        list = islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '|';
    if (!list || to->size) return;
    for (const char *c = f->argument; *c; c++) text_put(to, *c == '|' ? " " : c, 1);
}

static bool is_file(const struct flag *f)
{
    return f->argument && strstr(f->argument, "FILE") != NULL;
}

/* The words that a subcommand takes without a flag; none: files. */
static void operands_of(const struct subcommand *s, struct text *to)
{
    if (strcmp(s->name, "list") == 0) return list_names(to);
    if (strcmp(s->name, "claims") == 0) return add_strategies(to);
    if (strcmp(s->name, "help") != 0) return;
    for (int i = 0; subcommand_at(i); i++) add(to, subcommand_at(i)->name, "");
    add_strategies(to);
    for (int i = 0; view_at(i); i++) add(to, view_at(i)->name, "");
}

static bool takes(const struct subcommand *s, const struct flag *f)
{
    return ((s->sets | FLAGS_EVERY) & f->sets) != 0;
}

/* A word in single quotes; what would end them, or (`also`) means something inside, is left out. */
static void quoted(struct text *to, const char *words, const char *also)
{
    text_add(to, "'");
    for (; *words; words++)
        if (*words != '\'' && !strchr(also, *words)) text_put(to, words, 1);
    text_add(to, "'");
}

/* ---- bash ---- */

static void bash_flags(struct text *to)
{
    for (int i = 0; flag_at(i); i++) {
        const struct flag *f = flag_at(i);
        struct text words = {0};
        if (!f->argument) continue;
        values_of(f, &words);
        text_add(to, "    --%s) ", f->name);
        if (words.size) {
            text_add(to, "_vanpool_words ");
            quoted(to, text_str(&words), "");
            text_add(to, "; ");
        }
        if (!words.size && is_file(f)) text_add(to, "_vanpool_files; ");
        text_add(to, "return ;;\n");
        text_free(&words);
    }
}

static void bash(struct text *to)
{
    struct text names = {0};
    for (int i = 0; subcommand_at(i); i++) add(&names, subcommand_at(i)->name, "");
    text_add(to, "# bash completion for vanpool, written by: vanpool help --completion bash\n"
                 "_vanpool_words() {\n"
                 "    COMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
                 "    case ${COMPREPLY[0]-} in *= | *:) compopt -o nospace 2>/dev/null ;; esac\n"
                 "}\n"
                 "_vanpool_files() {\n"
                 "    compopt -o filenames 2>/dev/null\n"
                 "    COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                 "}\n"
                 "_vanpool() {\n"
                 "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} "
                 "sub=explore first=${COMP_WORDS[1]}\n"
                 "    [ \"$cur\" = = ] && cur= && prev=$prev\n"
                 "    [ \"$prev\" = = ] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                 "    COMPREPLY=()\n"
                 "    case $prev in\n");
    bash_flags(to);
    text_add(to, "    esac\n    [ \"$COMP_CWORD\" = 1 ] || case $first in -*) ;; *) sub=$first ;; "
                 "esac\n    case $sub:$cur in\n");
    for (int i = 0; subcommand_at(i); i++) {
        const struct subcommand *s = subcommand_at(i);
        struct text words = {0};
        text_add(to, "    %s:-*) _vanpool_words '", s->name);
        for (int f = 0; flag_at(f); f++)
            if (takes(s, flag_at(f))) text_add(to, " --%s", flag_at(f)->name);
        text_add(to, "' ;;\n");
        operands_of(s, &words);
        if (words.size && s->operands) {
            text_add(to, "    %s:*) _vanpool_words ", s->name);
            quoted(to, text_str(&words), "");
            text_add(to, " ;;\n");
        } else if (s->operands) {
            text_add(to, "    %s:*) _vanpool_files ;;\n", s->name);
        }
        text_free(&words);
    }
    text_add(to,
             "    explore:*) _vanpool_words '%s' ;;\n    esac\n}\n"
             "complete -F _vanpool vanpool\n",
             text_str(&names));
    text_free(&names);
}

/* ---- zsh ---- */

static void zsh_arguments(const struct subcommand *s, struct text *to)
{
    text_add(to, "_arguments -s");
    for (int i = 0; flag_at(i); i++) {
        const struct flag *f = flag_at(i);
        struct text words = {0}, spec = {0};
        if (!takes(s, f)) continue;
        values_of(f, &words);
        text_add(&spec, "*--%s%s[%s]", f->name, f->argument ? "=" : "", f->help);
        text_add(to, " \\\n        ");
        quoted(to, text_str(&spec), ":");
        text_clear(&spec);
        if (f->argument && words.size)
            text_add(&spec, ":%s:(%s)", f->name, text_str(&words));
        else if (f->argument)
            text_add(&spec, ":%s:%s", f->name, is_file(f) ? "_files" : " ");
        if (spec.size) quoted(to, text_str(&spec), "");
        text_free(&words), text_free(&spec);
    }
    struct text words = {0};
    operands_of(s, &words);
    if (s->operands && words.size)
        text_add(to, " \\\n        '*:word:(%s)'", text_str(&words));
    else if (s->operands)
        text_add(to, " \\\n        '*:file:_files'");
    text_free(&words);
}

static void zsh(struct text *to)
{
    text_add(to, "#compdef vanpool\n# written by: vanpool help --completion zsh\n_vanpool() {\n"
                 "    local -a subcommands\n    subcommands=(\n");
    for (int i = 0; subcommand_at(i); i++) {
        struct text line = {0};
        text_add(&line, "%s:%s", subcommand_at(i)->name, subcommand_at(i)->help);
        text_add(to, "        ");
        quoted(to, text_str(&line), "");
        text_add(to, "\n");
        text_free(&line);
    }
    text_add(to, "    )\n    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
                 "        _describe subcommand subcommands\n        return\n    fi\n"
                 "    local sub=explore\n"
                 "    [[ $words[2] == -* ]] || { sub=$words[2]; shift words; (( CURRENT-- )) }\n"
                 "    case $sub in\n");
    for (int i = 0; subcommand_at(i); i++) {
        text_add(to, "    %s) ", subcommand_at(i)->name);
        zsh_arguments(subcommand_at(i), to);
        text_add(to, " ;;\n");
    }
    text_add(to, "    esac\n}\n_vanpool \"$@\"\n");
}

/* ---- fish ---- */

static void fish(struct text *to)
{
    text_add(to, "# fish completion for vanpool, written by: vanpool help --completion fish\n"
                 "complete -c vanpool -f\n");
    for (int i = 0; subcommand_at(i); i++) {
        const struct subcommand *s = subcommand_at(i);
        struct text words = {0};
        text_add(to, "complete -c vanpool -n __fish_use_subcommand -a %s -d ", s->name);
        quoted(to, s->help, "");
        text_add(to, "\n");
        operands_of(s, &words);
        if (s->operands)
            text_add(to, "complete -c vanpool -n '__fish_seen_subcommand_from %s' %s%s%s\n",
                     s->name, words.size ? "-a '" : "-F", text_str(&words), words.size ? "'" : "");
        text_free(&words);
    }
    for (int i = 0; flag_at(i); i++) {
        const struct flag *f = flag_at(i);
        struct text words = {0}, takers = {0};
        for (int s = 0; subcommand_at(s); s++)
            if (takes(subcommand_at(s), f)) text_add(&takers, " %s", subcommand_at(s)->name);
        values_of(f, &words);
        bool first = f->sets & (subcommand_at(0)->sets | FLAGS_EVERY); /* also without a word */
        text_add(to, "complete -c vanpool -n '%s__fish_seen_subcommand_from%s' -l %s",
                 first ? "__fish_use_subcommand; or " : "", text_str(&takers), f->name);
        if (f->argument) text_add(to, words.size || !is_file(f) ? " -x" : " -r -F");
        if (words.size) text_add(to, " -a '%s'", text_str(&words));
        text_add(to, " -d ");
        quoted(to, f->help, "");
        text_add(to, "\n");
        text_free(&words), text_free(&takers);
    }
}

/* ---- the table ---- */

bool completion_write(const char *shell, struct text *to, struct err *e)
{
    static const struct {
        const char *name;
        void (*write)(struct text *to);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, shell) == 0) return shells[i].write(to), true;
    return err_set(e, ERR_USAGE, "--completion is bash, zsh or fish, not '%.40s'", shell);
}
