/* core/base/io.c - Files: loaded whole, mapped, or saved so that a crash leaves the old one or the
 * new one. */
#include "core/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int real_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static int real_fstat(int fd, struct stat *to)
{
    return fstat(fd, to);
}

struct io_calls io_calls = {.open = real_open,
                            .read = read,
                            .write = write,
                            .fsync = fsync,
                            .close = close,
                            .rename = rename,
                            .unlink = unlink,
                            .fstat = real_fstat,
                            .mmap = mmap,
                            .pread = pread};

const char *io_tail(const char *path)
{
    enum { MOST = 80 };
    size_t n = strlen(path);
    if (n <= MOST) return path;
    const char *tail = path + n - MOST, *slash = strchr(tail, '/');
    if (slash && slash[1]) return slash + 1;
    while ((*tail & 0xc0) == 0x80) tail++;
    return tail;
}

/* Fills *e with what could not be done, why, and what to try. */
static bool fail(struct err *e, const char *what, const char *path, int why)
{
    static const struct {
        int why;
        const char *hint;
    } hints[] = {
        {ENOENT, "is the path right?"},
        {ENOTDIR, "is the path right?"},
        {EACCES, "check who may use it (ls -l)"},
        {EPERM, "check who may use it (ls -l)"},
        {EROFS, "choose a folder that can be written"},
        {ENOSPC, "free some space or choose another disk"},
        {EDQUOT, "free some space or choose another disk"},
        {EFBIG, "raise the file-size limit (ulimit -f)"},
        {EMFILE, "raise the limit of open files (ulimit -n)"},
        {ENAMETOOLONG, "choose a shorter name"},
        {EIO, "the disk may be failing; choose another"},
    };
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (hints[i].why == why) hint = hints[i].hint;
    return err_set(e, why == ENOMEM ? ERR_MEMORY : ERR_FILE, "cannot %s %s: %s%s%s", what,
                   io_tail(path), strerror(why), hint ? "; " : "", hint ? hint : "");
}

/* Opens for reading, never waiting for a writer where `regular` is wanted. -1: *e is filled. */
static int open_to_read(const char *path, bool regular, struct stat *info, struct err *e)
{
    int fd = io_calls.open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0), 0);
    if (fd < 0) return fail(e, "open", path, errno), -1;
    if (io_calls.fstat(fd, info) != 0)
        fail(e, "read", path, errno);
    else if (S_ISDIR(info->st_mode))
        err_set(e, ERR_FILE, "%s is a folder; name a file in it", io_tail(path));
    else if (regular && !S_ISREG(info->st_mode))
        err_set(e, ERR_FILE, "%s is a pipe or a device; copy what it holds into a file first",
                io_tail(path));
    else
        return fd;
    io_calls.close(fd);
    return -1;
}

static bool no_memory(struct err *e, const char *path, size_t n)
{
    return err_set(
        e, ERR_MEMORY,
        "not enough memory to read %s (%zu MB); close other programs or take a smaller file",
        io_tail(path), n >> 20);
}

/* Reads to the end of the file into fresh memory, 0-terminated; `hint` is the size to expect. */
static char *read_all(int fd, const char *path, size_t hint, size_t most, size_t *size,
                      struct err *e)
{
    if (hint > most) goto large;
    size_t n = 0, room = hint + 1;
    char *at = malloc(room + 1);
    if (!at) return no_memory(e, path, room), NULL;
    for (;;) {
        ssize_t got = io_calls.read(fd, at + n, room - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            fail(e, "read", path, errno);
            goto failed;
        }
        if (got == 0) break;
        n += (size_t)got;
        if (n > most) goto large_here;
        if (n < room) continue;
        room =
            room < 32 << 10 ? 64 << 10 : room * 2; /* larger than fstat said: a pipe, or it grows */
        char *more = realloc(at, room + 1);
        if (!more) {
            no_memory(e, path, room);
            goto failed;
        }
        at = more;
    }
    at[n] = 0;
    if (size) *size = n;
    return at;
large_here:
    free(at);
large:
    err_set(e, ERR_INPUT, "%s is larger than %zu bytes, the most that can be read here",
            io_tail(path), most);
    return NULL;
failed:
    free(at);
    return NULL;
}

char *io_load(const char *path, size_t most, size_t *size, struct err *e)
{
    struct stat info;
    int fd = open_to_read(path, false, &info, e);
    if (fd < 0) return NULL;
    size_t hint = S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : 0;
    char *at = read_all(fd, path, hint, most, size, e);
    io_calls.close(fd);
    return at;
}

bool io_map_open(struct io_map *m, const char *path, struct err *e)
{
    *m = (struct io_map){.at = (const unsigned char *)"", .fd = -1};
    struct stat info;
    int fd = open_to_read(path, true, &info, e);
    if (fd < 0) return false;
    size_t size = info.st_size > 0 ? (size_t)info.st_size : 0;
    if (size > IO_MAP_COPY) {
        void *at = io_calls.mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at != MAP_FAILED) return *m = (struct io_map){at, size, fd}, true;
        fail(e, "map", path, errno);
    } else {
        char *at = read_all(fd, path, size, IO_MAP_COPY, &size, e);
        if (at && size == 0)
            free(at);
        else if (at)
            *m = (struct io_map){(const unsigned char *)at, size, -1};
        io_calls.close(fd);
        return at != NULL;
    }
    io_calls.close(fd);
    return false;
}

size_t io_map_read(const struct io_map *m, size_t from, void *to, size_t n)
{
    if (from >= m->size) return 0;
    if (n > m->size - from) n = m->size - from;
    if (m->size <= IO_MAP_COPY) return memcpy(to, m->at + from, n), n;
    size_t done = 0;
    while (done < n) {
        ssize_t got = io_calls.pread(m->fd, (char *)to + done, n - done, (off_t)(from + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

void io_map_close(struct io_map *m)
{
    if (m->size > IO_MAP_COPY) {
        munmap((void *)m->at, m->size);
        io_calls.close(m->fd);
    } else if (m->size > 0) {
        free((void *)m->at);
    }
    *m = (struct io_map){.at = (const unsigned char *)"", .fd = -1};
}

static bool write_all(int fd, const struct io_piece *pieces, int count)
{
    for (int i = 0; i < count; i++) {
        const char *at = pieces[i].at;
        size_t left = pieces[i].size;
        while (left > 0) {
            ssize_t put = io_calls.write(fd, at, left);
            if (put < 0 && errno == EINTR) continue;
            if (put == 0) errno = EIO;
            if (put <= 0) return false;
            at += put, left -= (size_t)put;
        }
    }
    return true;
}

/* Makes the renaming last. A folder that cannot be opened, or that knows no flush, is let be. */
static bool flush_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        strcpy(folder, ".");
    else
        slash[slash == folder] = 0;
    int fd = io_calls.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return errno == EACCES;
    bool ok = io_calls.fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    int why = errno;
    io_calls.close(fd);
    errno = why;
    return ok;
}

/* A fresh file beside *path, which becomes what it links to. -1: *e is filled. */
static int open_temp(const char **path, char real[PATH_MAX], char temp[PATH_MAX], struct err *e)
{
    struct stat info;
    bool there = stat(*path, &info) == 0;
    if (!**path) return err_set(e, ERR_FILE, "there is no name to write to: name a file"), -1;
    if (there && !S_ISREG(info.st_mode))
        return err_set(e, ERR_FILE, "cannot write %s: it is %s; choose a file name", io_tail(*path),
                       S_ISDIR(info.st_mode) ? "a folder" : "a pipe or a device"),
               -1;
    if (there && realpath(*path, real)) *path = real;
    int fd = -1;
    /* a name that a killed process left is passed over */
    for (int i = 0; i < 100 && fd < 0; i++) {
        if (snprintf(temp, PATH_MAX, "%s.%ld-%d.tmp", *path, (long)getpid(), i) >= PATH_MAX)
            return fail(e, "write", *path, ENAMETOOLONG), -1;
        fd = io_calls.open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                           there ? info.st_mode & 0777 : 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) fail(e, "write", *path, errno);
    return fd;
}

bool io_can_save(const char *path, struct err *e)
{
    char real[PATH_MAX], temp[PATH_MAX];
    int fd = open_temp(&path, real, temp, e);
    if (fd < 0) return false;
    io_calls.close(fd);
    io_calls.unlink(temp);
    return true;
}

bool io_save(const char *path, const struct io_piece *pieces, int count, struct err *e)
{
    char real[PATH_MAX], temp[PATH_MAX];
    int fd = open_temp(&path, real, temp, e);
    if (fd < 0) return false;
    bool ok = write_all(fd, pieces, count) && io_calls.fsync(fd) == 0;
    int why = errno;
    if (io_calls.close(fd) != 0 && ok) ok = false, why = errno;
    if (ok && io_calls.rename(temp, path) != 0) ok = false, why = errno;
    if (!ok) {
        io_calls.unlink(temp);
        return fail(e, "write", path, why);
    }
    return flush_folder(path) || fail(e, "flush the folder of", path, errno);
}

bool io_make_folder(const char *path, struct err *e)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return fail(e, "make the folder", path, n ? ENAMETOOLONG : ENOENT);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        part[i] = 0;
        struct stat info;
        int why = mkdir(part, 0777) == 0 ? 0 : errno;
        if (why && stat(part, &info) != 0) return fail(e, "make the folder", part, why);
        if (why && !S_ISDIR(info.st_mode))
            return err_set(e, ERR_FILE,
                           "cannot make the folder %s: a file of that name is in the way",
                           io_tail(part));
        part[i] = path[i];
    }
    return true;
}
