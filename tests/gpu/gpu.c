/* What only a machine with a GPU can tell: whether whole trainings on it are those of the CPU, and
 * how fast they are. A program of its own, without forks: CUDA does not outlive one. Links nothing
 * but C's library.
 *   check-gpu who                     the device, or why there is none
 *   check-gpu train [MATH]            trainings against ref and cpu
 *   check-gpu times [MATH [PRESET]]   measured lines for tests/gpu/table.awk
 *   check-gpu small [MATH]            trainings in sizes for the emulator
 *   check-gpu quick [MATH [PRESET]]   a few of those and times, for the emulator
 * With -b BACKEND in front `times` measures another backend than cuda. */
#include "tests/gpu/gpu.h"
#include "core/model/config.h"
#include "core/router/router.h"
#include "kernels/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* TF32 has 10 bits of mantissa in a factor, bfloat16 7; sums are in float32 in all three. */
const struct math maths[MATHS] = {{"fp32", 1e-4, 1e-2}, {"tf32", 5e-3, 2e-2}, {"bf16", 3e-2, 5e-2}};

bool quick;
char corpus[64];
static int passed, failed, skipped;

void gpu_tell(bool ok, const char *what, const char *detail)
{
    ok ? passed++ : failed++;
    printf("%s %s%s%s\n", ok ? "  ok " : "FAIL", what, *detail ? ": " : "", detail);
    fflush(stdout);
}

void gpu_skip(const char *why)
{
    skipped++;
    printf("SKIP %s\n", why);
    fflush(stdout);
}

bool gpu_math(const struct math *m)
{
    char why[200] = "", text[240];
    setenv("VANPOOL_CUDA_MATH", m->name, 1);
    struct kn_backend *be = kn_open("cuda", NULL, why, sizeof why);
    bool can = be && strcmp(kn_simd(be), m->name) == 0;
    kn_close(be);
    snprintf(text, sizeof text, "%s: %s", m->name, *why ? why : "this GPU has it not");
    if (!can) gpu_skip(text);
    return can;
}

/* Words that a small model can learn something from. */
static bool write_corpus(void)
{
    static const char *const words[] = {"order ",  "van ",    "piano ", "north ",
                                        "a crew ", "drives ", "and ",   "the box.\n"};
    int fd;
    strcpy(corpus, "text:/tmp/vanpool-gpu-XXXXXX");
    fd = mkstemp(corpus + strlen("text:"));
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!f) return false;
    for (unsigned i = 0, r = 1; i < 200000; i++, r = r * 1103515245u + 12345u)
        fputs(words[r >> 16 & 7], f);
    return fclose(f) == 0;
}

static bool set_all(struct config *c, const char *words, struct err *e)
{
    char copy[200], *rest = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(w, '=');
        *value++ = 0;
        if (!(router_knob(c->router, w) >= 0 ? config_set_knob(c, w, value, e)
                                             : config_set(c, w, value, e)))
            return false;
    }
    return true;
}

struct trainer *gpu_trainer(const char *data, const char *preset, const char *strategy,
                            const char *backend, const char *words, struct err *e)
{
    struct config c;
    if (!config_start(&c, data, strategy, e) || (preset && !config_preset(&c, preset, e)) ||
        !set_all(&c, words, e))
        return NULL;
    snprintf(c.backend, sizeof c.backend, "%s", backend);
    return trainer_open(&c, e);
}

/* Is the device there? Says who it is; if not, why. */
static bool introduce(const char *backend)
{
    char why[200] = "";
    struct kn_backend *be = kn_open(backend, NULL, why, sizeof why);
    if (be)
        printf("device %s, vanpool %s\n", kn_device(be), VANPOOL_VERSION);
    else
        gpu_skip(why);
    kn_close(be);
    return be != NULL;
}

static bool wanted(int argc, char **argv, int i, const char *name)
{
    return argc <= i || strcmp(argv[i], "all") == 0 || strcmp(argv[i], name) == 0;
}

static int run(int argc, char **argv, const char *backend)
{
    const char *what = argc > 1 ? argv[1] : "train";
    bool few = strcmp(what, "quick") == 0, small = strcmp(what, "small") == 0;
    quick = few || small;
    bool train = strcmp(what, "train") == 0, times = strcmp(what, "times") == 0;
    bool who = strcmp(what, "who") == 0;
    if (!train && !times && !quick && !who) {
        fprintf(stderr, "check-gpu: '%s'? try who, train, times, small or quick\n", what);
        return 2;
    }
    if (!introduce(backend) || who) return 0;
    if (!write_corpus()) {
        gpu_tell(false, "a text to train on", corpus);
        return 1;
    }
    for (int i = 0; i < MATHS; i++) {
        if (!wanted(argc, argv, 2, maths[i].name)) continue;
        bool plain = strcmp(backend, "cuda") != 0; /* the others have but one way */
        if (plain && i > 0) break;
        if (!plain && !gpu_math(&maths[i])) continue;
        if (train || quick) training_check(&maths[i], !few);
        const char *only = argc > 3 ? argv[3] : NULL;
        if (times || few) times_steps(backend, only, &maths[i]);
        if (times || few) times_layer(backend, only, &maths[i]);
    }
    unlink(corpus + strlen("text:"));
    return failed > 0;
}

int main(int argc, char **argv)
{
    const char *backend = "cuda";
    if (argc > 2 && strcmp(argv[1], "-b") == 0) backend = argv[2], argc -= 2, argv += 2;
    int status = run(argc, argv, backend);
    if (status != 2) printf("\n%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return status;
}
