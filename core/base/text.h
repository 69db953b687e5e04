#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H
/* A growing piece of UTF-8 text. Out of memory: `failed` is set, what is there stays whole. */
#include <stdbool.h>
#include <stddef.h>

/* starts zeroed; .at is 0-terminated or NULL */
struct text {
    char *at;
    size_t size, room;
    bool failed;
    struct text *facts; /* where numbers in it are also put by name; NULL: nowhere */
};

void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_put(struct text *t, const char *bytes, size_t n);
/* Text into a page of HTML: what would be a mark there is spelled out. */
void text_html(struct text *t, const char *words);
void text_clear(struct text *t); /* empty, memory kept */
void text_free(struct text *t);
const char *text_str(const struct text *t); /* never NULL */
/* 1234567 -> "1.23M", 61000 -> "61.0k", NaN -> "–" (to: at least 16 bytes). Returns `to`. */
char *text_count(char *to, double value);
/* Seconds for people: "42 s", "3 min 05 s", "1 h 12 min"; NaN -> "–". */
char *text_seconds(char *to, double seconds);
/* Fixed digits, or "–" for NaN. */
char *text_number(char *to, double value, int digits);
#endif
