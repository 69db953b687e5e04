/* core/data/sign.c - How a byte of text looks on a screen. */
#include "core/data/sign.h"

#include <stdbool.h>
#include <string.h>

/* The character that begins here, or -1. *length: its bytes. Overlong forms and surrogates are none
 * (RFC 3629). */
static long decode(const uint8_t *at, int n, int *length)
{
    static const struct {
        uint8_t below;
        int length;
        long least;
    } lead[] = {{0x80, 1, 0}, {0xc0, 0, 0}, {0xe0, 2, 0x80}, {0xf0, 3, 0x800}, {0xf8, 4, 0x10000}};
    int i = 0;
    while (i < 5 && at[0] >= lead[i].below) i++;
    *length = i < 5 ? lead[i].length : 0;
    if (*length == 0 || *length > n) return -1;
    long code = *length == 1 ? at[0] : at[0] & (0x7f >> *length);
    for (int k = 1; k < *length; k++) {
        if ((at[k] & 0xc0) != 0x80) return -1;
        code = code << 6 | (at[k] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < lead[i].least || code > 0x10ffff || surrogate ? -1 : code;
}

/* Characters that move the cursor, turn the writing direction or take no room of their own. */
static bool invisible(long code)
{
    static const long ranges[][2] = {{0x80, 0x9f},     {0xad, 0xad},     {0x300, 0x36f},
                                     {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                                     {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return true;
    return false;
}

void sign_show(const uint8_t *bytes, int n, char *to, int size)
{
    char character[5] = "";
    const char *sign = character;
    int length;
    long code = decode(bytes, n, &length);
    if ((bytes[0] & 0xc0) == 0x80)
        sign = "·";
    else if (code < 0 || invisible(code))
        sign = "�";
    else if (code == '\n')
        sign = "⏎";
    else if (code == '\t')
        sign = "⇥";
    else if (code == 127)
        sign = "␡";
    else if (code < 32)
        memcpy(character, (char[]){'\xe2', '\x90', (char)(0x80 + code)}, 3);
    else
        memcpy(character, bytes, (size_t)length);
    if ((size_t)size > strlen(sign))
        strcpy(to, sign);
    else if (size > 0)
        to[0] = 0;
}
