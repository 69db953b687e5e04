/* core/script/lesson.c - From Markdown to pages of parts. */
#include "core/script/lesson.h"
#include "core/base/io.h"
#include "core/script/ask.h"
#include "core/script/command.h"
#include "core/script/expect.h"

#include <cmark.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const lesson_part_names[LESSON_PARTS] = {
    [LESSON_START] = "start",   [LESSON_DO] = "do",           [LESSON_WATCH] = "watch",
    [LESSON_EXPECT] = "expect", [LESSON_PREDICT] = "predict", [LESSON_HINT] = "hint",
    [LESSON_QUIZ] = "quiz",     [LESSON_NOTES] = "notes",
};

/* ---- front matter ---- */

static bool front_value(struct lesson *l, const char *file, int line, char *name, char *value,
                        struct err *e)
{
    const struct {
        const char *name;
        char *to;
        size_t room;
    } words[] = {{"title", l->title, sizeof l->title},
                 {"needs", l->needs, sizeof l->needs},
                 {"strategy", l->strategy, sizeof l->strategy}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, name) != 0) continue;
        if (strlen(value) >= words[i].room)
            return err_set(e, ERR_INPUT, "%s:%d: %s has more than %zu bytes", file, line, name,
                           words[i].room - 1);
        snprintf(words[i].to, words[i].room, "%s", value);
        return true;
    }
    if (strcmp(name, "minutes") != 0)
        return err_set(e, ERR_INPUT,
                       "%s:%d: the front matter knows title, minutes, needs, strategy; not '%.40s'",
                       file, line, name);
    char *end;
    l->minutes = strtod(value, &end);
    if (end == value || *end || !(l->minutes > 0 && l->minutes <= 600))
        return err_set(e, ERR_INPUT, "%s:%d: minutes is a number from 1 to 600, not '%.40s'", file,
                       line, value);
    return true;
}

/* The lines between two `---`, "name: value" each; *body: where the Markdown begins, *line: its
 * line. */
static bool front(struct lesson *l, const char *file, const char *text, const char **body,
                  int *line, struct err *e)
{
    const char *at = text;
    *line = 1;
    if (strncmp(at, "---\n", 4) != 0)
        return err_set(
            e, ERR_INPUT,
            "%s:1: a lesson begins with a line '---', then title: and minutes:, then '---'", file);
    for (at += 4, *line = 2; *at; (*line)++) {
        char row[256];
        size_t n = strcspn(at, "\n");
        snprintf(row, sizeof row, "%.*s", (int)(n < sizeof row ? n : sizeof row - 1), at);
        at += n + (at[n] == '\n');
        if (strcmp(row, "---") == 0) {
            *body = at, *line += 1;
            if (!*l->title)
                return err_set(e, ERR_INPUT, "%s:%d: the front matter has no title", file,
                               *line - 1);
            return true;
        }
        char *colon = strchr(row, ':');
        if (!colon)
            return err_set(e, ERR_INPUT,
                           "%s:%d: the front matter has lines 'name: value'; this is '%.40s'", file,
                           *line, row);
        char *value = colon + 1 + strspn(colon + 1, " ");
        *colon = 0;
        if (!front_value(l, file, *line, row, value, e)) return false;
    }
    return err_set(e, ERR_INPUT, "%s:%d: the front matter has no end: a line '---' is missing",
                   file, *line);
}

/* ---- Markdown to plain words ---- */

static void words_of(cmark_node *from, struct text *to);

static void children(cmark_node *of, struct text *to)
{
    for (cmark_node *n = cmark_node_first_child(of); n; n = cmark_node_next(n)) words_of(n, to);
}

static void list_of(cmark_node *list, struct text *to)
{
    int number = cmark_node_get_list_start(list);
    bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
    for (cmark_node *n = cmark_node_first_child(list); n; n = cmark_node_next(n)) {
        struct text item = {0};
        children(n, &item);
        while (item.size && item.at[item.size - 1] == '\n') item.at[--item.size] = 0;
        if (ordered)
            text_add(to, "%d. %s\n", number++, text_str(&item));
        else
            text_add(to, "• %s\n", text_str(&item));
        to->failed |= item.failed;
        text_free(&item);
    }
    text_add(to, "\n");
}

static void words_of(cmark_node *from, struct text *to)
{
    const char *literal = cmark_node_get_literal(from);
    switch (cmark_node_get_type(from)) {
    case CMARK_NODE_TEXT:
    case CMARK_NODE_CODE:
    case CMARK_NODE_HTML_INLINE:
        text_add(to, "%s", literal ? literal : "");
        return;
    case CMARK_NODE_SOFTBREAK:
        text_add(to, " ");
        return;
    case CMARK_NODE_LINEBREAK:
        text_add(to, "\n");
        return;
    case CMARK_NODE_LIST:
        list_of(from, to);
        return;
    case CMARK_NODE_PARAGRAPH:
    case CMARK_NODE_HEADING:
        children(from, to);
        text_add(to, "\n\n");
        return;
    default:
        if (literal) text_add(to, "%s", literal);
        children(from, to);
    }
}

/* ---- pages ---- */

struct reading {
    struct lesson *lesson;
    const char *file;
    int line; /* of the body's first line */
    struct err *e;
};

static bool broken(const struct reading *r, int line, const char *what)
{
    return err_set(r->e, ERR_INPUT, "%s:%d: %s", r->file, line, what);
}

static char *own(const struct text *t)
{
    return strdup(text_str(t));
}

static bool new_page(struct reading *r, const char *title, int line)
{
    struct lesson *l = r->lesson;
    if (l->pages == LESSON_PAGES) return broken(r, line, "a lesson has at most 12 pages");
    struct lesson_page *p = &l->page[l->pages];
    *p = (struct lesson_page){.title = strdup(title)};
    if (!p->title) return err_set(r->e, ERR_MEMORY, "out of memory for a lesson");
    l->pages++;
    return true;
}

/* Takes over `text`. */
static bool add_part(struct reading *r, enum lesson_part_kind kind, int line, char *text)
{
    if (r->lesson->pages == 0 && text && !new_page(r, r->lesson->title, line)) {
        free(text);
        return false;
    }
    struct lesson_page *p = r->lesson->pages ? &r->lesson->page[r->lesson->pages - 1] : NULL;
    if (!text || !p) {
        free(text);
        return err_set(r->e, ERR_MEMORY, "out of memory for a lesson");
    }
    if (p->parts == LESSON_PAGE_PARTS) {
        free(text);
        return broken(r, line, "a page has at most 24 parts: begin a new one with '## '");
    }
    p->part[p->parts++] = (struct lesson_part){kind, line, text};
    return true;
}

static bool add_block(struct reading *r, cmark_node *n, int line)
{
    const char *info = cmark_node_get_fence_info(n), *literal = cmark_node_get_literal(n);
    char word[24];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(info ? info : "", " "), info ? info : "");
    enum lesson_part_kind kind = LESSON_FORMULA;
    for (int k = 0; *word && k < LESSON_PARTS; k++)
        if (lesson_part_names[k] && strcmp(lesson_part_names[k], word) == 0)
            kind = (enum lesson_part_kind)k;
    if (kind == LESSON_FORMULA && *word && strcmp(word, "text") != 0) {
        char what[160];
        snprintf(
            what, sizeof what, "a lesson has no block '%s'%.80s", word,
            ERR_MEANT(word, lesson_part_names + LESSON_START, LESSON_PARTS - LESSON_START, ""));
        return broken(r, line, what);
    }
    char *text = strdup(literal ? literal : "");
    return add_part(r, kind, line, text);
}

static bool add_node(struct reading *r, cmark_node *n)
{
    int line = r->line + cmark_node_get_start_line(n) - 1;
    cmark_node_type type = cmark_node_get_type(n);
    if (type == CMARK_NODE_CODE_BLOCK) return add_block(r, n, line);
    if (type == CMARK_NODE_HTML_BLOCK) return true; /* comments */
    struct text words = {0};
    words_of(n, &words);
    while (words.size && words.at[words.size - 1] == '\n') words.at[--words.size] = 0;
    bool ok = !words.failed || err_set(r->e, ERR_MEMORY, "out of memory for a lesson");
    bool heading = type == CMARK_NODE_HEADING;
    if (ok && heading && cmark_node_get_heading_level(n) == 2)
        ok = new_page(r, text_str(&words), line);
    else if (ok && words.size && !(heading && cmark_node_get_heading_level(n) == 1))
        ok = add_part(r, LESSON_PROSE, line, own(&words));
    text_free(&words);
    return ok;
}

static int number_of(const char *name)
{
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (!isdigit((unsigned char)base[0])) return -1;
    int n = 0;
    while (isdigit((unsigned char)*base) && n < 1000) n = 10 * n + (*base++ - '0');
    return n;
}

bool lesson_read(struct lesson *to, const char *name, const char *text, size_t size, struct err *e)
{
    *to = (struct lesson){.minutes = 5, .number = number_of(name)};
    struct reading r = {.lesson = to, .file = io_tail(name), .e = e};
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name, *body = NULL;
    snprintf(to->name, sizeof to->name, "%.*s", (int)(strcspn(base, ".") % sizeof to->name), base);
    if (size > LESSON_MOST)
        return err_set(e, ERR_INPUT, "%s: a lesson has at most %d bytes; this file has %zu", r.file,
                       LESSON_MOST, size);
    if (memchr(text, 0, size))
        return err_set(e, ERR_INPUT, "%s: there is a zero byte in it: no text", r.file);
    char *whole = malloc(size + 1);
    if (!whole) return err_set(e, ERR_MEMORY, "out of memory for a lesson");
    memcpy(whole, text, size), whole[size] = 0;
    bool ok = front(to, r.file, whole, &body, &r.line, e);
    cmark_node *root =
        ok ? cmark_parse_document(body, strlen(body), CMARK_OPT_VALIDATE_UTF8) : NULL;
    for (cmark_node *n = root ? cmark_node_first_child(root) : NULL; n && ok;
         n = cmark_node_next(n))
        ok = add_node(&r, n);
    if (ok && to->pages == 0) ok = broken(&r, r.line, "the lesson says nothing");
    if (root) cmark_node_free(root);
    free(whole);
    if (!ok) lesson_close(to);
    return ok;
}

void lesson_close(struct lesson *l)
{
    for (int p = 0; p < l->pages; p++) {
        free(l->page[p].title);
        for (int i = 0; i < l->page[p].parts; i++) free(l->page[p].part[i].text);
    }
    *l = (struct lesson){0};
}

/* ---- asking ---- */

const struct lesson_part *lesson_part(const struct lesson_page *p, enum lesson_part_kind kind,
                                      const struct lesson_part *after)
{
    for (int i = after ? (int)(after - p->part) + 1 : 0; i < p->parts; i++)
        if (p->part[i].kind == kind) return &p->part[i];
    return NULL;
}

bool lesson_line(const struct lesson_part *p, int *at, char *line, int size)
{
    while (p && p->text[*at]) {
        int n = (int)strcspn(p->text + *at, "\n"), from = *at;
        *at += n + (p->text[from + n] == '\n');
        int blank = (int)strspn(p->text + from, " \t");
        if (blank >= n || p->text[from + blank] == '#') continue;
        snprintf(line, (size_t)size, "%.*s", n, p->text + from);
        return true;
    }
    return false;
}

char *lesson_remark(char *line)
{
    char *words = strchr(line, '#'), *end = words ? words : line + strlen(line);
    while (end > line && (end[-1] == ' ' || end[-1] == '\t')) end--;
    if (!words) return *end = 0, end;
    words += 1 + strspn(words + 1, " \t");
    return *end = 0, words;
}

/* ---- lint ---- */

static bool lint_line(const struct lesson_part *p, char *line, struct err *e)
{
    struct expect condition;
    struct command_line words;
    switch (p->kind) {
    case LESSON_START:
    case LESSON_DO:
        if (!command_parse(&words, line, e)) return false;
        if (words.open_quote)
            return err_set(e, ERR_INPUT, "a quote is open at the end of the line");
        return words.argc == 0 || command_find(words.argv[0], e) != NULL;
    case LESSON_EXPECT:
        lesson_remark(line);
        return expect_read(&condition, line, e);
    default:
        return true;
    }
}

static bool lint_part(const struct lesson_part *p, struct err *e)
{
    char line[512];
    struct ask ask;
    int at = 0, lines = 0;
    if (p->kind == LESSON_PREDICT || p->kind == LESSON_QUIZ)
        return ask_read(&ask, p->text, p->kind == LESSON_QUIZ, e);
    while (lesson_line(p, &at, line, sizeof line)) {
        lines++;
        if (!lint_line(p, line, e)) return false;
    }
    if (lines == 0 && lesson_part_names[p->kind]) return err_set(e, ERR_INPUT, "an empty block");
    return true;
}

bool lesson_lint(const struct lesson *l, struct err *e)
{
    int expects = 0;
    for (int i = 0; i < l->pages; i++) {
        const struct lesson_page *p = &l->page[i];
        for (int j = 0; j < p->parts; j++) {
            struct err why = {0};
            expects += p->part[j].kind == LESSON_EXPECT;
            if (lint_part(&p->part[j], &why)) continue;
            return err_set(e, ERR_INPUT, "%s:%d: in the block that begins here: %s", l->name,
                           p->part[j].line, why.text);
        }
    }
    if (expects == 0)
        return err_set(e, ERR_INPUT,
                       "%s: nothing is expected: a lesson without an 'expect' block proves nothing",
                       l->name);
    return true;
}
