#ifndef TESTS_EMU_CUBLAS_V2_H
#define TESTS_EMU_CUBLAS_V2_H
/* The calls of cuBLAS that kernels/cuda makes, done with plain loops. */
#include "tests/emu/cuda_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif
typedef struct emu_blas *cublasHandle_t;
typedef enum {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
} cublasStatus_t;
typedef enum { CUBLAS_OP_N, CUBLAS_OP_T } cublasOperation_t;
typedef enum { CUBLAS_DEFAULT_MATH = 0, CUBLAS_TF32_TENSOR_OP_MATH = 3 } cublasMath_t;
cublasStatus_t cublasCreate(cublasHandle_t *to);
cublasStatus_t cublasDestroy(cublasHandle_t blas);
cublasStatus_t cublasSetStream(cublasHandle_t blas, cudaStream_t stream);
cublasStatus_t cublasSetMathMode(cublasHandle_t blas, cublasMath_t mode);
cublasStatus_t cublasSetWorkspace(cublasHandle_t blas, void *at, size_t bytes);
cublasStatus_t cublasSgemm(cublasHandle_t blas, cublasOperation_t on_a, cublasOperation_t on_b,
                           int m, int n, int k, const float *alpha, const float *a, int lda,
                           const float *b, int ldb, const float *beta, float *c, int ldc);
const char *cublasGetStatusString(cublasStatus_t status);
#ifdef __cplusplus
}
#endif
#endif
