/* tests/core/data_text.c - Text: splits, sequences, several files, files that are wrong or change,
 * and what is shown. */
#include "core/base/io.h"
#include "core/data/dataset.h"
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 3, CONTEXT = 32 };
static char folder[64], path[FILES][96], what[512];
static struct batch b;

static void set_up(void)
{
    static const struct data_shape text = {.text = true, .input = 256, .items = 1, .classes = 256};
    snprintf(folder, sizeof folder, "/tmp/vanpool-text-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < FILES; i++) snprintf(path[i], sizeof path[i], "%s/file%d.txt", folder, i);
    snprintf(what, sizeof what, "text:%s", path[0]);
    ck_assert(batch_open(&b, &text, 8, CONTEXT, NULL));
}

static void tear_down(void)
{
    batch_close(&b);
    for (int i = 0; i < FILES; i++) unlink(path[i]);
    rmdir(folder);
}

static void put(int file, const void *content, size_t size)
{
    FILE *f = fopen(path[file], "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(content, 1, size, f), size);
    fclose(f);
}

/* Every byte tells its place: the i-th pair of bytes is i, high and low. */
static unsigned char *numbered(size_t size, unsigned first)
{
    unsigned char *at = malloc(size);
    for (size_t i = 0; i < size; i++)
        at[i] = (unsigned char)(i % 2 ? (first + i / 2) : (first + i / 2) >> 8);
    return at;
}

static struct dataset *opened(void)
{
    struct err e = {0};
    struct dataset *d = dataset_open(what, 1, &e);
    ck_assert_msg(d != NULL, "%s", e.text);
    return d;
}

START_TEST(a_file_is_bytes_with_the_next_byte_as_label)
{
    unsigned char *all = numbered(10000, 0);
    put(0, all, 10000);
    struct dataset *d = opened();
    ck_assert(d->shape.text);
    ck_assert_int_eq(d->shape.input, 256);
    ck_assert_int_eq(d->shape.classes, 256);
    ck_assert_int_eq(d->shape.items, 1);
    ck_assert_int_eq(d->shape.positions, 9000);
    NEAR(d->val_tokens, 999, 0, 0, "predictions");
    ck_assert_str_eq(d->label, "text: file0.txt");
    for (int index = 0; index < 20; index++) {
        d->fill(d, 1, DATA_TRAIN, index, &b);
        for (int t = 0; t < b.T; t++) {
            ck_assert(b.id[t] >= 0 && b.id[t] + 1 < 9000);
            ck_assert_int_eq(b.ids[t], all[b.id[t]]);
            ck_assert_int_eq(b.label[t], all[b.id[t] + 1]);
            ck_assert_int_eq(b.need[t], -1);
            if (t % CONTEXT) ck_assert_int_eq(b.id[t], b.id[t - 1] + 1);
        }
    }
    dataset_close(d);
    free(all);
}
END_TEST

START_TEST(training_starts_everywhere_and_can_be_made_again)
{
    struct batch again;
    unsigned char *all = numbered(700, 0);
    put(0, all, 700);
    struct dataset *d = opened();
    int seen[700] = {0}, last = d->shape.positions - CONTEXT;
    ck_assert(batch_open(&again, &d->shape, 8, CONTEXT, NULL));
    for (int index = 0; index < 1500; index++) {
        d->fill(d, 1, DATA_TRAIN, index, &b);
        for (int s = 0; s < 8; s++) seen[b.id[s * CONTEXT]]++;
    }
    for (int i = 0; i < 700; i++) ck_assert_int_eq(seen[i] > 0, i < last);
    d->fill(d, 1, DATA_TRAIN, 1499, &again);
    ck_assert_mem_eq(b.id, again.id, (size_t)b.T * sizeof *b.id);
    d->fill(d, 2, DATA_TRAIN, 1499, &again);
    ck_assert_mem_ne(b.id, again.id, (size_t)b.T * sizeof *b.id);
    batch_close(&again);
    dataset_close(d);
    free(all);
}
END_TEST

START_TEST(validation_predicts_every_held_out_byte_but_the_first_once)
{
    for (size_t size = 512; size < 20000; size = size * 3 + 1) {
        unsigned char *all = numbered(size, 0);
        put(0, all, size);
        struct dataset *d = opened();
        size_t train = (size_t)d->shape.positions, next = train + 1;
        ck_assert_uint_ge(size - train, size / 10);
        ck_assert_uint_ge(size - train, 128);
        for (int index = 0; index < 30; index++) {
            d->fill(d, 1, DATA_VAL, index, &b);
            for (int t = 0; t < b.T; t++) {
                if (b.label[t] < 0) continue;
                ck_assert_uint_eq((size_t)b.id[t] + 1, next);
                ck_assert_int_eq(b.ids[t], all[next - 1]);
                ck_assert_int_eq(b.label[t], all[next]);
                next++;
            }
        }
        ck_assert_uint_eq(next, size);
        NEAR(d->val_tokens, (double)(size - train - 1), 0, 0, "predictions");
        d->fill(d, 1, DATA_VAL, INT64_MAX / 1000, &b); /* far past the end */
        for (int t = 0; t < b.T; t++) ck_assert_int_eq(b.label[t], -1);
        dataset_close(d);
        free(all);
    }
}
END_TEST

START_TEST(several_files_are_split_each_and_joined)
{
    unsigned char *all = numbered(9000, 0);
    put(0, all, 3000), put(1, all + 3000, 4000), put(2, all + 7000, 2000);
    snprintf(what, sizeof what, "text:%s\n%s\n\n%s\n", path[0], path[1], path[2]);
    struct dataset *d = opened();
    static const int end[] = {3000, 7000, 9000}, held[] = {300, 400, 257};
    ck_assert_int_eq(d->shape.positions, 9000 - 957);
    NEAR(d->val_tokens, 956, 0, 0, "predictions");
    ck_assert_str_eq(d->label, "text: file0.txt +2");
    bool crossed = false, in[3] = {false};
    for (int split = 0; split < 2; split++)
        for (int index = 0; index < 60; index++) {
            d->fill(d, 1, split, index, &b);
            for (int t = 0; t < b.T; t++) {
                if (b.id[t] < 0) continue;
                ck_assert_int_eq(b.ids[t], all[b.id[t]]);
                int file = b.id[t] < 3000 ? 0 : b.id[t] < 7000 ? 1 : 2;
                ck_assert_int_eq(b.id[t] >= end[file] - held[file], split == DATA_VAL);
                in[file] = true;
                if (t % CONTEXT && b.id[t] != b.id[t - 1] + 1) crossed = true;
            }
        }
    ck_assert(crossed && in[0] && in[1] && in[2]);
    uint64_t print = d->fingerprint;
    dataset_close(d);
    snprintf(what, sizeof what, "text:%s\n%s\n%s", path[1], path[0], path[2]);
    d = opened();
    ck_assert_uint_ne(d->fingerprint, print);
    dataset_close(d);
    free(all);
}
END_TEST

START_TEST(a_sequence_longer_than_the_text_is_padded)
{
    struct batch wide;
    unsigned char *all = numbered(600, 0);
    put(0, all, 600);
    struct dataset *d = opened();
    ck_assert(batch_open(&wide, &d->shape, 2, 4000, NULL));
    for (int split = 0; split < 2; split++) {
        d->fill(d, 1, split, 0, &wide);
        int first = split == DATA_VAL ? 450 : 0, n = split == DATA_VAL ? 150 : 450;
        for (int t = 0; t < 4000; t++) {
            ck_assert_int_eq(wide.ids[t], t < n ? all[first + t] : 0);
            ck_assert_int_eq(wide.label[t], t < n - 1 ? all[first + t + 1] : -1);
            ck_assert_int_eq(wide.id[t], t < n ? first + t : -1);
        }
    }
    batch_close(&wide);
    dataset_close(d);
    free(all);
}
END_TEST

static void refused(enum err_code code, const char *words)
{
    struct err e = {0};
    struct dataset *d = dataset_open(what, 1, &e);
    ck_assert_ptr_null(d);
    ck_assert_int_eq(e.code, code);
    ck_assert_msg(strstr(e.text, words) != NULL, "'%s' without '%s'", e.text, words);
    ck_assert_ptr_null(strchr(e.text, '\n'));
}

static int no_entry(const char *p, int flags, mode_t mode)
{
    (void)p, (void)flags, (void)mode;
    errno = EACCES;
    return -1;
}

START_TEST(a_file_that_cannot_be_used_is_a_sentence_with_its_name)
{
    refused(ERR_FILE, "file0.txt: No such file");
    put(0, "", 0);
    refused(ERR_INPUT, "file0.txt is empty");
    put(0, "short", 5);
    refused(ERR_INPUT, "file0.txt has only 5 bytes; training needs at least 512");
    snprintf(what, sizeof what, "text:%s\n%s", path[0], path[1]);
    refused(ERR_FILE, "file1.txt: No such file");
    put(1, "", 0);
    refused(ERR_INPUT, "file1.txt is empty");
    snprintf(what, sizeof what, "text:%s", folder);
    refused(ERR_FILE, "is a folder");
    snprintf(what, sizeof what, "text:/dev/zero");
    refused(ERR_FILE, "/dev/zero is a pipe or a device");
    ck_assert_int_eq(mkfifo(path[2], 0600), 0);
    snprintf(what, sizeof what, "text:%s", path[2]);
    refused(ERR_FILE, "file2.txt is a pipe or a device");
    int (*open_file)(const char *, int, mode_t) = io_calls.open;
    io_calls.open = no_entry;
    refused(ERR_FILE, "file2.txt: Permission denied");
    io_calls.open = open_file;
    char *many = malloc(20000);
    strcpy(many, "text:");
    memset(many + 5, '\n', 19994), many[19999] = 0;
    struct err e;
    ck_assert_ptr_null(dataset_open(many, 1, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "too many"));
    free(many);
}
END_TEST

START_TEST(a_small_file_may_change_while_it_is_used)
{
    unsigned char *all = numbered(5000, 0);
    put(0, all, 5000);
    struct dataset *d = opened();
    put(0, "x", 1);
    unlink(path[0]);
    d->fill(d, 1, DATA_TRAIN, 0, &b);
    for (int t = 0; t < b.T; t++) ck_assert_int_eq(b.label[t], all[b.id[t] + 1]);
    dataset_close(d);
    free(all);
}
END_TEST

START_TEST(a_large_file_that_is_cut_leaves_bytes_without_labels)
{
    unsigned char *all = numbered(100000, 0);
    put(0, all, 100000);
    ck_assert_int_eq(truncate(path[0], IO_MAP_COPY + 100000), 0);
    struct dataset *d = opened();
    for (int pass = 0; pass < 2; pass++) {
        int labels = 0;
        for (int index = 0; index < 50; index++) {
            d->fill(d, 1, DATA_TRAIN, index, &b);
            for (int t = 0; t < b.T; t++) {
                labels += b.label[t] >= 0;
                if (b.label[t] >= 0)
                    ck_assert_int_eq(b.ids[t], b.id[t] < 100000 ? all[b.id[t]] : 0);
            }
            d->fill(d, 1, DATA_VAL, index, &b);
        }
        ck_assert_int_eq(labels, pass == 0 ? 50 * b.T : 0);
        ck_assert_int_eq(truncate(path[0], 600), 0);
    }
    char to[16];
    d->show(d, &b, 0, to, sizeof to);
    dataset_close(d);
    free(all);
}
END_TEST

START_TEST(the_fingerprint_follows_the_content)
{
    unsigned char *all = numbered(3 << 20, 0);
    put(0, all, 3 << 20);
    struct dataset *d = opened();
    uint64_t print = d->fingerprint;
    dataset_close(d);
    d = opened();
    ck_assert_uint_eq(d->fingerprint, print);
    dataset_close(d);
    all[(3 << 20) - 1] ^= 1; /* the last byte is always looked at */
    put(0, all, 3 << 20);
    d = opened();
    ck_assert_uint_ne(d->fingerprint, print);
    dataset_close(d);
    put(0, all, (3 << 20) - 1);
    d = opened();
    ck_assert_uint_ne(d->fingerprint, print);
    dataset_close(d);
    free(all);
}
END_TEST

/* What the text `bytes` shows, one sign a byte, each behind a bar. */
static void shown(const char *bytes, size_t n, bool known, char *to)
{
    char *all = malloc(1000);
    memset(all, 'x', 1000);
    memcpy(all + 745, bytes, n); /* the held-out part begins at 750 */
    put(0, all, 1000);
    struct dataset *d = opened();
    ck_assert_int_eq(d->shape.positions, 750);
    d->fill(d, 1, DATA_VAL, 0, &b);
    memcpy(all, all + 745, n);
    to[0] = 0;
    for (size_t i = 0; i < n; i++) {
        char sign[16];
        b.ids[0] = (unsigned char)bytes[i];
        b.id[0] = known ? 745 + (int64_t)i : -1;
        for (int k = 1; k < CONTEXT; k++)
            b.ids[k] = i + (size_t)k < n ? (unsigned char)bytes[i + (size_t)k] : 'x';
        d->show(d, &b, 0, sign, sizeof sign);
        strcat(strcat(to, "|"), sign);
    }
    dataset_close(d);
    free(all);
}

START_TEST(what_is_shown_is_whole_characters_and_visible_signs)
{
    static const struct {
        const char *bytes, *want;
    } cases[] = {{"ab c", "|a|b| |c"},
                 {"é€", "|é|·|€|·|·"},
                 {"😀!", "|😀|·|·|·|!"},
                 {"\n\t\r\033\177", "|⏎|⇥|␍|␛|␡"},
                 {"\xff\xc3(", "|�|�|("},
                 {"\xc0\xaf\xed\xa0\x80", "|�|·|�|·|·"}, /* overlong, surrogate */
                 {"\xc2\x9b", "|�|·"},       /* a terminal's control sequence introducer */
                 {"\xe2\x80\xae", "|�|·|·"}, /* right-to-left override */
                 {"\xf5\x80\x80\x80", "|�|·|·|·"}};
    char to[200];
    for (int known = 0; known < 2; known++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            shown(cases[i].bytes, strlen(cases[i].bytes), known, to);
            ck_assert_str_eq(to, cases[i].want);
        }
    shown("\0a", 2, true, to);
    ck_assert_str_eq(to, "|␀|a");
}
END_TEST

START_TEST(at_the_end_of_a_sequence_a_character_is_still_whole)
{
    char all[1000], sign[16];
    for (int i = 0; i + 3 < 1000; i += 3) memcpy(all + i, "€", 3);
    all[999] = '.';
    put(0, all, 1000);
    struct dataset *d = opened();
    for (int index = 0; index < 20; index++) {
        d->fill(d, 1, DATA_TRAIN, index, &b);
        for (int t = 0; t < b.T; t++) {
            d->show(d, &b, t, sign, sizeof sign);
            ck_assert_str_eq(sign, b.id[t] % 3 ? "·" : "€");
        }
    }
    b.ids[0] = 'q'; /* as if the file had changed since */
    d->show(d, &b, 0, sign, sizeof sign);
    ck_assert_str_eq(sign, "q");
    b.ids[0] = 0xe2, b.id[0] = 0;
    d->show(d, &b, 0, sign, 3); /* no room for a whole one: nothing */
    ck_assert_str_eq(sign, "");
    dataset_close(d);
}
END_TEST

START_TEST(a_label_is_cut_between_characters_and_shows_no_control_characters)
{
    static const char *const names[] = {"a\033[2Jb.txt",
                                        "eeeeeééééééééééééééééééééééééééééééééééééééé.txt",
                                        "eeeeeeééééééééééééééééééééééééééééééééééééééé.txt"};
    char all[600];
    memset(all, 'x', sizeof all);
    for (int i = 0; i < 3; i++) {
        snprintf(path[0], sizeof path[0], "%s/%s", folder, names[i]);
        snprintf(what, sizeof what, "text:%s\n%s", path[0], path[0]);
        put(0, all, sizeof all);
        struct dataset *d = opened();
        size_t n = strlen(d->label);
        ck_assert_str_eq(d->label + n - 3, " +1");
        if (i == 0)
            ck_assert_str_eq(d->label, "text: a?[2Jb.txt +1");
        else
            ck_assert_str_eq(d->label + n - 5, "é +1");
        dataset_close(d);
        unlink(path[0]);
    }
}
END_TEST

SUITE(data_text)
{
    TCase *c = tcase_create("text");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_file_is_bytes_with_the_next_byte_as_label);
    tcase_add_test(c, training_starts_everywhere_and_can_be_made_again);
    tcase_add_test(c, validation_predicts_every_held_out_byte_but_the_first_once);
    tcase_add_test(c, several_files_are_split_each_and_joined);
    tcase_add_test(c, a_sequence_longer_than_the_text_is_padded);
    tcase_add_test(c, a_file_that_cannot_be_used_is_a_sentence_with_its_name);
    tcase_add_test(c, a_small_file_may_change_while_it_is_used);
    tcase_add_test(c, a_large_file_that_is_cut_leaves_bytes_without_labels);
    tcase_add_test(c, the_fingerprint_follows_the_content);
    tcase_add_test(c, what_is_shown_is_whole_characters_and_visible_signs);
    tcase_add_test(c, at_the_end_of_a_sequence_a_character_is_still_whole);
    tcase_add_test(c, a_label_is_cut_between_characters_and_shows_no_control_characters);
    suite_add_tcase(suite, c);
}
