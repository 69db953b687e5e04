/* Finds and opens the module that holds the cuda backend, and says why there is none. */
#include "kernels/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char name[] = "vanpool-cuda.so";

/* The path of the program with its own name cut off; false: not known. */
static bool own_folder(char *to, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", to, size - 1);
    if (n <= 0) return false;
    to[n] = 0;
    *strrchr(to, '/') = 0;
    return true;
}

/* The first place where the file is. */
static bool find(char *to, size_t size)
{
    static const char *const places[] = {"", "../lib/vanpool/"};
    const char *given = getenv("VANPOOL_CUDA");
    char folder[2000];
    if (given && *given) {
        snprintf(to, size, "%s", given);
        return true;
    }
    if (!own_folder(folder, sizeof folder)) return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int n = snprintf(to, size, "%s/%s%s", folder, places[i], name);
        if (n > 0 && (size_t)n < size && access(to, R_OK) == 0) return true;
    }
    return false;
}

/* The driver is asked for first: it is a small library, and the module's are not. A module named by
 * hand brings its own. */
static bool has_driver(void)
{
    const char *given = getenv("VANPOOL_CUDA");
    void *driver = given && *given ? NULL : dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    bool has = driver || (given && *given);
    if (driver) dlclose(driver);
    return has;
}

bool module_here_cuda(void)
{
    char path[2100];
    return find(path, sizeof path) && has_driver();
}

struct kn_backend *module_open_cuda(const struct kn_settings *s, char *why, size_t size)
{
    char path[2100];
    void *file;
    const struct kn_module *module = NULL;
    if (!find(path, sizeof path)) {
        snprintf(why, size, "backend cuda: no %s beside the program: `make cuda` builds it", name);
        return NULL;
    }
    if (!has_driver()) {
        snprintf(why, size, "backend cuda: this machine has no NVIDIA driver (libcuda.so.1)");
        return NULL;
    }
    file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!file) {
        snprintf(why, size, "backend cuda: %s", dlerror());
        return NULL;
    }
    module = dlsym(file, "kn_module");
    if (!module || strcmp(module->build, KN_MODULE_BUILD) != 0 ||
        module->table_size != sizeof(struct kn_table)) {
        snprintf(why, size, "backend cuda: %s is of another build: `make cuda` again", name);
        dlclose(file);
        return NULL;
    }
    return module->open(s, why, size); /* the file stays open: sentences may be the module's */
}
