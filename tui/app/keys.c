/* tui/app/keys.c - The table of keys. A line here and an action in actions.c make a key. */
#include "tui/app/keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct key_entry entries[] = {
    {"1-9", "view", "look at another question"},
    {"s", "strategy", "the next routing strategy; the model trains on"},
    {"S", "choose", "pick the routing strategy from a list"},
    {"Tab", "knob-next", "select the next knob"},
    {"Shift-Tab", "knob-before", "select the knob before"},
    {"+ =", "more", "turn the selected knob up"},
    {"- _", "less", "turn the selected knob down"},
    {"r", "race", "race all rules against each other; again, once there was a race"},
    {"u", "undo", "take the last change back"},
    {"Space", "pause", "pause, and go on"},
    {".", "step", "make one step"},
    {"Up Down Left Right", "move", "move the cursor, scroll a page"},
    {"PgUp PgDn Home End", "page", "move further"},
    {"Enter", "open", "open the token under the cursor"},
    {"l", "layer", "look at the next layer"},
    {"g", "log", "logarithmic axis on and off"},
    {"e", "explain", "this view in plain words"},
    {"? F1", "help", "every key and command"},
    {":", "prompt", "type a command; Tab completes, Up recalls"},
    {"p", "presenter", "one large view, and back"},
    {"Esc Backspace", "back", "close, or back to the view before"},
    {"Ctrl-L", "repaint", "draw the whole screen again"},
    {"q", "quit", "leave"},
};

const struct key_entry *key_entry_at(int i)
{
    return i >= 0 && i < (int)(sizeof entries / sizeof *entries) ? &entries[i] : NULL;
}

static bool names(const char *keys, const char *name)
{
    size_t n = strlen(name);
    for (const char *k = keys; *k; k += strspn(k, " ")) {
        size_t length = strcspn(k, " ");
        if (length == n && strncmp(k, name, n) == 0) return true;
        if (length == 3 && k[1] == '-' && n == 1 && *name >= k[0] && *name <= k[2]) return true;
        k += length;
    }
    return false;
}

const struct key_entry *key_entry_of(const char *name)
{
    for (int i = 0; key_entry_at(i); i++)
        if (names(entries[i].keys, name)) return &entries[i];
    return NULL;
}
