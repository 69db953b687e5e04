#ifndef TUI_GUIDE_DESK_H
#define TUI_GUIDE_DESK_H
/* The teacher's second terminal: while the explorer presents, whoever runs `vanpool notes` on the
 * same machine, as the same user, is shown what the class does not see. One local socket. */
#include "core/base/err.h"
#include "core/base/text.h"

enum { DESK_READERS = 4 };
struct desk {
    int socket; /* 0: closed */
    int reader[DESK_READERS];
    int readers;
    struct text last; /* what they were shown */
    char path[108];
};
/* Another explorer that presents already keeps the desk; what is left of a dead one goes. */
bool desk_open(struct desk *d, struct err *e);
void desk_close(struct desk *d); /* accepts a zeroed or closed one */
/* Shows a page to all who read, those too who come now; never waits. */
void desk_show(struct desk *d, const char *page);
/* The other end: the socket to read from, or -1. */
int desk_visit(struct err *e);
#endif
