/* tui/cli/help.c - `help` and `version`: the program's tables in words. */
#include "core/script/command.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/cli/pages.h"
#include "tui/views/view.h"

#include <string.h>

/* A subcommand, a view, or whatever the command language knows by this name. */
static bool explain(const char *topic, struct text *out, struct err *e)
{
    bool found = false;
    for (int i = 0; subcommand_at(i); i++) {
        if (strcmp(subcommand_at(i)->name, topic) != 0) continue;
        subcommand_help(subcommand_at(i), out);
        found = true;
    }
    const struct view *v = view_find(topic, NULL);
    if (v)
        text_add(out, "%s (view, key %c): %s\n%s\n", v->name, v->key, v->question, v->explain),
            found = true;
    struct text more = {0};
    bool ok = found || command_help(topic, &more, e);
    text_put(out, text_str(&more), more.size);
    text_free(&more);
    return ok;
}

bool cli_help(const struct flags *f, struct err *e)
{
    struct text out = {0};
    bool ok = true;
    if (f->man)
        manual_write(&out);
    else if (f->completion)
        ok = completion_write(f->completion, &out, e);
    else if (f->operands.count)
        ok = explain(f->operands.at[0], &out, e);
    else
        subcommand_help(NULL, &out);
    ok = ok && out_put(&out, e);
    text_free(&out);
    return ok;
}

bool cli_version(const struct flags *f, struct err *e)
{
    struct text out = {0};
    (void)f;
    text_add(&out, "vanpool %s\n", VANPOOL_VERSION);
    bool ok = out_put(&out, e);
    text_free(&out);
    return ok;
}
