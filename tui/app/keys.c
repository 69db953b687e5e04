/* tui/app/keys.c - The table of keys. A line here and an action in actions.c make a key. */
#include "tui/app/keys.h"
#include "tui/screen/canvas.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
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
    {"U Ctrl-R", "redo", "make the change again that was taken back"},
    {"Space", "pause", "pause, and go on"},
    {".", "step", "make one step"},
    {"Up Left", "up", "the token before, the line above"},
    {"Down Right", "down", "the next token, the line below"},
    {"PgUp", "page-up", "ten up"},
    {"PgDn", "page-down", "ten down"},
    {"Home", "first", "to the first"},
    {"End", "last", "to the last"},
    {"Enter", "open", "open the token under the cursor"},
    {"z", "zoom", "nearer: a token, then its arithmetic"},
    {"Z", "zoom-out", "back from there"},
    {"t", "own", "type a text, or an order, of your own"},
    {"l", "layer", "look at the next layer"},
    {"g", "log", "logarithmic axis on and off"},
    {"P", "pin", "pin the run so far to the curves, to compare"},
    {"e", "explain", "this view in plain words"},
    {"x", "export", "write this view to a file"},
    {"?", "palette", "search everything, and run it"},
    {"F1", "help", "every key and command on a page"},
    {":", "prompt", "type a command; Tab completes, Up recalls"},
    {"]", "lesson-next", "a lesson's next page"},
    {"[", "lesson-back", "a lesson's page before"},
    {"h", "lesson-hint", "a hint to what a lesson's page asks"},
    {"a-d", "lesson-answer", "answer a lesson's question: a choice, or a begins a number"},
    {"p", "presenter", "one large view, and back"},
    {"Esc Backspace", "back", "close, or back to the view before"},
    {"Ctrl-L", "repaint", "draw the whole screen again"},
    {"q", "quit", "leave"},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

const struct key_entry *key_entry_at(int i)
{
    return i >= 0 && i < ENTRIES ? &entries[i] : NULL;
}

const struct key_entry *key_entry_for(const char *action)
{
    for (int i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].action, action) == 0) return &entries[i];
    return NULL;
}

/* What a person bound in place of the table's keys, "" nothing; and what each entry has now. */
static char own[ENTRIES][KEYS_LONGEST], bound[ENTRIES][KEYS_LONGEST];
static bool any_own;

const char *key_names(const struct key_entry *entry)
{
    return any_own ? bound[entry - entries] : entry->keys;
}

char *key_first(const struct key_entry *entry, char *to)
{
    const char *keys = key_names(entry);
    snprintf(to, KEYS_LONGEST, "%.*s", (int)strcspn(keys, " "), keys);
    return to;
}

static bool is_range(const char *name, size_t length)
{
    return length == 3 && name[1] == '-' && name[0] < name[2];
}

/* Which of `keys` it is, from 0, each key of a range counted; -1: none. */
static int place(const char *keys, const char *name)
{
    size_t n = strlen(name);
    int before = 0;
    for (const char *k = keys; *k; k += strspn(k, " ")) {
        size_t length = strcspn(k, " ");
        bool range = is_range(k, length);
        if (length == n && strncmp(k, name, n) == 0) return before;
        if (range && n == 1 && *name >= k[0] && *name <= k[2]) return before + (*name - k[0]);
        before += range ? k[2] - k[0] + 1 : 1;
        k += length;
    }
    return -1;
}

/* What a person bound goes before what the table says, also inside its ranges. */
const struct key_entry *key_entry_of(const char *name)
{
    for (int i = 0; any_own && i < ENTRIES; i++)
        if (*own[i] && place(bound[i], name) >= 0) return &entries[i];
    for (int i = 0; i < ENTRIES; i++)
        if (place(key_names(&entries[i]), name) >= 0) return &entries[i];
    return NULL;
}

char *key_meant(const struct key_entry *entry, const char *name, char *to)
{
    size_t length = strcspn(entry->keys, " ");
    int at = place(key_names(entry), name);
    if (!is_range(entry->keys, length))
        snprintf(to, KEYS_LONGEST, "%.*s", (int)length, entry->keys);
    else if (at >= 0 && at <= entry->keys[2] - entry->keys[0])
        snprintf(to, KEYS_LONGEST, "%c", entry->keys[0] + at);
    else
        to[0] = 0;
    return to;
}

/* ---- a person's own keys ---- */

static bool is_taken(const char *name)
{
    for (int i = 0; i < ENTRIES; i++)
        if (*own[i] && place(own[i], name) >= 0) return true;
    return false;
}

/* What a person bound goes before what the table says; a range of the table stays whole. */
static void bind_all(void)
{
    for (int i = 0; i < ENTRIES; i++) {
        int n = 0;
        bound[i][0] = 0;
        const char *keys = !*own[i] ? entries[i].keys : strcmp(own[i], "none") ? own[i] : "";
        for (const char *k = keys; *k; k += strspn(k, " ")) {
            char name[KEYS_LONGEST];
            int length = (int)strcspn(k, " ");
            snprintf(name, sizeof name, "%.*s", length, k);
            if (*own[i] || !is_taken(name))
                n +=
                    snprintf(bound[i] + n, sizeof bound[i] - (size_t)n, "%s%s", n ? " " : "", name);
            k += length;
        }
    }
}

/* A name that terminal_key can give: one character, or one of these; or a range of characters. */
static bool is_key(const char *name)
{
    static const char *const known[] = {
        "Space", "Tab",  "Shift-Tab", "Enter", "Esc", "Backspace", "Delete", "Up",
        "Down",  "Left", "Right",     "Home",  "End", "PgUp",      "PgDn",   "F1",
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0) return true;
    if (is_range(name, strlen(name)))
        return isalnum((unsigned char)name[0]) && isalnum((unsigned char)name[2]);
    if (strncmp(name, "Ctrl-", 5) == 0) return name[5] >= 'A' && name[5] <= '_' && !name[6];
    return canvas_columns(name) > 0 && ((unsigned char)*name < 0x80 ? !name[1] : strlen(name) <= 4);
}

bool keys_bind(const char *action, const char *keys, struct err *e)
{
    const char *actions[ENTRIES];
    int entry = -1, n = 0;
    char list[KEYS_LONGEST] = "";
    for (int i = 0; i < ENTRIES; i++) {
        actions[i] = entries[i].action;
        if (strcmp(actions[i], action) == 0) entry = i;
    }
    if (entry < 0)
        return err_set(e, ERR_USAGE, "there is no action '%.40s'%s", action,
                       ERR_MEANT(action, actions, ENTRIES, ""));
    for (const char *k = keys + strspn(keys, " \t"); *k; k += strspn(k, " \t")) {
        char name[KEYS_LONGEST];
        int length = (int)strcspn(k, " \t");
        snprintf(name, sizeof name, "%.*s", length, k);
        if (strcmp(keys, "none") != 0 && !is_key(name))
            return err_set(e, ERR_USAGE,
                           "'%.40s' is no key: a character, Ctrl-A, Space, Tab, Up, PgDn, F1 ...",
                           name);
        if (n + length + 2 > KEYS_LONGEST)
            return err_set(e, ERR_USAGE, "%s has too many keys", action);
        n += snprintf(list + n, sizeof list - (size_t)n, "%s%s", n ? " " : "", name);
        k += length;
    }
    if (n == 0) return err_set(e, ERR_USAGE, "%s names no key: 'none' leaves it without", action);
    memcpy(own[entry], list, sizeof list);
    any_own = true;
    bind_all();
    return true;
}

void keys_restore(void)
{
    memset(own, 0, sizeof own);
    any_own = false;
}
