/* tests/core/base_io.c - Saving with every system call failing in turn, loading, maps, folders. */
#include "core/base/io.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], path[96];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/vanpool-io-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
}

static int files_in_folder(bool remove_them)
{
    char pattern[96];
    glob_t all;
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    int n = glob(pattern, 0, NULL, &all) == 0 ? (int)all.gl_pathc : 0;
    for (int i = 0; i < n && remove_them; i++) ck_assert_int_eq(remove(all.gl_pathv[i]), 0);
    globfree(&all);
    return n;
}

static void tear_down(void)
{
    files_in_folder(true);
    rmdir(folder);
}

static void put(const char *content)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(content, f);
    fclose(f);
}

static bool holds(const char *content)
{
    size_t size = 0;
    char *at = io_load(path, 1 << 20, &size, NULL);
    bool same = at && size == strlen(content) && memcmp(at, content, size) == 0;
    free(at);
    return same;
}

/* The system calls, of which number `fail_at` (from 1) fails, and all behind it where `for_good`.
 */
static struct io_calls real;
static int calls, fail_at, why;
static bool for_good, halves;

static bool fails(void)
{
    calls++;
    if (!(for_good ? calls >= fail_at : calls == fail_at) || fail_at == 0) return false;
    errno = why;
    return true;
}
static int f_open(const char *p, int flags, mode_t mode)
{
    return fails() ? -1 : real.open(p, flags, mode);
}
static ssize_t f_read(int fd, void *to, size_t n)
{
    return fails() ? -1 : real.read(fd, to, halves && n > 1 ? n / 2 : n);
}
static ssize_t f_write(int fd, const void *from, size_t n)
{
    return fails() ? -1 : real.write(fd, from, halves && n > 1 ? n / 2 : n);
}
static int f_fsync(int fd)
{
    return fails() ? -1 : real.fsync(fd);
}
static int f_close(int fd)
{
    bool bad = fails();
    int kept = errno;
    real.close(fd);
    errno = kept;
    return bad ? -1 : 0;
}
static int f_rename(const char *from, const char *to)
{
    return fails() ? -1 : real.rename(from, to);
}
static int f_unlink(const char *p)
{
    return fails() ? -1 : real.unlink(p);
}
static int f_fstat(int fd, struct stat *to)
{
    return fails() ? -1 : real.fstat(fd, to);
}
static void *f_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    return fails() ? (void *)-1 : real.mmap(at, n, prot, flags, fd, from);
}
static ssize_t f_pread(int fd, void *to, size_t n, off_t from)
{
    return fails() ? -1 : real.pread(fd, to, n, from);
}

static void inject(int at, int error, bool lasting)
{
    if (!real.open) real = io_calls;
    calls = 0, fail_at = at, why = error, for_good = lasting;
    io_calls = (struct io_calls){f_open,   f_read,   f_write, f_fsync, f_close,
                                 f_rename, f_unlink, f_fstat, f_mmap,  f_pread};
}

static void heal(void)
{
    io_calls = real;
    halves = false;
}

static const struct io_piece news[] = {{"new ", 4}, {NULL, 0}, {"content", 7}};

static bool save_news(struct err *e)
{
    return io_save(path, news, 3, e);
}

START_TEST(a_saved_file_is_the_pieces_in_order)
{
    struct err e;
    ck_assert(save_news(&e));
    ck_assert(holds("new content"));
    put("old");
    ck_assert(save_news(&e));
    ck_assert(holds("new content"));
    ck_assert_int_eq(files_in_folder(false), 1);
}
END_TEST

START_TEST(whichever_call_fails_the_file_is_old_or_new_and_nothing_is_left)
{
    static const int errors[] = {ENOSPC, EIO, EFBIG, EDQUOT, EACCES};
    int failures = 0;
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++)
        for (int i = 1;; i++) {
            struct err e = {0};
            put("old");
            halves = i % 2;
            inject(i, errors[k], false);
            bool ok = save_news(&e);
            bool hit = calls >= i;
            heal();
            ck_assert_msg(holds("new content") || (!ok && holds("old")), "call %d, %s", i,
                          strerror(errors[k]));
            ck_assert_msg(files_in_folder(false) == 1, "call %d leaves a file behind", i);
            if (!ok) {
                ck_assert_int_eq(e.code, ERR_FILE);
                ck_assert_ptr_nonnull(strstr(e.text, strerror(errors[k])));
                failures++;
            }
            if (!hit) break;
            ck_assert_int_lt(i, 100);
        }
    ck_assert_int_gt(failures, 30);
}
END_TEST

/* The names of the calls in order, a letter each. */
static char order[64];
static void mark(char letter)
{
    size_t n = strlen(order);
    if (n + 1 < sizeof order) order[n] = letter, order[n + 1] = 0;
}
static int o_open(const char *p, int flags, mode_t mode)
{
    mark('o');
    return real.open(p, flags, mode);
}
static ssize_t o_write(int fd, const void *from, size_t n)
{
    mark('w');
    return real.write(fd, from, n);
}
static int o_fsync(int fd)
{
    mark('f');
    return real.fsync(fd);
}
static int o_close(int fd)
{
    mark('c');
    return real.close(fd);
}
static int o_rename(const char *from, const char *to)
{
    mark('r');
    return real.rename(from, to);
}

START_TEST(the_content_is_flushed_before_the_renaming_and_the_folder_behind_it)
{
    real = io_calls;
    io_calls.open = o_open, io_calls.write = o_write, io_calls.fsync = o_fsync;
    io_calls.close = o_close, io_calls.rename = o_rename;
    ck_assert(save_news(NULL));
    heal();
    ck_assert_str_eq(order, "owwfcrofc");
}
END_TEST

START_TEST(a_failing_close_is_a_failing_save)
{
    put("old");
    inject(5, EIO, false); /* open, write, write, fsync, close */
    ck_assert(!save_news(NULL));
    heal();
    ck_assert(holds("old"));
}
END_TEST

START_TEST(what_is_written_in_parts_is_whole)
{
    halves = true;
    inject(0, 0, false);
    ck_assert(save_news(NULL));
    heal();
    ck_assert(holds("new content"));
}
END_TEST

START_TEST(what_stands_under_the_temporary_name_is_not_touched)
{
    char temp[160], other[96];
    snprintf(temp, sizeof temp, "%s.%ld-0.tmp", path, (long)getpid());
    snprintf(other, sizeof other, "%s/other", folder);
    ck_assert_int_eq(symlink(other, temp), 0);
    ck_assert(save_news(NULL));
    ck_assert(holds("new content"));
    ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

START_TEST(when_everything_fails_from_some_call_on_the_file_is_still_whole)
{
    for (int i = 1;; i++) {
        struct err e = {0};
        put("old");
        inject(i, ENOSPC, true);
        bool ok = save_news(&e);
        bool hit = calls >= i;
        heal();
        ck_assert_msg(ok ? holds("new content") : holds("old") || holds("new content"), "call %d",
                      i);
        files_in_folder(true);
        if (!hit) break;
    }
}
END_TEST

START_TEST(an_interrupted_call_is_made_again)
{
    for (int i = 2; i <= 3; i++) { /* the two writes */
        inject(i, EINTR, false);
        ck_assert(save_news(NULL));
        heal();
        ck_assert(holds("new content"));
    }
    inject(3, EINTR, false); /* open, fstat, read */
    char *at = io_load(path, 100, NULL, NULL);
    heal();
    ck_assert_str_eq(at, "new content");
    free(at);
}
END_TEST

START_TEST(a_full_file_size_limit_is_a_sentence)
{
    struct err e;
    inject(2, EFBIG, false);
    ck_assert(!save_news(&e));
    heal();
    ck_assert_ptr_nonnull(strstr(e.text, "ulimit -f"));
}
END_TEST

START_TEST(killed_while_saving_the_file_is_whole)
{
    enum { SIZE = 1 << 20 };
    char *a = malloc(SIZE), *b = malloc(SIZE);
    memset(a, 'a', SIZE), memset(b, 'b', SIZE);
    ck_assert(io_save(path, &(struct io_piece){a, SIZE}, 1, NULL));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0)
            for (;;) {
                io_save(path, &(struct io_piece){b, SIZE}, 1, NULL);
                io_save(path, &(struct io_piece){a, SIZE}, 1, NULL);
            }
        usleep(1000 + 1700 * (unsigned)i);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        size_t size = 0;
        char *at = io_load(path, 2 * SIZE, &size, NULL);
        ck_assert_ptr_nonnull(at);
        ck_assert_uint_eq(size, SIZE);
        ck_assert(memcmp(at, at[0] == 'a' ? a : b, SIZE) == 0);
        free(at);
    }
    free(a), free(b);
}
END_TEST

START_TEST(a_link_is_followed_and_devices_and_folders_are_left_alone)
{
    struct err e;
    char link[96];
    put("old");
    snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert(io_save(link, news, 3, &e));
    ck_assert(holds("new content"));
    struct stat info;
    ck_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    ck_assert(!io_save("/dev/null", news, 3, &e));
    ck_assert_str_eq(e.text,
                     "cannot write /dev/null: it is a pipe or a device; choose a file name");
    ck_assert(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    ck_assert(!io_save(folder, news, 3, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "a folder"));
    ck_assert(!io_save("/tmp/no/such/folder/x", news, 3, &e));
    ck_assert_int_eq(e.code, ERR_FILE);
    ck_assert_ptr_nonnull(strstr(e.text, "No such file"));
}
END_TEST

START_TEST(loading_refuses_what_is_missing_too_large_or_a_folder)
{
    struct err e;
    size_t size;
    ck_assert_ptr_null(io_load(path, 100, &size, &e));
    ck_assert_int_eq(e.code, ERR_FILE);
    ck_assert_ptr_nonnull(strstr(e.text, "No such file"));
    ck_assert_ptr_null(io_load(folder, 100, &size, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "is a folder"));
    put("1234567890");
    ck_assert_ptr_null(io_load(path, 9, &size, &e));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(e.text, "larger than 9 bytes"));
    char *at = io_load(path, 10, &size, &e);
    ck_assert_str_eq(at, "1234567890");
    free(at);
    ck_assert_ptr_null(io_load("/dev/zero", 100000, &size, &e)); /* without an end */
    ck_assert_ptr_nonnull(strstr(e.text, "larger than 100000 bytes"));
    at = io_load("/proc/self/status", 1 << 20, &size, &e); /* says size 0 */
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_gt(size, 100);
    free(at);
}
END_TEST

START_TEST(every_failing_call_of_a_load_is_a_sentence)
{
    put("content");
    for (int i = 1; i <= 3; i++) {
        struct err e = {0};
        inject(i, EACCES, false);
        ck_assert_ptr_null(io_load(path, 100, NULL, &e));
        heal();
        ck_assert_int_eq(e.code, ERR_FILE);
        ck_assert_ptr_nonnull(strstr(e.text, "Permission denied"));
        inject(i, EACCES, false);
        struct io_map m;
        ck_assert(!io_map_open(&m, path, &e));
        heal();
        ck_assert_uint_eq(m.size, 0);
        io_map_close(&m);
    }
}
END_TEST

START_TEST(a_map_reads_the_file_and_survives_its_loss)
{
    struct err e;
    struct io_map m;
    char to[8] = "";
    put("0123456789");
    ck_assert(io_map_open(&m, path, &e));
    ck_assert_uint_eq(m.size, 10);
    ck_assert_int_eq(truncate(path, 0), 0); /* small: a copy, touching it is safe */
    ck_assert_int_eq(memcmp(m.at, "0123456789", 10), 0);
    ck_assert_uint_eq(io_map_read(&m, 8, to, 8), 2);
    ck_assert_int_eq(memcmp(to, "89", 2), 0);
    ck_assert_uint_eq(io_map_read(&m, 10, to, 8), 0);
    io_map_close(&m);
    io_map_close(&m);
    ck_assert(io_map_open(&m, path, &e)); /* empty by now */
    ck_assert_uint_eq(m.size, 0);
    ck_assert_ptr_nonnull(m.at);
    io_map_close(&m);
    struct io_map zeroed = {0};
    io_map_close(&zeroed);
    ck_assert(!io_map_open(&m, "/dev/zero", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "device"));
}
END_TEST

START_TEST(a_large_map_is_read_without_sigbus_when_the_file_is_cut)
{
    struct err e;
    struct io_map m;
    char to[8];
    put("0123456789");
    ck_assert_int_eq(truncate(path, IO_MAP_COPY + 4096), 0);
    ck_assert(io_map_open(&m, path, &e));
    ck_assert_uint_eq(m.size, IO_MAP_COPY + 4096);
    ck_assert_int_eq(m.at[9], '9');
    ck_assert_uint_eq(io_map_read(&m, 2, to, 8), 8);
    ck_assert_int_eq(memcmp(to, "23456789", 8), 0);
    ck_assert_int_eq(truncate(path, 5), 0);
    ck_assert_uint_eq(io_map_read(&m, 2, to, 8), 3);
    ck_assert_uint_eq(io_map_read(&m, 4096, to, 8), 0);
    io_map_close(&m);
}
END_TEST

START_TEST(folders_are_made_with_their_parents)
{
    struct err e;
    char deep[128];
    snprintf(deep, sizeof deep, "%s/a/b/c/", folder);
    ck_assert_msg(io_make_folder(deep, &e), "%s", e.text);
    ck_assert(io_make_folder(deep, &e));
    ck_assert_int_eq(access(deep, W_OK), 0);
    for (const char *const *part = (const char *const[]){"a/b/c", "a/b", "a", NULL}; *part;
         part++) {
        snprintf(deep, sizeof deep, "%s/%s", folder, *part);
        ck_assert_int_eq(rmdir(deep), 0);
    }
    put("");
    snprintf(deep, sizeof deep, "%s/b", path);
    ck_assert(!io_make_folder(deep, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "in the way"));
    ck_assert(!io_make_folder("", &e));
}
END_TEST

START_TEST(long_paths_are_named_by_their_end)
{
    ck_assert_str_eq(io_tail("/a/b"), "/a/b");
    char word[300] = "/start";
    for (int i = 0; i < 20; i++) strcat(word, "/folder-é");
    ck_assert_uint_le(strlen(io_tail(word)), 80);
    ck_assert_int_eq(strncmp(io_tail(word), "folder", 6), 0);
    memset(word, 0, sizeof word);
    for (int i = 0; i < 60; i++) strcat(word, "€");
    ck_assert_int_eq(strncmp(io_tail(word), "€", 3), 0);
}
END_TEST

SUITE(base_io)
{
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_saved_file_is_the_pieces_in_order);
    tcase_add_test(c, whichever_call_fails_the_file_is_old_or_new_and_nothing_is_left);
    tcase_add_test(c, the_content_is_flushed_before_the_renaming_and_the_folder_behind_it);
    tcase_add_test(c, a_failing_close_is_a_failing_save);
    tcase_add_test(c, what_is_written_in_parts_is_whole);
    tcase_add_test(c, what_stands_under_the_temporary_name_is_not_touched);
    tcase_add_test(c, when_everything_fails_from_some_call_on_the_file_is_still_whole);
    tcase_add_test(c, an_interrupted_call_is_made_again);
    tcase_add_test(c, a_full_file_size_limit_is_a_sentence);
    tcase_add_test(c, killed_while_saving_the_file_is_whole);
    tcase_add_test(c, a_link_is_followed_and_devices_and_folders_are_left_alone);
    tcase_add_test(c, loading_refuses_what_is_missing_too_large_or_a_folder);
    tcase_add_test(c, every_failing_call_of_a_load_is_a_sentence);
    tcase_add_test(c, a_map_reads_the_file_and_survives_its_loss);
    tcase_add_test(c, a_large_map_is_read_without_sigbus_when_the_file_is_cut);
    tcase_add_test(c, folders_are_made_with_their_parents);
    tcase_add_test(c, long_paths_are_named_by_their_end);
    suite_add_tcase(suite, c);
}
