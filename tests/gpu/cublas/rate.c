/* What cuBLAS gives here for a product of 8192 x 8192 x 8192, as torch asks for it: bfloat16 in and out, sums in
 * float32; and TF32, float32. Numbers of size about 1: some chips multiply zeros faster. A line each, for table.awk:
 *   rate cublas MATH N TFLOP/s... */
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 8192, WARM = 3, ROUNDS = 9 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool failed(const char *what, int code)
{
    if (code != 0) fprintf(stderr, "cublas-rate: %s failed with code %d\n", what, code);
    return code != 0;
}

/* Numbers between -1 and 1 on the device, as bfloat16 (2 bytes) or float32 (4). */
static void *numbers(int bytes)
{
    size_t n = (size_t)N * N;
    uint16_t *host = malloc(n * bytes);
    void *at = NULL;
    uint32_t state = 1;
    for (size_t i = 0; host && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        float x = (float)(int32_t)state * 0x1p-31f;
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (bytes == 2)
            host[i] = bits >> 16;
        else
            memcpy(host + 2 * i, &bits, sizeof bits);
    }
    if (!host || failed("cudaMalloc", cudaMalloc(&at, n * bytes)) ||
        failed("cudaMemcpy", cudaMemcpy(at, host, n * bytes, cudaMemcpyHostToDevice)))
        at = NULL;
    free(host);
    return at;
}

static bool measure(cublasHandle_t blas, const char *math, cudaDataType_t type,
                    cublasComputeType_t how)
{
    const float one = 1, zero = 0;
    int bytes = type == CUDA_R_16BF ? 2 : 4;
    void *a = numbers(bytes), *b = numbers(bytes), *c = numbers(bytes);
    double rate[ROUNDS];
    bool ok = a && b && c;
    for (int i = -WARM; ok && i < ROUNDS; i++) {
        double start = now();
        ok = !failed("cublasGemmEx",
                     cublasGemmEx(blas, CUBLAS_OP_N, CUBLAS_OP_N, N, N, N, &one, a, type, N, b,
                                  type, N, &zero, c, type, N, how, CUBLAS_GEMM_DEFAULT)) &&
             !failed("the product", cudaDeviceSynchronize());
        if (i >= 0) rate[i] = 2e-12 * N * N * N / (now() - start);
    }
    cudaFree(a), cudaFree(b), cudaFree(c);
    if (!ok) return false;
    printf("rate cublas %s %d", math, N);
    for (int i = 0; i < ROUNDS; i++) printf(" %.2f", rate[i]);
    printf("\n");
    return true;
}

int main(void)
{
    cublasHandle_t blas;
    if (failed("cublasCreate", cublasCreate(&blas))) return 1;
    bool ok = measure(blas, "bf16", CUDA_R_16BF, CUBLAS_COMPUTE_32F) &&
              measure(blas, "tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32) &&
              measure(blas, "fp32", CUDA_R_32F, CUBLAS_COMPUTE_32F);
    cublasDestroy(blas);
    return !ok;
}
