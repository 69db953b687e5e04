#ifndef TUI_SCREEN_REPORTS_H
#define TUI_SCREEN_REPORTS_H
/* What terminals report beside keys: their mouse (modes 1002 and 1006) and pastes in brackets
 * (2004). For terminal.c, which asks for them and reads the bytes. */
#include "tui/screen/terminal.h"

#define REPORTS_MOUSE "\033[?1002h\033[?1006h"
#define REPORTS_NO_MOUSE "\033[?1002l\033[?1006l"
#define REPORTS_PASTES "\033[?2004h"
#define REPORTS_END REPORTS_NO_MOUSE "\033[?2004l"

/* "<B;X;Y" and M (down, moved) or m (up). False: of no use to us. */
bool reports_mouse(struct terminal_key *to, const char *sequence, char end);

/* A paste, all that comes between two marks: its beginning is kept. */
void reports_paste(void);
/* More of it has come. How many of the bytes belong to it, end mark and all; *whole: it has come. */
size_t reports_take(const char *bytes, size_t n, bool *whole);
/* What is kept, and how many bytes there were. */
const char *reports_pasted(size_t *size);
#endif
