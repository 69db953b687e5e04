/* tui/views/rule.c - How does this strategy decide, and what is it learning? Above, the formula,
 * then with the numbers of the token under the cursor; below, what is particular to the strategy
 * and, beside it, its losses and metrics. */
#include "tui/views/rule.h"
#include "tui/draw/prose.h"

#include <math.h>
#include <string.h>

static const char explain[] =
    "Above stands the rule in words and as a formula, below it the same formula with the numbers "
    "of the token under the cursor: what is in, the best that is out, and the gates. The arrows "
    "move the cursor.\n"
    "The pictures show what this strategy compares and what it is learning: a cut, a staircase, a "
    "bar for each expert, a price over time. Beside them stand its losses, each with its value, "
    "its weight and their product, which is what training sees; and its own metrics, with their "
    "course since the strategy came.";

enum { LIST = 34, GAP = 2, LIST_WIDTH = 70, TALL = 14, ROOMY = 22, PICTURE_WIDTH = 110 };

/* ---- above: words, formula, numbers ---- */
static int draw_prose(struct canvas *to, int y, int most, enum ink ink, const char *text)
{
    int lines = prose_lines(to->width, text), rows = lines < most ? lines : most;
    prose_draw(to, 0, y, to->width, rows, 0, ink, text);
    return y + rows;
}

static int draw_head(struct canvas *to, const struct scene *s)
{
    const struct router *r = s->now->router;
    int h = to->height, y = 0;
    struct text live = {0};
    if (!r || h < 2) return y;
    if (h >= ROOMY || (h >= TALL && prose_lines(to->width, r->rule) == 1))
        y = draw_prose(to, y, h >= ROOMY ? 3 : 2, INK_DIM, r->rule);
    struct text formula = {0};
    prose_clauses(&formula, to->width, r->formula);
    y = draw_prose(to, y, h < 6 ? 1 : h < ROOMY ? 2 : 3, INK_ACCENT, text_str(&formula));
    text_free(&formula);
    rule_live(&live, s);
    int end = h >= 4 ? draw_prose(to, y, h < 6 ? 1 : 2, INK_BRIGHT, text_str(&live)) : y;
    text_free(&live);
    return h >= TALL ? y + 2 : end; /* the numbers may need a line or two: nothing jumps */
}

/* ---- the pictures, one below the other ---- */
static const struct rule_picture *picture_at(const struct rule_face *f, int i)
{
    return i < RULE_PICTURES ? f->picture[i] : NULL;
}

/* How many fit, and how many rows each has under its title: the first ones whole, then as they
 * can. */
static int share_rows(const struct rule_face *f, const struct scene *s, int height,
                      int rows[RULE_PICTURES])
{
    int count = 0, left = height + 1; /* a blank line between two, none after the last */
    for (const struct rule_picture *p; (p = picture_at(f, count)); count++) {
        int want = p->whole ? p->whole(s) : p->least;
        if (want < p->least) want = p->least;
        if (left < p->least + 2) break;
        rows[count] = want < left - 2 ? want : left - 2;
        left -= rows[count] + 2;
    }
    for (bool more = true; more && left > 0;) {
        more = false;
        for (int i = 0; i < count && left > 0; i++) {
            const struct rule_picture *p = f->picture[i];
            int most = p->whole && p->whole(s) < p->most ? p->whole(s) : p->most;
            if (rows[i] < most) rows[i]++, left--, more = true;
        }
    }
    return count;
}

static int draw_pictures(struct canvas *to, const struct scene *s)
{
    enum { BARE = 3 };
    const struct rule_face *f = rule_face_of(s->now->router);
    int rows[RULE_PICTURES], count = share_rows(f, s, to->height, rows), y = 0;
    if (count == 0 && to->height >= BARE && picture_at(f, 0)) { /* without its title, then */
        f->picture[0]->draw(to, s);
        return to->height;
    }
    for (int i = 0; i < count; i++, y++) {
        canvas_fit(to, 0, y++, to->width, INK_TITLE, "%s", f->picture[i]->title);
        struct canvas part = canvas_part(to, 0, y, to->width, rows[i]);
        f->picture[i]->draw(&part, s);
        y += rows[i];
    }
    return y;
}

static void rule_draw(struct canvas *to, const struct scene *s)
{
    if (facts_waiting(to, s)) return;
    struct canvas in = canvas_part(to, 1, 0, to->width - 2, to->height);
    int y = draw_head(&in, s), h = in.height;
    if (h >= ROOMY) y++;
    bool beside = in.width >= LIST_WIDTH;
    int left = beside ? in.width - LIST - GAP : in.width, below = 0;
    if (left > PICTURE_WIDTH) left = PICTURE_WIDTH;
    if (!beside && h - y >= TALL) { /* half of what there is, where the list needs that much */
        below = rule_kinds_rows(s) + 1;
        if (below > (h - y) / 2) below = (h - y) / 2;
    }
    struct canvas pictures = canvas_part(&in, 0, y, left, h - y - below);
    int end = y + draw_pictures(&pictures, s);
    struct canvas list = beside ? canvas_part(&in, left + GAP, y, in.width - left - GAP, h - y)
                                : canvas_part(&in, 0, end, in.width, h - end);
    rule_kinds_draw(&list, s);
}

static void rule_tell(struct text *to, const struct scene *s)
{
    if (!s->now || !s->now->router) return;
    const struct rule_face *f = rule_face_of(s->now->router);
    text_add(to, "%s: %s\n%s\n", s->now->router->title, s->now->router->rule,
             s->now->router->formula);
    rule_live(to, s);
    text_add(to, ".\n");
    for (int i = 0; picture_at(f, i); i++)
        if (f->picture[i]->tell) f->picture[i]->tell(to, s);
    rule_kinds_tell(to, s);
}

const struct view view_rule = {
    .name = "rule",
    .key = '4',
    .title = "Rule",
    .question = "How does this strategy decide, and what is it learning?",
    .uses = VIEW_CURSOR | VIEW_LAYER,
    .explain = explain,
    .draw = rule_draw,
    .tell = rule_tell,
};
