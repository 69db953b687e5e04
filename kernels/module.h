#ifndef KERNELS_MODULE_H
#define KERNELS_MODULE_H
/* A backend that is a file of its own, opened with dlopen when it is asked for: what it needs (CUDA,
 * cuBLAS) may then be missing where the program runs. It exports one `kn_module`, and is taken only
 * if it was built from the same table of ops. */
#include "kernels/table.h"

#define KN_MODULE_BUILD "vanpool " VANPOOL_VERSION

struct kn_module {
    const char *build;
    size_t table_size;
    struct kn_backend *(*open)(const struct kn_settings *s, char *why, size_t size);
};
extern const struct kn_module kn_module;

/* Are the module and a driver here? Asked without opening the one, or starting the other. */
bool module_here_cuda(void);
/* Opens the cuda backend: $VANPOOL_CUDA, or vanpool-cuda.so beside the program, or in
 * ../lib/vanpool. */
struct kn_backend *module_open_cuda(const struct kn_settings *s, char *why, size_t size);
#endif
