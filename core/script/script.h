#ifndef CORE_SCRIPT_SCRIPT_H
#define CORE_SCRIPT_SCRIPT_H
/* A file of command lines, handed out one by one. */
#include "core/base/err.h"

struct script {
    char *text, *next; /* the whole file; where the next line begins */
    char name[256];
    int line; /* the number of the line handed out last, from 1 */
};

/* Reads the whole file; refused where it is no text or larger than 1 MiB. */
bool script_open(struct script *s, const char *path, struct err *e);
/* The same of a text that is there already, and is copied. */
bool script_open_text(struct script *s, const char *name, const char *text, struct err *e);
/* Copies the next line, without its end. False: none is left. A line that does not fit is cut:
 * command_parse refuses it. */
bool script_next(struct script *s, char *line, int size);
bool script_more(const struct script *s); /* is a line left? */
void script_close(struct script *s);      /* accepts a zeroed one */
#endif
