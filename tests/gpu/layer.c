/* How long one MoE layer takes, forward and backward, by its ops alone: plan, expert pair, combine and
 * their gradients, with k random experts a token. Lines as in times.c, with `layer` for `step`. */
#include "core/base/clock.h"
#include "tests/bench/layer.h"
#include "tests/gpu/gpu.h"

#include <stdio.h>

void times_layer(const char *backend, const char *only, const struct math *m)
{
    static const struct layer_size sizes[] = {{"gpu", 32768, 512, 16, 1024, 2},
                                              {"gpu", 32768, 512, 64, 1024, 2},
                                              {"base", 2048, 128, 8, 256, 2},
                                              {"tiny", 1024, 64, 8, 64, 2},
                                              {"tiny", 64, 64, 8, 64, 2}};
    enum { COUNT = sizeof sizes / sizeof *sizes, WARM = 3, LEAST = 15 };
    char why[200] = "";
    struct kn_backend *be = kn_open(backend, NULL, why, sizeof why);
    for (int i = quick ? COUNT - 1 : 0; be && i < (quick ? COUNT : COUNT - 1); i++) {
        const struct layer_size *s = &sizes[i];
        struct layer l;
        const char *op, *reason = "no memory";
        if (only && strcmp(only, s->name) != 0) continue;
        if (!quick && strcmp(backend, "cuda") != 0 && s->T > 2048) continue;
        bool ok = layer_open(&l, be, s);
        double ms[LEAST];
        int n = quick ? 1 : LEAST;
        for (int r = quick ? 0 : -WARM; ok && r < n; r++) {
            double start = clock_now();
            layer_run(&l, s);
            ok = kn_sync(be, &op, &reason);
            if (r >= 0) ms[r] = 1e3 * (clock_now() - start);
        }
        layer_close(&l);
        printf("%s vanpool %s %d %d %s %s", ok ? "layer" : "none", s->name, s->E, s->k, m->name,
               backend);
        if (ok) {
            printf(" %d %.6g 0", s->T, 1e-9 * layer_flops(s));
            for (int r = 0; r < n; r++) printf(" %.4f", ms[r]);
            printf("\n");
        } else
            printf(" one layer: %s\n", reason);
        fflush(stdout);
    }
    kn_close(be);
}
