#ifndef TUI_EXPORT_EXPORT_H
#define TUI_EXPORT_EXPORT_H
/* A view in a file, as a screen of any size would show it: text, colour codes, facts as JSON, SVG
 * or PNG. Views are pure, so no terminal is needed. */
#include "tui/screen/theme.h"
#include "tui/views/view.h"

/* What a format writes from. */
struct picture {
    const struct view *view;
    const struct scene *scene;
    const struct theme *theme;   /* NULL: dark */
    const struct canvas *canvas; /* the framed view, without the lines for hints and keys */
};
struct export_format {
    const char *name; /* the ending of the file's name */
    const char *help;
    bool slow; /* takes longer than a key may wait for */
    bool (*write)(struct text *to, const struct picture *p, struct err *e);
};
const struct theme *export_theme(const struct picture *p); /* never NULL */
const struct export_format *export_format_at(int i);       /* the table; NULL past the end */

enum { EXPORT_WIDTH = 120, EXPORT_HEIGHT = 36, EXPORT_MOST = 500 };

/* `export FILE[!] [VIEW] [WIDTHxHEIGHT] [THEME]`: the ending says the format, `!` writes over a file that
 * is there; view and size: those given, where no word names others (size 0: 120x36). `said` gets a
 * sentence. A file is written whole or not at all. */
bool export_command(int argc, char **argv, const struct scene *s, const struct view *view,
                    int width, int height, struct text *said, struct err *e);
/* The same for a face that goes on drawing: what is slow is drawn by a child process, one at a time.
 * *beside is NULL before; not NULL after: it is under way. What is drawn is the screen of now. */
struct export_beside;
bool export_begin(int argc, char **argv, const struct scene *s, const struct view *view, int width,
                  int height, struct export_beside **beside, struct text *said, struct err *e);
bool export_under_way(const struct export_beside *b); /* NULL: no */
/* Waits for its end and closes it: *beside is NULL again. */
bool export_end(struct export_beside **beside, struct text *said, struct err *e);
/* A name for the view of now, "vanpool-orders-topp-vans-1240.png". */
void export_name(char *to, size_t size, const struct view *view, const struct snapshot *now);

/* One line: what runs, what was measured, the view's sentences and the named numbers in them. */
bool export_json(struct text *to, const struct view *view, const struct scene *s);
/* Through cairo; where the program was built without it, the sentence says so. */
bool export_svg(struct text *to, const struct picture *p, struct err *e);
bool export_png(struct text *to, const struct picture *p, struct err *e);
/* The library that draws pictures, "cairo 1.16.0"; NULL: built without. */
const char *export_pictures(void);
#endif
