/* core/console/cmd_state.c - The verb `state`: the run of now in one line, or the run that such a
 * line describes. */
#include "core/console/verbs.h"

#include <string.h>

static bool join(int argc, char **argv, char *to, size_t size, struct err *e)
{
    size_t n = 0;
    to[0] = 0;
    for (int i = 1; i < argc; i++) {
        size_t more = strlen(argv[i]);
        if (n + more + 2 > size) return err_set(e, ERR_USAGE, "this state is too long for a line");
        memcpy(to + n, argv[i], more);
        n += more;
        to[n++] = ' ', to[n] = 0;
    }
    return true;
}

/* The words of faces that stood in the line come back behind those of the run. */
static bool write_state(struct console *c, const char *face, struct text *out, struct err *e)
{
    struct text state = {0};
    bool ok = journal_write(&c->journal, trainer_now(c->trainer), &state, e);
    if (ok) {
        if (*face) text_add(&state, " %s", face);
        while (state.size && state.at[state.size - 1] == ' ') state.at[--state.size] = 0;
        text_add(out, "%s\n", text_str(&state));
        if (state.size > 900)
            text_add(out,
                     "(%zu bytes: more than a command line takes; a shell takes it behind "
                     "--state)\n",
                     state.size);
    }
    out->failed |= state.failed;
    text_free(&state);
    return ok;
}

static bool cmd_state(struct console *c, int argc, char **argv, struct text *out, struct err *e)
{
    char words[1100];
    struct journal_wish wish;
    struct script script = {0};
    if (!join(argc, argv, words, sizeof words, e) || !journal_read(words, &wish, e)) return false;
    if (!wish.state) return write_state(c, words, out, e);
    struct config now = *trainer_config(c->trainer);
    wish.config.threads = now.threads;
    memcpy(wish.config.backend, now.backend, sizeof now.backend);
    memcpy(wish.config.simd, now.simd, sizeof now.simd);
    if (c->scripts == CONSOLE_SCRIPTS)
        return err_set(e, ERR_USAGE, "scripts call each other more than %d deep", CONSOLE_SCRIPTS);
    if (!journal_script(words, 0, &script, e)) return false; /* before anything is given up */
    script_close(&script);
    bool ok = *wish.file ? console_load(c, wish.file, e) : console_renew(c, &wish.config, e);
    ok = ok && journal_script(words, trainer_now(c->trainer), &script, e);
    if (!ok) return script_close(&script), false;
    c->script[c->scripts++] = script;
    c->goal = trainer_now(c->trainer);
    c->paused = false;
    if (wish.layer > 0 && wish.layer <= config_int(trainer_config(c->trainer), CONFIG_LAYERS))
        trainer_focus(c->trainer, wish.layer - 1);
    if (wish.step > trainer_now(c->trainer))
        text_add(out, "on the way to step %ld of that run\n", wish.step);
    return true;
}

const struct command state_commands[] = {
    {.name = "state",
     .usage = "state [\"NAME=VALUE... @STEP:CHANGE... step=N\"]",
     .help = "this run in one line for --state, or the run of such a line",
     .run = cmd_state},
    {.name = NULL},
};
