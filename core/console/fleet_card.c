/* core/console/fleet_card.c - One van: how it stands, how much it works, who takes it and with
 * whom. */
#include "core/console/verbs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MATES = 3, NAMES = 8 };

static const char *state(const struct fleet *f, int van)
{
    if (f->retired >> van & 1) return "has retired";
    if (f->broken >> van & 1) return "is broken: nobody gets it";
    if (f->frozen >> van & 1) return "works, and its weights are frozen";
    return "works";
}

static const char *percent(char *to, size_t size, double share)
{
    snprintf(to, size, share > 0 && share < 0.001 ? "<0.1 %%" : "%.1f %%", 100 * share);
    return isnan(share) ? "–" : to;
}

static void tell_load(const struct snapshot *s, int van, struct text *out)
{
    char cell[16];
    text_add(out, "its work, 1.00 = a fair share:");
    for (int l = 0; l < s->L && l < SNAP_LAYERS; l++) {
        if (s->L > 1) text_add(out, "%s layer %d", l ? "," : "", l + 1);
        text_add(out, " %s", text_number(cell, (double)s->load[l][van], 2));
    }
    text_add(out, "\n");
}

/* Those that are taken together with it most often, of all tokens that take it. */
static void tell_mates(const struct snapshot *s, int van, struct text *out)
{
    const float *with = s->picks.together[van];
    double own = (double)with[van];
    uint64_t told = 0;
    char cell[24];
    if (!(own > 0)) return;
    for (int n = 0; n < MATES; n++) {
        int best = -1;
        for (int e = 0; e < s->E; e++)
            if (e != van && !(told >> e & 1) && with[e] > 0 && (best < 0 || with[e] > with[best]))
                best = e;
        if (best < 0) break;
        told |= 1ull << best;
        text_add(out, "%s%s with van %d", n ? ", " : "of its trips it makes ",
                 percent(cell, sizeof cell, (double)with[best] / own), best + 1);
        if (n == MATES - 1) break;
    }
    text_add(out, told ? "\n" : "it goes alone, always\n");
}

static void tell_classes(const struct snapshot *s, int van, struct text *out)
{
    const struct snap_picks *p = &s->picks;
    char name[16], cell[24];
    bool any = false;
    for (int k = 0; k < SNAP_KINDS; k++) {
        if (!(p->share[k] > 0)) continue;
        text_add(out, "%s%s of %s%s",
                 any ? ", " : "it goes to: ", percent(cell, sizeof cell, (double)p->column[k][van]),
                 s->kind_name ? "" : "need ", snapshot_kind(s, k, name));
        any = true;
    }
    if (any) text_add(out, "\n");
}

/* Of the tokens that stand on the screen, where there is one. */
static void tell_window(const struct snapshot *s, int van, struct text *out)
{
    int count = 0, layer = s->focus < s->L ? s->focus : 0;
    struct text names = {0};
    for (int i = 0; i < s->tokens && i < SNAP_TOKENS; i++) {
        if (!(s->token[i].taken[layer][van / 64] >> van % 64 & 1)) continue;
        if (count++ < NAMES)
            text_add(&names, " %s", strcmp(s->token[i].text, " ") ? s->token[i].text : "␣");
    }
    if (s->tokens > 0)
        text_add(out, "of the %d %s shown %d get it%s%s%s\n", s->tokens,
                 s->text ? "characters" : "orders", count, count ? ":" : "", text_str(&names),
                 count > NAMES ? " ..." : "");
    text_free(&names);
}

void fleet_tell_van(const struct snapshot *s, int van, struct text *out)
{
    char cell[24];
    text_add(out, "van %d of %d %s\n", van + 1, s->E, state(&s->fleet, van));
    tell_load(s, van, out);
    text_add(out, "%s of this step's %s get it%s",
             percent(cell, sizeof cell, (double)s->picks.together[van][van]),
             s->text ? "tokens" : "orders", s->L > 1 ? "" : "\n");
    if (s->L > 1) text_add(out, " in layer %d\n", s->picks.layer + 1);
    tell_classes(s, van, out);
    tell_mates(s, van, out);
    tell_window(s, van, out);
    uint64_t bit = 1ull << van;
    const char *back = s->fleet.retired & bit  ? "hire"
                       : s->fleet.broken & bit ? "mend"
                       : s->fleet.frozen & bit ? "thaw"
                                               : NULL;
    if (back)
        text_add(out, "%s %d: it works again as the others do\n", back, van + 1);
    else
        text_add(out, "to see what it is good for: break %d, freeze %d, retire %d; and undo\n",
                 van + 1, van + 1, van + 1);
}
