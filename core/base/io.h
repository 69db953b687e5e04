#ifndef CORE_BASE_IO_H
#define CORE_BASE_IO_H
/* Files. All system calls go through one small table, so that tests can make the i-th one fail. */
#include "core/base/err.h"
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct io_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int fd, void *to, size_t n);
    ssize_t (*write)(int fd, const void *from, size_t n);
    int (*fsync)(int fd);
    int (*close)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*fstat)(int fd, struct stat *to);
    void *(*mmap)(void *at, size_t n, int prot, int flags, int fd, off_t from);
    ssize_t (*pread)(int fd, void *to, size_t n, off_t from);
};
extern struct io_calls io_calls; /* the real ones, unless a test put others */

/* One piece of a file to be written. */
struct io_piece {
    const void *at;
    size_t size;
};
/* Writes the pieces to a temporary file beside `path`, flushes it, renames it over `path`, flushes
 * the folder. Old or new content, never a torn file. The one way vanpool writes a file. A link is
 * followed; what is there and is no regular file (a folder, a device) is refused. The program must
 * ignore SIGXFSZ to be told of a file-size limit. */
bool io_save(const char *path, const struct io_piece *pieces, int count, struct err *e);
/* Now at least io_save would find a place for it: asked before long work whose fruit goes there. */
bool io_can_save(const char *path, struct err *e);
/* The whole file, 0-terminated, in fresh memory (free it); refused when larger than `most` bytes.
 * Pipes are fine. */
char *io_load(const char *path, size_t most, size_t *size, struct err *e);

/* A regular file to read from; an empty one has size 0 and at "". Closing a zeroed one is fine. Up
 * to IO_MAP_COPY bytes are copied into memory, larger files are mapped: when another program cuts
 * such a file short, touching what is gone through `at` ends the process (SIGBUS). Who keeps a map
 * for long uses io_map_read. */
enum { IO_MAP_COPY = 64 << 20 };
struct io_map {
    const unsigned char *at;
    size_t size;
    int fd;
};
bool io_map_open(struct io_map *m, const char *path, struct err *e);
/* Copies n bytes from `from` on; returns how many there were (fewer at the end, or when the file
 * was cut meanwhile). Thread-safe, and safe from SIGBUS. */
size_t io_map_read(const struct io_map *m, size_t from, void *to, size_t n);
void io_map_close(struct io_map *m);
bool io_make_folder(const char *path, struct err *e); /* and its parents; existing is fine */
/* For sentences: the end of a long path, at most 80 bytes, in whole characters. Points into
 * `path`. */
const char *io_tail(const char *path);
#endif
