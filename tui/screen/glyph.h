#ifndef TUI_SCREEN_GLYPH_H
#define TUI_SCREEN_GLYPH_H
/* One character at a time out of UTF-8, how wide a terminal draws it, and what says the same in
 * ASCII. */
#include <stdint.h>

/* Reads the character at *at and moves on. Bytes that are no UTF-8 and control characters come out
 * as U+FFFD; 0 at the end. */
uint32_t glyph_next(const char **at);
/* Columns: 0 for marks that combine, 2 for wide East Asian characters and emoji, else 1.
 * Independent of the locale. */
int glyph_columns(uint32_t c);
char glyph_ascii(uint32_t c);
int glyph_write(uint32_t c, char to[5]); /* as UTF-8, 0-terminated; returns its bytes */
#endif
