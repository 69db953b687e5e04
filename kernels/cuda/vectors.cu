/* Vectors, number by number: four at a time where all of them begin at a multiple of 16 bytes, which
 * is what keeps enough bytes under way. */
#include "kernels/cuda/cuda.h"

enum { MAP_THREADS = 256 };

/* to[i] = f(a[i], b[i]); inputs that are NULL are 0 and are not read. */
template <bool A, bool B, class F>
static __global__ void map_kernel(size_t n, size_t fours, float *to, const float *a, const float *b,
                                  F f)
{
    size_t step = (size_t)gridDim.x * blockDim.x;
    size_t first = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    for (size_t i = first; i < fours; i += step) {
        struct four x = {}, y = {};
        if (A) x = four_at(a + 4 * i);
        if (B) y = four_at(b + 4 * i);
        for (int k = 0; k < 4; k++) x.of[k] = f(x.of[k], y.of[k]);
        put_four(to + 4 * i, x);
    }
    for (size_t i = 4 * fours + first; i < n; i += step) to[i] = f(A ? a[i] : 0, B ? b[i] : 0);
}

template <bool A, bool B, class F>
static void map(struct kn_backend *be, size_t n, float *to, const float *a, const float *b, F f,
                CALLER)
{
    size_t fours = in_fours(4, to, a, b) ? n / 4 : 0, most = 1u << 20;
    size_t blocks = pieces(fours > 0 ? fours + 3 : n, MAP_THREADS);
    launch(be, op, blocks < most ? blocks : most, MAP_THREADS, map_kernel<A, B, F>, n, fours, to, a,
           b, f);
}

void cuda_zero(struct kn_backend *be, struct kn_buf y, size_t n)
{
    map<false, false>(be, n, KN_F32(y), nullptr, nullptr,
                      [=] __device__(float, float) { return 0.f; });
}

void cuda_copy(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    map<true, false>(be, n, KN_F32(y), KN_F32(x), nullptr,
                     [=] __device__(float x, float) { return x; });
}

void cuda_add(struct kn_backend *be, struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n)
{
    map<true, true>(be, n, KN_F32(y), KN_F32(a), KN_F32(b),
                    [=] __device__(float a, float b) { return a + b; });
}

void cuda_accumulate(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    float by = (float)c;
    map<true, true>(be, n, KN_F32(y), KN_F32(y), KN_F32(x),
                    [=] __device__(float y, float x) { return y + by * x; });
}

void cuda_scale(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n)
{
    float by = (float)c;
    map<true, false>(be, n, KN_F32(y), KN_F32(x), nullptr,
                     [=] __device__(float x, float) { return by * x; });
}

void cuda_fill(struct kn_backend *be, struct kn_buf y, double c, size_t n)
{
    float with = (float)c;
    map<false, false>(be, n, KN_F32(y), nullptr, nullptr,
                      [=] __device__(float, float) { return with; });
}

void cuda_tanh(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n)
{
    map<true, false>(be, n, KN_F32(y), KN_F32(x), nullptr,
                     [=] __device__(float x, float) { return tanhf(x); });
}

void cuda_tanh_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                    size_t n)
{
    map<true, true>(be, n, KN_F32(dx), KN_F32(dy), KN_F32(y),
                    [=] __device__(float dy, float y) { return dy * (1 - y * y); });
}
