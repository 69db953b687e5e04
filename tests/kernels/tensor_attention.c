/* Attention on tensor cores (VANPOOL_CUDA_MATH=bf16) against ref: every context around the edges of
 * its tiles, every width of a head, memory that does and does not begin at 16 bytes, outputs that
 * nobody wrote, and the same bits twice. */
#include "tests/kernels/rig.h"

#ifdef RIG_CUDA
struct heads {
    int B, C, heads, d, shift; /* shift: numbers between the memory's start and ours */
};

struct found {
    int n[3];
    double *v[3]; /* y, lse, dqkv */
};
static const char *const names[] = {"y", "lse", "dqkv"};

static struct kn_buf numbers(struct rig *r, const struct heads *s, int n, uint64_t *seed,
                             double size)
{
    struct kn_buf b = kn_part(r->be, rig_buf(r, (size_t)n + s->shift, NULL), s->shift);
    double *v = calloc((size_t)n + 1, sizeof *v);
    for (int i = 0; i < n; i++) v[i] = seed ? size * rig_normal(seed) : NAN;
    kn_write(r->be, b, v, n);
    free(v);
    return b;
}

static struct found attend(const struct variant *v, const struct heads *s, double size)
{
    struct rig r = rig_open(v, 1);
    uint64_t seed = 7;
    int T = s->B * s->C, D = s->heads * s->d;
    struct found to = {.n = {T * D, T * s->heads, 3 * T * D}};
    struct kn_buf qkv = numbers(&r, s, 3 * T * D, &seed, size),
                  dy = numbers(&r, s, T * D, &seed, 1);
    struct kn_buf out[3];
    for (int i = 0; i < 3; i++) out[i] = numbers(&r, s, to.n[i], NULL, 0);
    kn_attention(r.be, out[0], out[1], qkv, s->B, s->C, s->heads, s->d);
    kn_attention_back(r.be, out[2], dy, out[0], out[1], qkv, s->B, s->C, s->heads, s->d);
    for (int i = 0; i < 3; i++) {
        to.v[i] = calloc((size_t)to.n[i] + 1, sizeof(double));
        kn_read(r.be, to.v[i], out[i], to.n[i]);
    }
    rig_close(&r);
    return to;
}

static void forget(struct found *f)
{
    for (int i = 0; i < 3; i++) free(f->v[i]);
}

/* Of all numbers, and of every head of every token: a mistake in one row is not lost among many. The
 * first query's gradient is 0, a difference of rounded numbers of size 1. */
static void near(const struct found *got, const struct found *want, const struct heads *s)
{
    for (int i = 0; i < 3; i++) {
        int d = i == 1 ? 1 : s->d, rows = want->n[i] / d;
        double all = 0, apart = 0;
        char where[100];
        snprintf(where, sizeof where, "B %d, C %d, heads %d, d %d, shift %d: %s", s->B, s->C,
                 s->heads, s->d, s->shift, names[i]);
        for (int k = 0; k < want->n[i]; k++) all += want->v[i][k] * want->v[i][k];
        for (int row = 0; row < rows; row++) {
            double by = 0, size = 0;
            for (int k = row * d; k < (row + 1) * d; k++) {
                double more = got->v[i][k] - want->v[i][k];
                by += more * more;
                size += want->v[i][k] * want->v[i][k];
            }
            apart += by;
            HOLDS(sqrt(by) <= 1e-2 * sqrt(size) + 6e-3 * sqrt(d),
                  "%s: row %d is off by %.3g of a norm of %.3g", where, row, sqrt(by), sqrt(size));
        }
        HOLDS(sqrt(apart) <= 1e-2 * sqrt(all), "%s is off by %.3g of a norm of %.3g", where,
              sqrt(apart), sqrt(all));
    }
}

static void check(struct heads s, double size)
{
    setenv("VANPOOL_CUDA_MATH", "bf16", 1);
    struct found got = attend(&variants[1], &s, size), again = attend(&variants[1], &s, size);
    unsetenv("VANPOOL_CUDA_MATH"); /* without forks the other tests come after this one */
    struct found want = attend(&variants[0], &s, size);
    near(&got, &want, &s);
    for (int i = 0; i < 3; i++)
        HOLDS(memcmp(got.v[i], again.v[i], sizeof(double) * got.n[i]) == 0,
              "B %d, C %d, heads %d, d %d: %s has other bits the second time", s.B, s.C, s.heads,
              s.d, names[i]);
    forget(&got), forget(&again), forget(&want);
}

START_TEST(every_context_up_to_two_tiles_is_near_ref)
{
    check((struct heads){1, _i, 1, 16, 0}, 1);
    check((struct heads){1, _i, 1, 64, 0}, 1);
    if (_i % 8 < 2) check((struct heads){1, _i, 1, 128, 0}, 1);
}
END_TEST

START_TEST(every_width_of_a_head_is_near_ref)
{
    check((struct heads){2, 35, 2, 2 * _i, 0}, 1);
    check((struct heads){1, 18, 3, 2 * _i, 3}, 1);
}
END_TEST

START_TEST(many_tiles_and_heads_are_near_ref)
{
    check((struct heads){2, 300, 3, 64, 0}, 1);
    check((struct heads){1, 200, 2, 128, 0}, 1);
    check((struct heads){3, 257, 2, 32, 0}, 1);
    check((struct heads){0, 4, 2, 8, 0}, 1);
}
END_TEST

/* Scores of about 1000: the largest is taken off before anything is raised. */
START_TEST(large_scores_do_not_overflow)
{
    struct heads s = {1, 100, 1, 64, 0};
    setenv("VANPOOL_CUDA_MATH", "bf16", 1);
    struct found got = attend(&variants[1], &s, 12);
    unsetenv("VANPOOL_CUDA_MATH");
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < got.n[i]; k++)
            HOLDS(isfinite(got.v[i][k]), "%s[%d] is %g", names[i], k, got.v[i][k]);
    forget(&got);
}
END_TEST

SUITE(tensor_attention)
{
    TCase *tc = tcase_create("bf16");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, every_context_up_to_two_tiles_is_near_ref, 1, 131);
    tcase_add_loop_test(tc, every_width_of_a_head_is_near_ref, 1, 65);
    tcase_add_test(tc, many_tiles_and_heads_are_near_ref);
    tcase_add_test(tc, large_scores_do_not_overflow);
    suite_add_tcase(suite, tc);
}
#endif
