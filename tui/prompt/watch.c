/* tui/prompt/watch.c - Numbers by name, beside every report. */
#include "tui/prompt/watch.h"
#include "core/script/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_every(const char *word, long *to, struct err *e)
{
    char *end;
    long n = strtol(word, &end, 10);
    if (*word < '1' || *word > '9' || *end || n > 1000000000)
        return err_set(e, ERR_USAGE, "every=N is a whole number of steps, not '%.40s'", word);
    return *to = n, true;
}

bool watch_command(struct watch *w, int argc, char **argv, const struct snapshot *now,
                   struct text *out, struct err *e)
{
    struct watch to = {.every = w->every};
    double value;
    bool none = argc == 2 && strcmp(argv[1], "none") == 0;
    for (int i = 1; i < argc && !none; i++) {
        if (strncmp(argv[i], "every=", 6) == 0) {
            if (!take_every(argv[i] + 6, &to.every, e)) return false;
            continue;
        }
        if (to.count == WATCH_MOST)
            return err_set(e, ERR_USAGE, "up to %d numbers can be watched", WATCH_MOST);
        if (strlen(argv[i]) >= sizeof to.name[0] || !now || !expect_value(now, argv[i], &value, e))
            return e && *e->text ? false
                                 : err_set(e, ERR_USAGE, "'%.40s' cannot be watched", argv[i]);
        snprintf(to.name[to.count++], sizeof to.name[0], "%s", argv[i]);
    }
    if (argc > 1) *w = to;
    if (w->count == 0)
        text_add(out, "nothing is watched: watch FIELD... [every=N]\n");
    else
        watch_tell(w, now, out), text_add(out, ", every %ld steps\n", watch_every(w));
    return true;
}

void watch_tell(const struct watch *w, const struct snapshot *now, struct text *out)
{
    for (int i = 0; i < w->count; i++) {
        char shown[32];
        double value = NAN;
        const struct field *f = field_find(w->name[i], NULL);
        if (now) expect_value(now, w->name[i], &value, NULL); /* another strategy has it not: – */
        bool unit = f && f->unit && *f->unit && strcmp(f->unit, "1") != 0;
        text_add(out, "%s%s %s%s%s", i ? ", " : "", w->name[i],
                 text_number(shown, value, f ? f->digits : 4), unit ? " " : "",
                 unit ? f->unit : "");
    }
}

long watch_every(const struct watch *w)
{
    return w->count == 0 ? 0 : w->every > 0 ? w->every : WATCH_EVERY;
}
