#ifndef KERNELS_CPU_VEC_H
#define KERNELS_CPU_VEC_H
/* Vectors as wide as the level, and exp on them. No intrinsics: the compilers' vector extensions.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VL 16
#define TILE 14 /* rows of a tile: 28 sums, 2 columns, 1 row element fill 31 of 32 registers */
#elif defined(__AVX2__)
#define VL 8
#define TILE 6 /* 12 sums, 2 columns, 1 row element of 16 registers */
#else
#define VL 4
#define TILE 6
#endif
#define PANEL (2 * VL)

typedef float vf __attribute__((vector_size(VL * 4)));
typedef int32_t vi __attribute__((vector_size(VL * 4)));
typedef uint32_t vu __attribute__((vector_size(VL * 4)));

static inline vf vec_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* Part of a vector. Each loop becomes one masked instruction, but only while it is a function of
 * its own: inlined, it would be unrolled first. */
#define APART static __attribute__((noinline, unused))
APART vf vec_load_part(const float *p, int n, float fill)
{
    float x[VL];
    for (int i = 0; i < VL; i++) x[i] = i < n ? p[i] : fill;
    return vec_load(x);
}

APART vi vec_load_part_ints(const int32_t *p, int n)
{
    int32_t x[VL];
    vi v;
    for (int i = 0; i < VL; i++) x[i] = i < n ? p[i] : 0;
    memcpy(&v, x, sizeof v);
    return v;
}

APART void vec_store_part(float *p, vf v, int n)
{
    float x[VL];
    vec_store(x, v);
    for (int i = 0; i < VL; i++)
        if (i < n) p[i] = x[i];
}

/* Up to a vector of numbers: n of them, more count as VL; lanes behind them are `fill`. */
static inline vf vec_some(const float *p, int n, float fill)
{
    return n >= VL ? vec_load(p) : vec_load_part(p, n, fill);
}

static inline vi vec_some_ints(const int32_t *p, int n)
{
    vi v;
    if (n < VL) return vec_load_part_ints(p, n);
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_put(float *p, vf v, int n)
{
    if (n >= VL)
        vec_store(p, v);
    else
        vec_store_part(p, v, n);
}

/* x - 0 is x, also for -0, and so costs nothing; x + 0 is not. */
static inline vf vec_all(float x)
{
    return x - (vf){};
}

/* Where the mask is all ones a, else b. */
static inline vf vec_pick(vi mask, vf a, vf b)
{
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}

static inline vf vec_max(vf a, vf b)
{
    return vec_pick(a > b, a, b);
}

/* All ones in the first n lanes, also for n < 0 and n > VL. */
static inline vi vec_first(int n)
{
    static const int32_t lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vi at;
    memcpy(&at, lane, sizeof at);
    return at < n;
}

/* The halves of a vector folded until four lanes are left. */
typedef float vec4 __attribute__((vector_size(16)));
#define HALF4(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#if VL == 16
#define FOLD(v, f)                                                                                 \
    vec4 a = f(f(HALF4(v, 0, 1, 2, 3), HALF4(v, 8, 9, 10, 11)),                                    \
               f(HALF4(v, 4, 5, 6, 7), HALF4(v, 12, 13, 14, 15)));
#elif VL == 8
#define FOLD(v, f) vec4 a = f(HALF4(v, 0, 1, 2, 3), HALF4(v, 4, 5, 6, 7));
#else
#define FOLD(v, f) vec4 a = v;
#endif
static inline vec4 plus4(vec4 a, vec4 b)
{
    return a + b;
}

static inline vec4 more4(vec4 a, vec4 b)
{
    __typeof__(a > b) mask = a > b;
    return (vec4)(((__typeof__(mask))a & mask) | ((__typeof__(mask))b & ~mask));
}

/* Sum and maximum over the lanes, always in the same order. */
static inline float vec_sum(vf v)
{
    FOLD(v, plus4)
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline float vec_top(vf v)
{
    FOLD(v, more4)
    float x = a[0] > a[1] ? a[0] : a[1], y = a[2] > a[3] ? a[2] : a[3];
    return x > y ? x : y;
}

/* e^x to about 1e-7: 2^k times a polynomial in the rest, |rest| <= ln 2 / 2 (coefficients: Cephes,
 * expf). Under -87.3 exactly 0, over 88.4 infinite, NaN stays NaN. */
static inline vf vec_exp(vf x)
{
    const float magic = 12582912.f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    vi low = x < -87.33654f;
    x = vec_pick(x > 89.f, vec_all(89.f), x);
    vf t = x * 1.44269504f + magic;
    vf k = t - magic;
    vf r = x - k * 0.693359375f;
    r = r - k * -2.12194440e-4f;
    vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.f;
    vf scale = (vf)(((vu)t << 23) + (127u << 23));
    return (vf)((vi)(p * scale) & ~low);
}

static inline float vec_exp1(float x)
{
    return vec_exp(vec_all(x))[0];
}

static inline vf vec_sigmoid(vf x)
{
    return 1.f / (1.f + vec_exp(-x));
}

/* ---- rows of any length
 * The largest c x. */
static inline float row_top(const float *x, int n, float c)
{
    vf top = vec_all(-INFINITY);
    for (int j = 0; j < n; j += VL)
        top = vec_max(vec_pick(vec_first(n - j), c * vec_some(x + j, n - j, 0), top), top);
    return vec_top(top);
}

static inline float row_dot(const float *a, const float *b, int n)
{
    vf sum = {};
    for (int j = 0; j < n; j += VL) sum += vec_some(a + j, n - j, 0) * vec_some(b + j, n - j, 0);
    return vec_sum(sum);
}

/* y = exp(c x - shift); the sum of y. y may be x. */
static inline float row_exp(float *y, const float *x, int n, float c, float shift)
{
    vf sum = {};
    for (int j = 0; j < n; j += VL) {
        vf e = vec_exp(vec_some(x + j, n - j, 0) * c - shift);
        vec_put(y + j, e, n - j);
        sum += vec_pick(vec_first(n - j), e, (vf){});
    }
    return vec_sum(sum);
}

static inline float row_log_sum_exp(const float *x, int n)
{
    float top = row_top(x, n, 1);
    vf sum = {};
    for (int j = 0; j < n; j += VL) sum += vec_exp(vec_some(x + j, n - j, -INFINITY) - top);
    return top + logf(vec_sum(sum));
}

/* y += c x */
static inline void row_axpy(float *y, float c, const float *x, int n)
{
    for (int j = 0; j < n; j += VL)
        vec_put(y + j, vec_some(y + j, n - j, 0) + c * vec_some(x + j, n - j, 0), n - j);
}

static inline void row_scale(float *y, float c, int n)
{
    for (int j = 0; j < n; j += VL) vec_put(y + j, c * vec_some(y + j, n - j, 0), n - j);
}
#endif
