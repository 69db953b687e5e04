#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H
/* What went wrong, as a sentence for a person: what, where, what to try. The code is the exit
 * status. */
#include <stdbool.h>

enum err_code {
    ERR_NONE = 0,
    ERR_CHECK = 1,    /* a check failed */
    ERR_USAGE = 2,    /* a word of the person's is off */
    ERR_TERMINAL = 3, /* no usable terminal */
    ERR_INPUT = 4,    /* a file's content */
    ERR_FILE = 5,     /* the file system */
    ERR_MEMORY = 6,
    ERR_BACKEND = 7, /* not available, or lost */
    ERR_DIVERGED = 8,
    ERR_INTERRUPTED = 130,
};
struct err {
    enum err_code code;
    char text[240];
};

/* Fills *e (may be NULL) and returns false, so that a failing function ends in `return
 * err_set(...)`. */
bool err_set(struct err *e, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The name among `count` names (stride bytes apart, each starting with a const char *) nearest to
 * `word`, or NULL where none is near. */
const char *err_nearest(const char *word, const void *names, int count, int stride);
/* The end of such a sentence: ": did you mean topk?", or `otherwise` where none is near. */
struct err_meant {
    char text[240];
};
struct err_meant err_meant(const char *word, const void *names, int count, int stride,
                           const char *otherwise);
#define ERR_MEANT(word, names, count, otherwise)                                                   \
    err_meant(word, names, count, (int)sizeof *(names), otherwise).text
#endif
