/* The emulator's guards, proved by planting what they guard against: each kernel here is wrong in one
 * way that a GPU may let pass, and must end its test. */
#include <unistd.h>

#include "tests/check.h"

#include "tests/emu/cuda_runtime.h"

#include <csignal>

namespace
{
void sum_of_a_block(float *to) /* right */
{
    SHARED(float, part, 64);
    part[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    for (unsigned by = 32; by > 0; by /= 2) {
        if (threadIdx.x < by) part[threadIdx.x] += part[threadIdx.x + by];
        __syncthreads();
    }
    if (threadIdx.x == 0) *to = part[0];
}

void sum_of_a_warp(float *to) /* right: shuffles and __syncwarp order the lanes of a warp */
{
    SHARED(float, part, 64);
    float x = 1;
    for (int by = 16; by > 0; by /= 2) x += __shfl_xor_sync(~0u, x, by);
    part[threadIdx.x] = x;
    __syncwarp();
    to[threadIdx.x] = part[threadIdx.x ^ 1] + (float)__popc(__ballot_sync(~0u, threadIdx.x % 2));
}

void no_barrier(float *to)
{
    SHARED(float, part, 64);
    part[threadIdx.x] = 1;
    to[threadIdx.x] = part[(threadIdx.x + 1) % 64];
}

void no_barrier_before_the_next_round(float *to)
{
    SHARED(float, part, 64);
    for (int i = 0; i < 2; i++) {
        part[threadIdx.x] = 1;
        __syncthreads();
        to[threadIdx.x] = part[(threadIdx.x + 1) % 64];
    }
}

void warp_barrier_for_a_block(float *to)
{
    SHARED(float, part, 64);
    part[threadIdx.x] = 1;
    __syncwarp();
    to[threadIdx.x] = part[(threadIdx.x + 32) % 64];
}

void never_written(float *to)
{
    SHARED(float, part, 64);
    if (threadIdx.x > 0) part[threadIdx.x] = 1;
    __syncthreads();
    to[threadIdx.x] = part[0];
}

void past_the_end_of_shared(float *to)
{
    SHARED(float, part, 64);
    part[threadIdx.x + 1] = 1;
    to[threadIdx.x] = 0;
}

void barrier_that_some_miss(float *to)
{
    if (threadIdx.x < 32) __syncthreads();
    to[threadIdx.x] = 0;
}

void shuffle_that_some_miss(float *to)
{
    float x = 1;
    if (threadIdx.x != 5) x = __shfl_xor_sync(~0u, x, 1);
    to[threadIdx.x] = x;
}

void lane_outside_the_mask(float *to)
{
    if (threadIdx.x < 16) to[threadIdx.x] = __shfl_down_sync(0xffffu, 1.f, 8);
}

void past_the_end_of_memory(float *to)
{
    to[threadIdx.x + 64 + 16] = 1;
}

void just_past_the_end_of_memory(float *to)
{
    to[threadIdx.x] = 1; /* of 63 numbers */
}

float *device(size_t n)
{
    void *at = nullptr;
    int count;
    cudaGetDeviceCount(&count);
    ck_assert_int_eq(cudaMalloc(&at, n * sizeof(float)), cudaSuccess);
    return (float *)at;
}

const struct planted {
    void (*kernel)(float *);
    int signal;
} planted[] = {
    {sum_of_a_block, 0},
    {sum_of_a_warp, 0},
    {no_barrier, SIGABRT},
    {no_barrier_before_the_next_round, SIGABRT},
    {warp_barrier_for_a_block, SIGABRT},
    {never_written, SIGABRT},
    {past_the_end_of_shared, SIGABRT},
    {barrier_that_some_miss, SIGABRT},
    {shuffle_that_some_miss, SIGABRT},
    {lane_outside_the_mask, SIGABRT},
    {past_the_end_of_memory, SIGSEGV},
    {just_past_the_end_of_memory, SIGABRT},
};

START_TEST(what_is_planted_is_found)
{
    float *to = device(63 + (planted[_i].kernel != just_past_the_end_of_memory));
    close(2); /* the sentence is for people */
    emu_start(3, 64, planted[_i].kernel, to);
    ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
    cudaFree(to);
}
END_TEST

START_TEST(right_kernels_give)
{
    float *to = device(64), host[64];
    emu_start(1, 64, sum_of_a_block, to);
    cudaMemcpyAsync(host, to, sizeof *host, cudaMemcpyDeviceToHost, nullptr);
    NEAR(host[0], 63 * 32, 0, 0, "sum of a block");
    emu_start(1, 64, sum_of_a_warp, to);
    cudaMemcpyAsync(host, to, sizeof host, cudaMemcpyDeviceToHost, nullptr);
    for (int i = 0; i < 64; i++) NEAR(host[i], 32 + 16, 0, 0, "sum of a warp, thread %d", i);
    cudaFree(to);
}
END_TEST

START_TEST(fresh_memory_is_not_zero_and_copies_are_checked)
{
    float *to = device(4), host[8];
    cudaMemcpyAsync(host, to, 4 * sizeof *host, cudaMemcpyDeviceToHost, nullptr);
    for (int i = 0; i < 4; i++) ck_assert(isnan(host[i]));
    ck_assert_int_eq(cudaMemcpyAsync(host, to, 5 * sizeof *host, cudaMemcpyDeviceToHost, nullptr),
                     cudaErrorInvalidValue);
    ck_assert_int_eq(cudaMemcpyAsync(to, host, 4 * sizeof *host, cudaMemcpyDeviceToHost, nullptr),
                     cudaErrorInvalidValue);
    cudaFree(to);
}
END_TEST

START_TEST(a_grid_that_no_gpu_takes_is_refused)
{
    float *to = device(64);
    emu_start(1, 1025, sum_of_a_block, to);
    ck_assert_int_eq(cudaGetLastError(), cudaErrorInvalidConfiguration);
    emu_start(dim3(1, 70000), 64, sum_of_a_block, to);
    ck_assert_int_eq(cudaGetLastError(), cudaErrorInvalidConfiguration);
    ck_assert_int_eq(cudaGetLastError(), cudaSuccess);
    cudaFree(to);
}
END_TEST
} // namespace

SUITE(planted)
{
    TCase *tc = tcase_create("planted");
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++)
        tcase_add_loop_test_raise_signal(tc, what_is_planted_is_found, planted[i].signal, (int)i,
                                         (int)i + 1);
    tcase_add_test(tc, right_kernels_give);
    tcase_add_test(tc, fresh_memory_is_not_zero_and_copies_are_checked);
    tcase_add_test(tc, a_grid_that_no_gpu_takes_is_refused);
    suite_add_tcase(suite, tc);
}
