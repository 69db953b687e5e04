/* tui/guide/desk.c - Notes over a Unix socket in the user's runtime folder. */
#include "tui/guide/desk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void address(struct sockaddr_un *to)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (folder && *folder == '/' && strlen(folder) < 80)
        snprintf(to->sun_path, sizeof to->sun_path, "%.80s/vanpool-notes", folder);
    else
        snprintf(to->sun_path, sizeof to->sun_path, "/tmp/vanpool-notes-%u", (unsigned)getuid());
}

int desk_visit(struct err *e)
{
    struct sockaddr_un at;
    address(&at);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s >= 0 && connect(s, (struct sockaddr *)&at, sizeof at) == 0) return s;
    if (s >= 0) close(s);
    err_set(e, ERR_FILE,
            "nobody presents here: press p in the explorer, then run vanpool notes in another "
            "terminal");
    return -1;
}

bool desk_open(struct desk *d, struct err *e)
{
    struct sockaddr_un at;
    if (d->socket) return true;
    address(&at);
    int other = desk_visit(NULL);
    if (other >= 0) {
        close(other);
        return err_set(e, ERR_FILE,
                       "another explorer presents already; its notes stay where they are");
    }
    unlink(at.sun_path);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177); /* the user's own */
    bool ok =
        s >= 0 && bind(s, (struct sockaddr *)&at, sizeof at) == 0 && listen(s, DESK_READERS) == 0;
    int why = errno;
    umask(mask);
    if (!ok) {
        if (s >= 0) close(s);
        return err_set(e, ERR_FILE, "no second terminal can be had: %s: %s", at.sun_path,
                       strerror(why));
    }
    *d = (struct desk){.socket = s};
    snprintf(d->path, sizeof d->path, "%s", at.sun_path);
    return true;
}

void desk_close(struct desk *d)
{
    if (!d->socket) return;
    for (int i = 0; i < d->readers; i++) close(d->reader[i]);
    close(d->socket);
    unlink(d->path);
    text_free(&d->last);
    *d = (struct desk){0};
}

/* Whole or not at all: a reader that does not read is let go. */
static bool give(int reader, const char *page)
{
    static const char clear[] = "\f"; /* a new page */
    size_t n = strlen(page);
    return send(reader, clear, sizeof clear - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0 &&
           send(reader, page, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}

void desk_show(struct desk *d, const char *page)
{
    if (!d->socket) return;
    int old = d->readers, some, kept = 0;
    while (d->readers < DESK_READERS && (some = accept(d->socket, NULL, NULL)) >= 0)
        d->reader[d->readers++] = some;
    bool same = d->last.at && strcmp(d->last.at, page) == 0;
    for (int i = 0; i < d->readers; i++) {
        bool ok = (same && i < old) || give(d->reader[i], page);
        if (ok)
            d->reader[kept++] = d->reader[i];
        else
            close(d->reader[i]);
    }
    d->readers = kept;
    if (same) return;
    text_clear(&d->last);
    text_add(&d->last, "%s", page);
}
