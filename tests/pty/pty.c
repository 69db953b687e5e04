/* tests/pty/pty.c - A terminal in memory: as much of an xterm as terminfo makes ncurses use. */
#include "tests/pty/pty.h"
#include "tests/check.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

double visit_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the screen ---- */

static char *at(const struct visit *v, int x, int y)
{
    return v->cell[y * VISIT_WIDEST + x];
}

static void blank(struct visit *v, int x, int y, int count)
{
    for (; count > 0 && x < v->width; x++, count--) strcpy(at(v, x, y), " ");
}

static void blank_all(struct visit *v)
{
    for (int y = 0; y < v->height; y++) blank(v, 0, y, v->width);
}

static int held(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

static void go(struct visit *v, int x, int y)
{
    v->x = held(x, 0, v->width - 1), v->y = held(y, 0, v->height - 1);
    v->wraps = false;
}

/* Rows from `top` to `bottom` move up (by > 0) or down. */
static void scroll(struct visit *v, int top, int bottom, int by)
{
    int rows = bottom - top + 1, left = rows - abs(by);
    size_t row = sizeof *v->cell * VISIT_WIDEST;
    if (left > 0)
        memmove(at(v, 0, by > 0 ? top : top - by), at(v, 0, by > 0 ? top + by : top),
                row * (size_t)left);
    for (int i = 0; i < abs(by) && i < rows; i++)
        blank(v, 0, by > 0 ? bottom - i : top + i, v->width);
}

static void line_feed(struct visit *v)
{
    if (v->y == v->bottom)
        scroll(v, v->top, v->bottom, 1);
    else
        go(v, v->x, v->y + 1);
}

static void put(struct visit *v, const char *utf8)
{
    if (v->wraps) v->x = 0, line_feed(v), v->wraps = false;
    strcpy(at(v, v->x, v->y), utf8);
    strcpy(v->last, utf8);
    if (v->x == v->width - 1)
        v->wraps = true;
    else
        v->x++;
}

/* Cells from the cursor on move to the right (by > 0) or to the left. */
static void shift(struct visit *v, int by)
{
    int room = v->width - v->x, left = room - abs(by);
    if (left > 0)
        memmove(at(v, by > 0 ? v->x + by : v->x, v->y), at(v, by > 0 ? v->x : v->x - by, v->y),
                sizeof *v->cell * (size_t)left);
    blank(v, by > 0 || left <= 0 ? v->x : v->x + left, v->y, abs(by));
}

/* ---- what terminals are told ---- */

static void mode(struct visit *v, int number, bool on)
{
    if (number == 1049 || number == 47 || number == 1047) v->other = on;
    if (number == 25) v->hidden = !on;
    if (number == 1000 || number == 1002 || number == 1003) v->mouse = on;
    if (number == 2004) v->paste = on;
    if (number == 1) v->keypad = on;
    if (number == 1049 && on) blank_all(v);
}

static void colours(struct visit *v, const int *n, int count)
{
    for (int i = 0; i < count; i++)
        if ((n[i] >= 30 && n[i] <= 48 && n[i] != 39) || (n[i] >= 90 && n[i] <= 107))
            v->coloured = true;
}

static void control(struct visit *v, const char *sequence, char end)
{
    int n[16] = {0}, count = 0;
    bool private = *sequence == '?';
    for (const char *s = sequence + strspn(sequence, "?>=!"); count < 16; s++) {
        char *rest;
        n[count++] = (int)strtol(s, &rest, 10);
        s = rest;
        if (*s != ';' && *s != ':') break;
    }
    int one = n[0] > 0 ? n[0] : 1;
    if (private && (end == 'h' || end == 'l')) return mode(v, n[0], end == 'h');
    switch (end) {
    case 'H':
    case 'f':
        go(v, (n[1] ? n[1] : 1) - 1, one - 1);
        break;
    case 'A':
        go(v, v->x, v->y - one);
        break;
    case 'B':
    case 'e':
        go(v, v->x, v->y + one);
        break;
    case 'C':
        go(v, v->x + one, v->y);
        break;
    case 'D':
        go(v, v->x - one, v->y);
        break;
    case 'G':
    case '`':
        go(v, one - 1, v->y);
        break;
    case 'd':
        go(v, v->x, one - 1);
        break;
    case 'J':
        if (n[0] == 0) blank(v, v->x, v->y, v->width);
        if (n[0] == 1) blank(v, 0, v->y, v->x + 1);
        for (int y = 0; y < v->height; y++)
            if (n[0] >= 2 || (n[0] == 0 && y > v->y) || (n[0] == 1 && y < v->y))
                blank(v, 0, y, v->width);
        break;
    case 'K':
        if (n[0] == 0) blank(v, v->x, v->y, v->width);
        if (n[0] == 1) blank(v, 0, v->y, v->x + 1);
        if (n[0] == 2) blank(v, 0, v->y, v->width);
        break;
    case 'X':
        blank(v, v->x, v->y, one);
        break;
    case '@':
        shift(v, one);
        break;
    case 'P':
        shift(v, -one);
        break;
    case 'L':
        scroll(v, v->y, v->bottom, -one);
        break;
    case 'M':
        scroll(v, v->y, v->bottom, one);
        break;
    case 'S':
        scroll(v, v->top, v->bottom, one);
        break;
    case 'T':
        scroll(v, v->top, v->bottom, -one);
        break;
    case 'b':
        for (int i = 0; i < one && *v->last; i++) put(v, v->last);
        break;
    case 'r':
        v->top = held(one - 1, 0, v->height - 1);
        v->bottom = held((n[1] ? n[1] : v->height) - 1, v->top, v->height - 1);
        go(v, 0, 0);
        break;
    case 'm':
        colours(v, n, count);
        break;
    case 'h':
    case 'l':
    case 'c':
    case 'n':
    case 'q':
    case 't':
        break;
    default:
        ck_abort_msg("the program wrote a sequence that this terminal does not know: \\e[%s%c",
                     sequence, end);
    }
}

/* One whole escape sequence, without its ESC. True: it is whole. */
static bool escape(struct visit *v, const char *s, size_t n)
{
    char sequence[64];
    if (n == 0) return false;
    switch (*s) {
    case '[':
        if (n < 2 || s[n - 1] < '@' || s[n - 1] > '~') return false;
        snprintf(sequence, sizeof sequence, "%.*s", (int)n - 2, s + 1);
        control(v, sequence, s[n - 1]);
        return true;
    case '(':
    case ')':
        return n == 2;
    case ']':
        return s[n - 1] == 7 || s[n - 1] == '\\';
    case '7':
        v->saved_x = v->x, v->saved_y = v->y;
        return true;
    case '8':
        go(v, v->saved_x, v->saved_y);
        return true;
    case 'M':
        if (v->y == v->top)
            scroll(v, v->top, v->bottom, -1);
        else
            go(v, v->x, v->y - 1);
        return true;
    case '=':
    case '>':
        v->keypad = *s == '=';
        return true;
    default:
        return true;
    }
}

static void take_byte(struct visit *v, char c)
{
    unsigned char byte = (unsigned char)c;
    v->written++;
    if (byte >= 0x80) v->beyond_ascii = true;
    if (v->partial_size > 0) {
        v->partial[v->partial_size++] = c;
        ck_assert_uint_lt(v->partial_size, sizeof v->partial);
        v->partial[v->partial_size] = 0;
        bool utf8 = (unsigned char)v->partial[0] >= 0xc0;
        size_t wide = (unsigned char)v->partial[0] >= 0xf0   ? 4
                      : (unsigned char)v->partial[0] >= 0xe0 ? 3
                                                             : 2;
        if (utf8 && v->partial_size == wide) put(v, v->partial);
        if (utf8 ? v->partial_size == wide : escape(v, v->partial + 1, v->partial_size - 1))
            v->partial_size = 0;
        return;
    }
    if (c == 27 || byte >= 0xc0) {
        v->partial[v->partial_size++] = c;
        v->partial[v->partial_size] = 0;
        v->escapes |= c == 27;
    } else if (c == '\r') {
        go(v, 0, v->y);
    } else if (c == '\n' || c == 11) {
        line_feed(v);
    } else if (c == '\b') {
        go(v, v->x - 1, v->y);
    } else if (c == '\t') {
        go(v, (v->x / 8 + 1) * 8, v->y);
    } else if (byte >= 32) {
        put(v, (char[]){c, 0});
    }
}

/* Takes what is there; false: there is nothing, or nobody. */
static bool take(struct visit *v, int ms)
{
    char some[65536];
    struct pollfd from = {.fd = v->fd, .events = POLLIN};
    if (poll(&from, 1, ms) <= 0) return false;
    ssize_t n = read(v->fd, some, sizeof some);
    for (ssize_t i = 0; i < n; i++) take_byte(v, some[i]);
    return n > 0;
}

/* ---- visits ---- */

const char *visit_program(void)
{
    static char path[4096]; /* a path, never one of the words before it that name variables */
    const char *named = getenv("VANPOOL");
    if (!named || !*named) return "./vanpool";
    snprintf(path, sizeof path, "%s%s", strchr("./", *named) ? "" : "./", named);
    return path;
}

bool visit_fork(struct visit *v, int width, int height)
{
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};
    *v = (struct visit){.width = width, .height = height, .bottom = height - 1};
    v->cell = malloc(sizeof *v->cell * VISIT_WIDEST * VISIT_HIGHEST);
    ck_assert_ptr_nonnull(v->cell);
    blank_all(v);
    int inside;
    ck_assert_int_eq(openpty(&v->fd, &inside, NULL, NULL, &size), 0);
    ck_assert_int_eq(tcgetattr(inside, &v->before), 0);
    v->pid = fork();
    ck_assert_int_ge(v->pid, 0);
    if (v->pid == 0) {
        close(v->fd);
        ck_assert_int_eq(login_tty(inside), 0);
        return true;
    }
    close(inside);
    fcntl(v->fd, F_SETFL, O_NONBLOCK);
    return false;
}

void visit_open(struct visit *v, int width, int height, const char *const *argv)
{
    if (!visit_fork(v, width, height)) return;
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLORFGBG");
    for (; *argv && **argv != '/' && **argv != '.' && **argv != '-'; argv++) {
        char name[64];
        size_t n = strcspn(*argv, "=");
        snprintf(name, sizeof name, "%.*s", (int)n, *argv);
        if ((*argv)[n])
            setenv(name, *argv + n + 1, 1);
        else
            unsetenv(name);
    }
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

void visit_write(struct visit *v, const char *bytes, size_t n)
{
    double end = visit_clock() + 60;
    while (n > 0) {
        struct pollfd to = {.fd = v->fd, .events = POLLIN | POLLOUT};
        ck_assert_msg(visit_clock() < end, "it takes no more keys: %zu left", n);
        if (poll(&to, 1, 1000) <= 0) continue;
        if (to.revents & POLLIN) take(v, 0);
        if (to.revents & POLLHUP) return; /* nobody is there any more: visit_end says how */
        if (!(to.revents & POLLOUT)) continue;
        ssize_t wrote = write(v->fd, bytes, n < 512 ? n : 512);
        if (wrote > 0) bytes += wrote, n -= (size_t)wrote;
    }
}

void visit_press(struct visit *v, const char *keys)
{
    visit_write(v, keys, strlen(keys));
}

void visit_resize(struct visit *v, int width, int height)
{
    struct winsize size = {.ws_row = (unsigned short)height, .ws_col = (unsigned short)width};
    if (width == v->width && height == v->height) return;
    v->width = width, v->height = height;
    v->top = 0, v->bottom = height - 1;
    blank_all(v);
    go(v, v->x, v->y);
    ck_assert_int_eq(ioctl(v->fd, TIOCSWINSZ, &size), 0);
}

void visit_pass(struct visit *v, double seconds, double quiet)
{
    double end = visit_clock() + seconds, last = visit_clock();
    while (visit_clock() < end && visit_clock() - last < quiet)
        if (take(v, 5)) last = visit_clock();
}

const char *visit_screen(const struct visit *v)
{
    static char *lines;
    size_t n = 0;
    free(lines);
    lines = malloc((size_t)v->height * ((size_t)v->width * 4 + 1) + 1);
    ck_assert_ptr_nonnull(lines);
    for (int y = 0; y < v->height; y++) {
        for (int x = 0; x < v->width; x++)
            for (const char *c = at(v, x, y); *c; c++) lines[n++] = *c;
        while (n > 0 && lines[n - 1] == ' ') n--;
        lines[n++] = '\n';
    }
    lines[n] = 0;
    return lines;
}

bool visit_shows(const struct visit *v, const char *what)
{
    return strstr(visit_screen(v), what) != NULL;
}

bool visit_sees(struct visit *v, const char *what, double seconds)
{
    double end = visit_clock() + seconds;
    while (!visit_shows(v, what)) {
        if (visit_clock() > end) return false;
        take(v, 20);
    }
    return true;
}

int visit_end(struct visit *v, double seconds)
{
    double end = visit_clock() + seconds;
    int status;
    while (waitpid(v->pid, &status, WNOHANG) != v->pid) {
        if (visit_clock() > end) return -1;
        take(v, 10);
    }
    visit_pass(v, 0.2, 0.05);
    v->pid = 0;
    return status;
}

const char *visit_left(struct visit *v)
{
    static char left[200];
    struct termios now;
    ck_assert_int_eq(tcgetattr(v->fd, &now), 0); /* of the other side, on Linux */
    bool same = now.c_iflag == v->before.c_iflag && now.c_oflag == v->before.c_oflag &&
                now.c_cflag == v->before.c_cflag && now.c_lflag == v->before.c_lflag &&
                memcmp(now.c_cc, v->before.c_cc, sizeof now.c_cc) == 0;
    snprintf(left, sizeof left, "%s%s%s%s%s%s", same ? "" : "the modes ",
             v->other ? "the other screen " : "", v->hidden ? "a hidden cursor " : "",
             v->mouse ? "the mouse " : "", v->paste ? "pastes in brackets " : "",
             v->keypad ? "the keypad" : "");
    return *left ? left : NULL;
}

void visit_close(struct visit *v)
{
    if (v->pid > 0) {
        kill(v->pid, SIGKILL);
        waitpid(v->pid, NULL, 0);
    }
    close(v->fd);
    free(v->cell);
    *v = (struct visit){0};
}
