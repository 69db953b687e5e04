/* tui/cli/list.c - `list TABLE`: the program's tables, with those that only faces have. */
#include "core/console/listing.h"
#include "tui/app/keys.h"
#include "tui/screen/theme.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"
#include "tui/cli/pages.h"
#include "tui/views/view.h"

static json_t *view_row(int i)
{
    const struct view *v = view_at(i);
    return v ? json_pack("{s:s, s:s#, s:s, s:s}", "name", v->name, "key", &v->key, (size_t)1,
                         "title", v->title, "question", v->question)
             : NULL;
}

static json_t *subcommand_row(int i)
{
    const struct subcommand *s = subcommand_at(i);
    return s ? json_pack("{s:s, s:s, s:s}", "name", s->name, "usage", s->usage, "help", s->help)
             : NULL;
}

static json_t *flag_row(int i)
{
    const struct flag *f = flag_at(i);
    if (!f) return NULL;
    json_t *all = json_array();
    for (int s = 0; subcommand_at(s); s++)
        if ((subcommand_at(s)->sets | FLAGS_EVERY) & f->sets)
            json_array_append_new(all, json_string(subcommand_at(s)->name));
    return json_pack("{s:s, s:s?, s:s, s:o}", "name", f->name, "argument", f->argument, "help",
                     f->help, "subcommands", all);
}

static json_t *action_row(int i)
{
    const struct key_entry *k = key_entry_at(i);
    return k ? json_pack("{s:s, s:s, s:s}", "name", k->action, "keys", key_names(k), "help",
                         k->help)
             : NULL;
}

static json_t *theme_row(int i)
{
    const struct theme *t = theme_at(i);
    return t ? json_pack("{s:s, s:s}", "name", t->name, "help", t->help) : NULL;
}

static const struct listing face_listings[] = {
    {"keys", "the explorer's actions and their keys", action_row, {"name", "keys", "help"}},
    {"themes", "the explorer's colours", theme_row, {"name", "help"}},
    {"views", "the explorer's views", view_row, {"key", "name", "question"}},
    {"subcommands", "what vanpool does from the shell", subcommand_row, {"name", "help"}},
    {"flags", "flags of the subcommands", flag_row, {"name", "argument", "help"}},
    {.name = NULL},
};

/* The tables themselves: what `list` alone lists. */
static json_t *listing_row(int i)
{
    const struct listing *l = core_listings;
    for (; l->name && i > 0; i--) l++;
    if (!l->name)
        for (l = face_listings; l->name && i > 0; i--) l++;
    return l->name ? json_pack("{s:s, s:s}", "name", l->name, "help", l->help) : NULL;
}

static const struct listing all_listings = {
    "tables", "what can be listed", listing_row, {"name", "help"}};

void list_names(struct text *to)
{
    for (const struct listing *l = core_listings; l->name; l++)
        text_add(to, "%s%s", to->size ? " " : "", l->name);
    for (const struct listing *l = face_listings; l->name; l++) text_add(to, " %s", l->name);
}

bool cli_list(const struct flags *f, struct err *e)
{
    struct text out = {0};
    const struct listing *l = NULL;
    l = f->operands.count ? listing_find(f->operands.at[0], core_listings, face_listings, e)
                          : &all_listings;
    if (!l) return false;
    listing_write(l, f->json, &out);
    bool ok = out_put(&out, e);
    text_free(&out);
    return ok;
}
