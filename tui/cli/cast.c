/* tui/cli/cast.c - Frames of the explorer as an asciicast (version 2: a header object, then arrays
 * of time, "o" and what the terminal is sent). */
#include "tui/cli/cast.h"
#include "core/base/io.h"
#include "tui/export/export.h"
#include "tui/views/history.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_S 0.5
#define SAID_S 1.5

struct cast {
    char path[512];
    struct history past;
    struct canvas canvas;
    struct frame frame;
    struct scene scene;
    struct text out;
    double time;
};

struct cast *cast_open(const char *path, struct err *e)
{
    struct cast *c = calloc(1, sizeof *c);
    if (!c || !canvas_open(&c->canvas, EXPORT_WIDTH, EXPORT_HEIGHT, CHARSET_BRAILLE)) {
        free(c);
        return err_set(e, ERR_MEMORY, "out of memory for the asciicast"), NULL;
    }
    snprintf(c->path, sizeof c->path, "%s", path);
    c->frame.view = view_at(0);
    text_add(&c->out, "{\"version\": 2, \"width\": %d, \"height\": %d, \"title\": \"vanpool\"}\n",
             EXPORT_WIDTH, EXPORT_HEIGHT);
    return c;
}

/* "\x1b[H" and the colour codes that the export of a screen has. */
static void put(struct cast *c, const struct snapshot *now)
{
    struct text cells = {0}, screen = {0};
    c->scene.now = now, c->scene.past = &c->past;
    frame_draw(&c->canvas, &c->scene, &c->frame);
    struct picture picture = {.view = c->frame.view, .scene = &c->scene, .canvas = &c->canvas};
    for (int i = 0; export_format_at(i); i++)
        if (strcmp(export_format_at(i)->name, "ans") == 0)
            export_format_at(i)->write(&cells, &picture, NULL);
    text_add(&screen, "\033[H");
    for (const char *at = text_str(&cells); *at; at++)
        text_put(&screen, *at == '\n' ? "\r\n" : at, *at == '\n' ? 2 : 1);
    while (screen.size &&
           (screen.at[screen.size - 1] == '\n' || screen.at[screen.size - 1] == '\r'))
        screen.at[--screen.size] = 0; /* a line feed at the end would scroll */
    json_t *frame = json_pack("[f, s, s]", c->time, "o", text_str(&screen));
    char *line = frame ? json_dumps(frame, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (line)
        text_add(&c->out, "%s\n", line);
    else
        c->out.failed = true;
    free(line);
    json_decref(frame);
    text_free(&cells);
    text_free(&screen);
}

void cast_frame(struct cast *c, const struct snapshot *now)
{
    history_add(&c->past, now);
    put(c, now);
    c->time += FRAME_S;
}

void cast_said(struct cast *c, const char *line, const struct snapshot *now)
{
    char name[32];
    const struct view *v;
    if (sscanf(line, "note view %31s", name) == 1 && (v = view_find(name, NULL))) c->frame.view = v;
    c->frame.prompt = line, c->frame.prompt_cursor = canvas_columns(line);
    put(c, now);
    c->time += SAID_S;
    c->frame.prompt = NULL;
    put(c, now);
    c->time += FRAME_S;
}

bool cast_close(struct cast *c, struct err *e)
{
    bool ok = true;
    if (!c) return true;
    struct io_piece piece = {c->out.at, c->out.size};
    if (e)
        ok = c->out.failed ? err_set(e, ERR_MEMORY, "out of memory for the asciicast")
                           : io_save(c->path, &piece, 1, e);
    canvas_close(&c->canvas);
    text_free(&c->out);
    free(c);
    return ok;
}
