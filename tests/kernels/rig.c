/* Opening backends for tests, and comparing what they hold. */
#include "tests/kernels/rig.h"

#ifdef RIG_CUDA
const struct variant variants[VARIANTS] = {{"ref", NULL}, {"cuda", NULL}};
#else
const struct variant variants[VARIANTS] = {
    {"ref", NULL}, {"cpu", "sse2"}, {"cpu", "avx2"}, {"cpu", "avx512"}};
#endif

bool rig_can(const char *simd)
{
    if (simd && strcmp(simd, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (simd && strcmp(simd, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return true;
}

struct rig rig_open(const struct variant *v, int threads)
{
    char why[200] = "";
    struct kn_settings s = {.threads = threads, .simd = v->simd};
    struct rig r = {.be = kn_open(v->name, &s, why, sizeof why)};
    HOLDS(r.be != NULL, "%s %s does not open: %s", v->name, v->simd ? v->simd : "", why);
    ck_assert_str_eq(kn_name(r.be), v->name);
    if (strcmp(v->name, "cuda") != 0) ck_assert_str_eq(kn_simd(r.be), v->simd ? v->simd : "none");
    return r;
}

void rig_close(struct rig *r)
{
    const char *op = NULL, *reason = NULL;
    HOLDS(kn_sync(r->be, &op, &reason), "%s failed: %s", op, reason);
    for (int i = 0; i < r->n_bufs; i++) kn_free(r->be, r->bufs[i]);
    for (int i = 0; i < r->n_ints; i++) kn_free_ints(r->be, r->ints[i]);
    kn_close(r->be);
}

struct kn_buf rig_buf(struct rig *r, size_t n, const double *values)
{
    struct kn_buf b = kn_alloc(r->be, n);
    HOLDS(b.at, "no memory");
    HOLDS(r->n_bufs < RIG_ROOM, "no room");
    if (values) kn_write(r->be, b, values, n);
    return r->bufs[r->n_bufs++] = b;
}

struct kn_ints rig_ints(struct rig *r, size_t n, const int32_t *values)
{
    struct kn_ints b = kn_alloc_ints(r->be, n);
    HOLDS(b.at, "no memory");
    HOLDS(r->n_ints < RIG_ROOM, "no room");
    if (values) kn_write_ints(r->be, b, values, n);
    return r->ints[r->n_ints++] = b;
}

double rig_get(struct rig *r, struct kn_buf b, size_t i)
{
    double value;
    kn_read(r->be, &value, kn_part(r->be, b, i), 1);
    return value;
}

int rig_int(struct rig *r, struct kn_ints b, size_t i)
{
    int32_t value;
    kn_read_ints(r->be, &value, kn_part_ints(b, i), 1);
    return value;
}

void rig_near(struct rig *r, struct kn_buf got, const double *want, size_t n, double atol,
              const char *what)
{
    for (size_t i = 0; i < n; i++) NEAR(rig_get(r, got, i), want[i], atol, 0, "%s [%zu]", what, i);
}

void rig_same(struct rig *r, struct kn_ints got, const int32_t *want, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        HOLDS(rig_int(r, got, i) == want[i], "%s [%zu]: got %d, want %d", what, i,
              rig_int(r, got, i), want[i]);
}

uint64_t rig_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int rig_below(uint64_t *state, int n)
{
    return (int)(rig_random(state) % (uint64_t)n);
}

double rig_uniform(uint64_t *state)
{
    return (double)(rig_random(state) >> 11) * 0x1p-53;
}

/* Four 16-bit uniforms added: near enough to a normal, and cheap. */
double rig_normal(uint64_t *state)
{
    uint64_t z = rig_random(state);
    double sum = (z & 0xffff) + (z >> 16 & 0xffff) + (z >> 32 & 0xffff) + (z >> 48);
    return (float)((sum / 65535 - 2) * 1.7320508);
}
