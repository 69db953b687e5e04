#ifndef CORE_DATA_SIGN_H
#define CORE_DATA_SIGN_H
/* How a byte of text looks on a screen: every byte has a sign of its own, one cell or two wide. */
#include <stdint.h>

/* The sign of bytes[0], with the n-1 bytes that follow it (4 in all are enough). The first byte of
 * a character shows all of it, its other bytes "·"; line feed "⏎", tab "⇥", other control
 * characters their picture (U+2400 on); "�" for what is no UTF-8 or would not be seen. Always whole
 * characters: where `size` has no room, nothing. */
void sign_show(const uint8_t *bytes, int n, char *to, int size);
#endif
