/* Small models to be tested on, and their numbers. */
#include "tests/core/model_rig.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void remove_folder(void)
{
    char path[400];
    DIR *d = opendir(folder);
    for (struct dirent *f; d && (f = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        unlink(path);
    }
    if (d) closedir(d);
    rmdir(folder);
}

const char *rig_folder(void)
{
    if (folder[0]) return folder;
    snprintf(folder, sizeof folder, "/tmp/vanpool-model-%d", (int)getpid());
    mkdir(folder, 0700);
    atexit(remove_folder);
    return folder;
}

const char *rig_text(void)
{
    static char path[96];
    static const char *const words[] = {"order ",  "van ",    "piano ", "north ", "the ",
                                        "a crew ", "drives ", "and ",   "box.\n"};
    snprintf(path, sizeof path, "%s/text.txt", rig_folder());
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (unsigned i = 0, r = 1; i < 3000; i++, r = r * 1103515245u + 12345u)
        fputs(words[r >> 16 & 7], f), fputs(i % 9 ? "" : words[8], f);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

struct config rig_config(const char *data, const char *strategy, const char *backend, ...)
{
    struct config c;
    struct err e = {0};
    char what[128];
    snprintf(what, sizeof what, "%s", data);
    va_list args;
    if (strcmp(data, "text") == 0) snprintf(what, sizeof what, "text:%s", rig_text());
    ck_assert_msg(config_start(&c, what, strategy, &e), "%s", e.text);
    snprintf(c.backend, sizeof c.backend, "%s", backend);
    c.threads = 1;
    va_start(args, backend);
    for (const char *pair; (pair = va_arg(args, const char *));) {
        char name[32];
        const char *value = strchr(pair, '=') + 1;
        snprintf(name, sizeof name, "%.*s", (int)(value - pair - 1), pair);
        bool ok = router_knob(c.router, name) >= 0 ? config_set_knob(&c, name, value, &e)
                                                   : config_set(&c, name, value, &e);
        ck_assert_msg(ok, "%s: %s", pair, e.text);
    }
    va_end(args);
    return c;
}

struct trainer *model_rig_open(const struct config *c)
{
    struct err e = {0};
    struct trainer *t = trainer_open(c, &e);
    ck_assert_msg(t != NULL, "%s", e.text);
    return t;
}

void rig_steps(struct trainer *t, int steps)
{
    struct err e = {0};
    for (int i = 0; i < steps; i++) ck_assert_msg(trainer_step(t, &e), "%s", e.text);
}

bool rig_renew(struct trainer *t, const struct config *c, struct err *e)
{
    struct trainer *old = trainer_renew(t, c, e);
    trainer_close(old);
    return old;
}

double *model_rig_read(struct trainer *t, struct kn_buf block, size_t *n)
{
    *n = t->model->params.size;
    double *to = malloc(*n * sizeof *to);
    ck_assert_ptr_nonnull(to);
    kn_read(t->be, to, block, *n);
    return to;
}

static void same_state(struct trainer *a, struct trainer *b, int layer, const char *what)
{
    const struct route *p = &a->model->layer[layer].moe.route,
                       *q = &b->model->layer[layer].moe.route;
    double x[2048], y[2048];
    for (int i = 0; p->router == q->router && i < ROUTER_ARRAYS && p->router->state[i].name; i++) {
        int n = router_array_size(&p->router->state[i], p->E, p->S, p->D);
        ck_assert_int_le(n, 2048);
        kn_read(a->be, x, p->state[i], (size_t)n);
        kn_read(b->be, y, q->state[i], (size_t)n);
        for (int j = 0; j < n; j++)
            ck_assert_msg(memcmp(&x[j], &y[j], sizeof *x) == 0,
                          "%s: state %s[%d] is %.17g and %.17g", what, p->router->state[i].name, j,
                          x[j], y[j]);
    }
}

void rig_same_bits(struct trainer *a, struct trainer *b, const char *what)
{
    const struct params *p = &a->model->params, *q = &b->model->params;
    const struct kn_buf left[] = {p->w, p->m, p->v}, right[] = {q->w, q->m, q->v};
    static const char *const names[] = {"weight", "first moment", "second moment"};
    for (int k = 0; k < 3; k++) {
        size_t n, m;
        double *x = model_rig_read(a, left[k], &n), *y = model_rig_read(b, right[k], &m);
        ck_assert_uint_eq(n, m);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(memcmp(&x[i], &y[i], sizeof *x) == 0, "%s: %s %zu is %.17g and %.17g",
                          what, names[k], i, x[i], y[i]);
        free(x), free(y);
    }
    for (int l = 0; l < a->model->L; l++) same_state(a, b, l, what);
}
