/* tui/screen/glyph.c - UTF-8 by hand: libc's wcwidth depends on the locale, and a golden screen
 * must not. */
#include "tui/screen/glyph.h"

#include <stddef.h>

enum { UNREADABLE = 0xfffd };

uint32_t glyph_next(const char **at)
{
    const unsigned char *s = (const unsigned char *)*at;
    if (!*s) return 0;
    int more = *s < 0x80 ? 0 : *s >= 0xf0 && *s < 0xf5 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc2 ? 1 : -1;
    if (*s >= 0xf5) more = -1;
    uint32_t c = more <= 0 ? *s : *s & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            more = -1;
            break;
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (more < 0 || c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        *at += 1;
        return UNREADABLE;
    }
    *at += more + 1;
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ? UNREADABLE : c;
}

struct span {
    uint32_t first, last;
};
static const struct span combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},   {0x064b, 0x065f},
    {0x06d6, 0x06dc}, {0x0900, 0x0902}, {0x093c, 0x093c}, {0x0941, 0x0948},   {0x094d, 0x094d},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff},   {0x3099, 0x309a},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
static const struct span wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x2e80, 0x303e},
    {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd},
};

static int within(uint32_t c, const struct span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= spans[i].first && c <= spans[i].last) return 1;
    return 0;
}

int glyph_columns(uint32_t c)
{
    if (c < 0x300) return 1;
    if (within(c, combining, sizeof combining / sizeof *combining)) return 0;
    return within(c, wide, sizeof wide / sizeof *wide) ? 2 : 1;
}

char glyph_ascii(uint32_t c)
{
    static const struct {
        uint32_t from;
        char to;
    } plain[] = {
        {0x00a0, ' '}, {0x00b1, '+'}, {0x00b5, 'u'},  {0x00b7, '.'},  {0x00d7, 'x'}, {0x2010, '-'},
        {0x2013, '-'}, {0x2014, '-'}, {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'}, {0x201d, '"'},
        {0x2022, '*'}, {0x2026, '~'}, {0x2039, '<'},  {0x203a, '>'},  {0x2190, '<'}, {0x2191, '^'},
        {0x2192, '>'}, {0x2193, 'v'}, {0x21b5, '|'},  {0x2212, '-'},  {0x2208, 'e'}, {0x2211, 'S'},
        {0x221e, '8'}, {0x2248, '~'}, {0x2260, '#'},  {0x2264, '<'},  {0x2265, '>'}, {0x2581, '.'},
        {0x2582, '.'}, {0x2583, ':'}, {0x2584, ':'},  {0x2585, '|'},  {0x2586, '|'}, {0x2587, '#'},
        {0x2588, '#'}, {0x2589, '#'}, {0x258a, '#'},  {0x258b, '='},  {0x258c, '='}, {0x258d, '-'},
        {0x258e, '-'}, {0x258f, '-'}, {0x25aa, '#'},  {0x25b6, '>'},  {0x25b8, '>'}, {0x25c0, '<'},
        {0x25c2, '<'}, {0x25cf, 'o'}, {0x25cb, 'o'},  {0x2713, '+'},  {0x2717, 'x'}, {0x23ce, '|'},
        {0x2423, '_'}, {0x21e5, '>'}, {0x23f8, '='},  {0x03b1, 'a'},  {0x03b2, 'b'}, {0x03b3, 'g'},
        {0x03b8, 'h'}, {0x03bb, 'l'}, {0x03bc, 'm'},  {0x03c0, 'p'},  {0x03c1, 'r'}, {0x03c4, 't'},
        {0x1d40, 'T'}, {0x2295, '+'}, {0x03c3, 's'},  {0x2032, '\''}, {0x2308, '['}, {0x2309, ']'},
        {0x2090, 'a'}, {0x2091, 'e'}, {0x2098, 'm'},  {0x209b, 's'},  {0x1d62, 'i'}, {0x25bc, 'v'},
        {0x03a3, 'S'},
    };
    if (c < 0x80) return (char)c;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].from == c) return plain[i].to;
    if (c >= 0x2500 && c < 0x2580) { /* box drawing */
        if (c == 0x2500 || c == 0x2501 || c == 0x2504 || c == 0x2508) return '-';
        if (c == 0x2502 || c == 0x2503 || c == 0x2506 || c == 0x250a) return '|';
        return '+';
    }
    if (c > 0x2800 && c < 0x2900) return '.';
    if (c == 0x2800) return ' ';
    if (c >= 0x2080 && c < 0x208a) return (char)('0' + c - 0x2080);
    return '?';
}

int glyph_write(uint32_t c, char to[5])
{
    int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = n - 1; i > 0; i--, c >>= 6) to[i] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)(n == 1 ? c : lead[n] | c);
    to[n] = 0;
    return n;
}
