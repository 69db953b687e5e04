/* tui/views/say.c - One call for a number in a sentence and for the same number by its name. */
#include "tui/views/say.h"
#include "core/base/json.h"
#include "tui/views/facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fact is kept once, where it is said first. */
static void keep(struct text *to, const char *name, double value, const char *unit)
{
    struct text *facts = to->facts, member = {0};
    if (!facts) return;
    json_put_open(&member, name, '{');
    if (!strstr(text_str(facts), text_str(&member))) {
        json_put_open(facts, name, '{');
        json_put_number(facts, "value", value);
        json_put_string(facts, "unit", unit && strcmp(unit, "1") != 0 ? unit : "");
        json_put_close(facts, '}');
    }
    facts->failed |= member.failed;
    text_free(&member);
}

static void number(struct text *to, const char *name, double value, int digits, const char *unit,
                   char form)
{
    char shown[32];
    keep(to, name, value, unit);
    text_add(to, "%s",
             form == '%'   ? facts_percent(shown, value)
             : form == ',' ? facts_whole(shown, value)
             : form == 'e' ? facts_figure(shown, value)
                           : facts_number(shown, value, digits));
}

void say_number(struct text *to, double value, int digits, const char *unit, const char *name, ...)
{
    char whole[64];
    va_list args;
    va_start(args, name);
    vsnprintf(whole, sizeof whole, name, args);
    va_end(args);
    number(to, whole, value, digits, unit, 0);
}

void say_figure(struct text *to, double value, const char *unit, const char *name, ...)
{
    char whole[64];
    va_list args;
    va_start(args, name);
    vsnprintf(whole, sizeof whole, name, args);
    va_end(args);
    number(to, whole, value, 0, unit, 'e');
}

void say_percent(struct text *to, double share, const char *name, ...)
{
    char whole[64];
    va_list args;
    va_start(args, name);
    vsnprintf(whole, sizeof whole, name, args);
    va_end(args);
    number(to, whole, share, 0, "share", '%');
}

void say_as(struct text *to, const char *shown, double value, const char *unit, const char *name,
            ...)
{
    char whole[96];
    va_list args;
    va_start(args, name);
    vsnprintf(whole, sizeof whole, name, args);
    va_end(args);
    keep(to, whole, value, unit);
    text_add(to, "%s", shown);
}

/* What stands in braces, or false: then the braces are only text. */
static bool hole(struct text *to, const struct snapshot *now, const char *word, size_t n)
{
    char name[48];
    char form = n > 0 && strchr("%,", word[n - 1]) ? word[n - 1] : 0;
    if (form) n--;
    if (n == 0 || n >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)n, word);
    if (strcmp(name, "step") == 0) {
        number(to, name, (double)now->step, 0, "", form);
        return true;
    }
    const struct field *f = field_find(name, NULL);
    if (f) number(to, name, field_get(f, now), f->digits, f->unit, form);
    return f != NULL;
}

void say(struct text *to, const struct snapshot *now, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (const char *at = line; *at;) {
        size_t n = *at == '{' ? strcspn(at, "}") : 0;
        if (n > 0 && at[n] && hole(to, now, at + 1, n - 1)) {
            at += n + 1;
            continue;
        }
        size_t plain = 1 + strcspn(at + 1, "{");
        text_put(to, at, plain);
        at += plain;
    }
}
