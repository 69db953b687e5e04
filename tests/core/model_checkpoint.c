/* Files that are not what they claim: each is refused with its own sentence, none is believed. And
 * good ones are read. */
#include "core/base/clock.h"
#include "core/model/checkpoint.h"
#include "tests/core/model_rig.h"

#include <sys/stat.h>
#include <unistd.h>

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
/* length: what the first 8 bytes claim; -1: the truth. data: bytes behind the header. want: a piece
 * of the sentence. */
static const struct bad_case {
    const char *what, *header;
    long long length;
    int data;
    const char *want;
} bad[] = {
    {"shorter than a length", NULL, 0, 4, "less than the length"},
    {"empty", NULL, 0, 0, "less than the length"},
    {"a header of 2^63", "{}", 0x7fffffffffffffff, 0, "1 MiB is the most"},
    {"a header just over 1 MiB", "{}", (1 << 20) + 1, 0, "1 MiB is the most"},
    {"a header longer than the file", "{}", 100, 0, "cut short"},
    {"a header of no bytes", "", 0, 0, "header"},
    {"no JSON", "hello", -1, 0, "start with '{'"},
    {"a list", "[1,2]", -1, 0, "start with '{'"},
    {"a blank before the brace", " {" A "}", -1, 8, "start with '{'"},
    {"JSON that ends early", "{" A, -1, 8, "header"},
    {"JSON and something behind", "{" A "}x", -1, 8, "header"},
    {"a tensor twice", "{" A "," A "}", -1, 8, "duplicate"},
    {"a name that is no UTF-8",
     "{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 8, "decode"},
    {"a name with a NUL", "{\"a\\u0000b\":{}}", -1, 0, "header"},
    {"a name with a control character",
     "{\"a\\u001b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 8, "control"},
    {"a name of no bytes", "{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 8,
     "0 bytes"},
    {"a tensor that is a number", "{\"a\":3}", -1, 0, "object"},
    {"a tensor that is null", "{\"a\":null}", -1, 0, "object"},
    {"an entry too many",
     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", -1, 8,
     "4 entries"},
    {"an entry too few", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", -1, 8, "2 entries"},
    {"an unknown type", ONE("\"F33\"", "[2]", "[0,8]"), -1, 8, "unknown type 'F33'"},
    {"a type that is a number", ONE("32", "[2]", "[0,8]"), -1, 8, "unknown type"},
    {"a shape that is a number", ONE("\"F32\"", "2", "[0,8]"), -1, 8, "shape"},
    {"a negative dimension", ONE("\"F32\"", "[-2]", "[0,8]"), -1, 8, "dimension 1"},
    {"a broken dimension", ONE("\"F32\"", "[2.5]", "[0,8]"), -1, 8, "dimension 1"},
    {"a dimension that is text", ONE("\"F32\"", "[\"2\"]", "[0,8]"), -1, 8, "dimension 1"},
    {"nine dimensions", ONE("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), -1, 8, "9 dimensions"},
    {"a product over 2^63", ONE("\"F32\"", "[4294967296,4294967296]", "[0,8]"), -1, 8,
     "multiplies"},
    {"a product that wraps to 2", ONE("\"U8\"", "[9223372036854775807,2,2]", "[0,8]"), -1, 8,
     "multiplies"},
    {"a product over 2^56", ONE("\"F32\"", "[72057594037927937]", "[0,8]"), -1, 8, "multiplies"},
    {"a dimension over 2^63", ONE("\"F32\"", "[18446744073709551618]", "[0,8]"), -1, 8, "header"},
    {"offsets that run backwards", ONE("\"F32\"", "[2]", "[8,0]"), -1, 8, "backwards"},
    {"a negative offset", ONE("\"F32\"", "[2]", "[-8,0]"), -1, 8, "backwards"},
    {"one offset", ONE("\"F32\"", "[2]", "[0]"), -1, 8, "data_offsets"},
    {"three offsets", ONE("\"F32\"", "[2]", "[0,8,16]"), -1, 8, "data_offsets"},
    {"offsets with a broken number", ONE("\"F32\"", "[2]", "[0,8.0]"), -1, 8, "data_offsets"},
    {"an end behind the file", ONE("\"F32\"", "[2]", "[0,8]"), -1, 7, "cut short"},
    {"an end far behind the file",
     ONE("\"F32\"", "[2]", "[9223372036854775799,9223372036854775807]"), -1, 8, "cut short"},
    {"fewer bytes than the shape", ONE("\"F32\"", "[3]", "[0,8]"), -1, 8, "its shape 12"},
    {"more bytes than the shape", ONE("\"F64\"", "[]", "[0,16]"), -1, 16, "its shape 8"},
    {"a hole at the start", ONE("\"F32\"", "[2]", "[4,12]"), -1, 12, "no tensor"},
    {"bytes behind the last tensor", "{" A "}", -1, 9, "1 bytes at its end"},
    {"no tensor, and bytes", "{}", -1, 3, "3 bytes at its end"},
    {"two tensors that overlap",
     "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", -1, 12, "overlaps"},
    {"two tensors in one place",
     "{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", -1, 8, "overlaps"},
    {"a hole between two", "{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]}}",
     -1, 10, "1 bytes before tensor 'b'"},
    {"metadata that is a list", "{\"__metadata__\":[]," A "}", -1, 8, "__metadata__ is not"},
    {"metadata with a number", "{\"__metadata__\":{\"step\":3}," A "}", -1, 8,
     "'step' is not a string"},
};
enum { BAD = sizeof bad / sizeof *bad };

static const char *place(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/bad.safetensors", rig_folder());
    return path;
}

static void write_file(const char *header, long long length, int data)
{
    FILE *f = fopen(place(), "wb");
    ck_assert_ptr_nonnull(f);
    uint64_t claim = length < 0 ? strlen(header) : (uint64_t)length;
    for (int i = 0; header && i < 8; i++) fputc((int)(claim >> 8 * i & 255), f);
    if (header) fputs(header, f);
    for (int i = 0; i < data; i++) fputc(0, f);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_bad_file_is_refused_by_name)
{
    const struct bad_case *x = &bad[_i];
    struct checkpoint c;
    struct err e = {0};
    write_file(x->header, x->length, x->data);
    ck_assert_msg(!checkpoint_open(&c, place(), &e), "%s: was accepted", x->what);
    ck_assert_msg(e.code == ERR_INPUT, "%s: code %d, '%s'", x->what, e.code, e.text);
    ck_assert_msg(strstr(e.text, x->want) != NULL, "%s: '%s' does not say '%s'", x->what, e.text,
                  x->want);
    ck_assert_msg(strstr(e.text, "bad.safetensors") != NULL, "%s: '%s' does not name the file",
                  x->what, e.text);
    checkpoint_close(&c);
}
END_TEST

START_TEST(a_good_file_is_read)
{
    struct checkpoint c;
    struct err e = {0};
    double got[2];
    write_file("{\"__metadata__\":{\"k\":\"v\"}," A
               ",\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[8,8]}}  ",
               -1, 8);
    ck_assert_msg(checkpoint_open(&c, place(), &e), "%s", e.text);
    ck_assert_int_eq(c.count, 2);
    ck_assert_str_eq(checkpoint_meta(&c, "k"), "v");
    ck_assert_ptr_null(checkpoint_meta(&c, "absent"));
    ck_assert(checkpoint_read(&c, checkpoint_find(&c, "a"), 0, got, 2, &e));
    ck_assert(!checkpoint_read(&c, checkpoint_find(&c, "a"), 1, got, 2, &e));
    ck_assert(!checkpoint_read(&c, checkpoint_find(&c, "b"), 0, got, 0, &e));
    checkpoint_close(&c);
}
END_TEST

START_TEST(limits_hold_at_their_edge)
{
    struct checkpoint c;
    struct err e = {0};
    struct text header = {0};
    for (int extra = 0; extra < 2; extra++) { /* 4096 tensors, 4097 */
        text_clear(&header);
        for (int i = 0; i < CHECKPOINT_TENSORS + extra; i++)
            text_add(&header, "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
                     i ? "," : "{", i, i, i + 1);
        text_add(&header, "}");
        write_file(text_str(&header), -1, CHECKPOINT_TENSORS + extra);
        ck_assert_msg(checkpoint_open(&c, place(), &e) == !extra, "%d tensors: %s",
                      CHECKPOINT_TENSORS + extra, e.text);
        checkpoint_close(&c);
    }
    for (int extra = 0; extra < 2; extra++) { /* names of 256 bytes, 257 */
        text_clear(&header);
        text_add(&header, "{\"%0*d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                 CHECKPOINT_NAME + extra, 7);
        write_file(text_str(&header), -1, 1);
        ck_assert_msg(checkpoint_open(&c, place(), &e) == !extra, "a name of %d: %s",
                      CHECKPOINT_NAME + extra, e.text);
        checkpoint_close(&c);
    }
    text_free(&header);
}
END_TEST

/* Deep nesting and random bytes: refused, soon, whatever they are. */
START_TEST(sixty_four_kilobytes_of_anything_are_refused_soon)
{
    struct checkpoint c;
    struct err e = {0};
    static char header[65536];
    struct rng r = rng_at((uint64_t)_i, RNG_SAMPLE, 0);
    for (size_t i = 0; i < sizeof header - 1; i++)
        header[i] = _i == 0 ? '[' : _i == 1 ? "{\"a\":"[i % 5] : (char)(1 + rng_below(&r, 255));
    header[0] = '{', header[1] = '"';
    write_file(header, (long long)sizeof header - 1, 0);
    double start = clock_now();
    ck_assert(!checkpoint_open(&c, place(), &e));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_double_lt(clock_now() - start, 0.5);
}
END_TEST

/* A checkpoint of this program, damaged: cut anywhere, a byte changed anywhere. */
START_TEST(a_damaged_checkpoint_is_refused_or_whole_but_never_crashes)
{
    struct err e = {0};
    char path[128];
    struct config c = rig_config("orders", "topp", "cpu", "batch=8", NULL);
    struct trainer *t = model_rig_open(&c);
    ck_assert_msg(trainer_save(t, place(), &e), "%s", e.text);
    trainer_close(t);
    size_t size;
    char *bytes = io_load(place(), 1 << 24, &size, &e);
    ck_assert_ptr_nonnull(bytes);
    snprintf(path, sizeof path, "%s/cut.safetensors", rig_folder());
    struct rng r = rng_at(3, RNG_SAMPLE, 0);
    for (int i = 0; i < 60; i++) {
        bool cut = i % 2;
        size_t at = i % 4 < 2 ? rng_below(&r, (uint32_t)size) : rng_below(&r, 5000),
               n = cut ? at : size;
        char old = bytes[at];
        if (!cut) bytes[at] = (char)rng_below(&r, 256);
        FILE *f = fopen(path, "wb");
        ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
        fclose(f);
        bytes[at] = old;
        e = (struct err){0};
        struct trainer *back = trainer_resume(path, &c, &e);
        ck_assert_msg(!cut || !back, "a file cut at byte %zu was taken", at);
        ck_assert_msg(back || e.code == ERR_INPUT, "byte %zu: code %d, %s", at, e.code, e.text);
        trainer_close(back);
    }
    free(bytes);
}
END_TEST

/* Each line changes one entry of the metadata of a whole checkpoint. */
static const struct meta_case {
    const char *from, *to;
} metas[] = {
    {"\"schema\":\"vanpool/1\"", "\"schema\":\"vanpool/9\""},
    {"\"data\":\"orders\"", "\"data\":\"orderz\""},
    {"\"strategy\":\"topk\"", "\"strategy\":\"topq\""},
    {"\"config.experts\":\"8\"", "\"config.experts\":\"9\""},
    {"\"config.experts\":\"8\"", "\"config.experts\":\"1\""},
    {"\"config.experts\":\"8\"", "\"config.experts\":\"x\""},
    {"\"config.width\":\"64\"", "\"config.width\":\"62\""},
    {"\"config.layers\":\"1\"", "\"config.layers\":\"3\""},
    {"\"config.batch\":\"256\"", "\"config.batch\":\"-56\""},
    {"\"knob.k\":\"2\"", "\"knob.k\":\"9\""},
    {"\"knob.k\":\"2\"", "\"knob.q\":\"2\""},
    {"\"step\":\"0\"", "\"step\":\"x\""},
    {"\"updates\":\"0\"", "\"updates\":\"-\""},
};

START_TEST(metadata_that_does_not_fit_is_refused)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", NULL);
    struct trainer *t = model_rig_open(&c);
    ck_assert_msg(trainer_save(t, place(), &e), "%s", e.text);
    trainer_close(t);
    size_t size;
    char *bytes = io_load(place(), 1 << 24, &size, &e),
         *at = memmem(bytes, size, metas[_i].from, strlen(metas[_i].from));
    ck_assert_msg(at != NULL, "%s is not in the file", metas[_i].from);
    memset(at, ' ', strlen(metas[_i].from));
    memcpy(at, metas[_i].to, strlen(metas[_i].to));
    FILE *f = fopen(place(), "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
    free(bytes);
    ck_assert_msg(!trainer_resume(place(), NULL, &e), "%s was taken", metas[_i].to);
    ck_assert_msg(e.code == ERR_INPUT, "%s: code %d, %s", metas[_i].to, e.code, e.text);
}
END_TEST

SUITE(model_checkpoint)
{
    TCase *t = tcase_create("checkpoint");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_bad_file_is_refused_by_name, 0, BAD);
    tcase_add_test(t, a_good_file_is_read);
    tcase_add_test(t, limits_hold_at_their_edge);
    tcase_add_loop_test(t, sixty_four_kilobytes_of_anything_are_refused_soon, 0, 6);
    tcase_add_test(t, a_damaged_checkpoint_is_refused_or_whole_but_never_crashes);
    tcase_add_loop_test(t, metadata_that_does_not_fit_is_refused, 0, sizeof metas / sizeof *metas);
    suite_add_tcase(suite, t);
}
