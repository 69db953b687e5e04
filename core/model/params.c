/* core/model/params.c - Where every tensor stands in the blocks, and what it starts as. Tensors
 * that decay come first, so that the optimiser needs two calls whatever their number; those that it
 * leaves alone come last. */
#include "core/model/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16 }; /* numbers: 64 bytes in float32 */

int params_add(struct params *p, struct param what)
{
    if (p->count == p->room) {
        int room = p->room ? 2 * p->room : 64;
        struct param *list = realloc(p->list, (size_t)room * sizeof *list);
        if (!list) {
            p->failed = true;
            return 0;
        }
        p->list = list, p->room = room;
    }
    what.size = 1;
    for (what.dims = 0; what.dims < PARAM_DIMS && what.shape[what.dims] > 0; what.dims++)
        what.size *= (size_t)what.shape[what.dims];
    p->list[p->count] = what;
    return p->count++;
}

static void place(struct params *p, bool decay, bool apart)
{
    for (int i = 0; i < p->count; i++) {
        struct param *a = &p->list[i];
        if (a->decay != decay || a->apart != apart) continue;
        if (!a->joined) p->size = (p->size + ALIGN - 1) / ALIGN * ALIGN;
        a->first = p->size;
        p->size += a->size;
        p->count_of_numbers += a->size;
    }
    p->size = (p->size + ALIGN - 1) / ALIGN * ALIGN;
}

bool params_open(struct params *p, struct kn_backend *be, struct err *e)
{
    p->be = be;
    place(p, true, false);
    p->decayed = p->size;
    place(p, false, false);
    p->trained = p->size;
    place(p, false, true);
    if (!p->failed) {
        p->w = kn_alloc(be, p->size), p->g = kn_alloc(be, p->size);
        p->m = kn_alloc(be, p->size), p->v = kn_alloc(be, p->size);
        if (p->w.at && p->g.at && p->m.at && p->v.at) return true;
    }
    return err_set(e, ERR_MEMORY,
                   "not enough memory for a model of %zu parameters; try fewer or narrower experts",
                   p->count_of_numbers);
}

void params_close(struct params *p)
{
    if (p->be) {
        kn_free(p->be, p->w), kn_free(p->be, p->g);
        kn_free(p->be, p->m), kn_free(p->be, p->v);
    }
    free(p->list);
    memset(p, 0, sizeof *p);
}

struct kn_buf params_at(const struct params *p, struct kn_buf block, int i)
{
    return kn_part(p->be, block, p->list[i].first);
}

const struct param *params_find(const struct params *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (strcmp(p->list[i].name, name) == 0) return &p->list[i];
    return NULL;
}

/* ---- starts ---- */
/* FNV-1a: the stream of a tensor is its name's. */
static uint32_t stream(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* Rows of unit length, each at right angles to those before it as long as the width has room for
 * that. */
static void make_orthogonal(double *w, int rows, int cols)
{
    for (int i = 0; i < rows; i++) {
        double *row = w + (size_t)i * cols, length = 0;
        for (int k = 0; k < i && rows <= cols; k++) {
            const double *other = w + (size_t)k * cols;
            double along = 0;
            for (int j = 0; j < cols; j++) along += row[j] * other[j];
            for (int j = 0; j < cols; j++) row[j] -= along * other[j];
        }
        for (int j = 0; j < cols; j++) length += row[j] * row[j];
        for (int j = 0; j < cols; j++) row[j] /= sqrt(length);
    }
}

static void draw(const struct param *a, uint64_t seed, double *to)
{
    struct rng r = rng_at(seed, RNG_INIT, stream(a->name));
    bool normal = a->start == START_NORMAL || a->start == START_ORTHOGONAL;
    double scale = a->start == START_NORMAL ? a->scale : 1;
    for (size_t i = 0; i < a->size; i++)
        to[i] = normal                    ? scale * rng_normal(&r)
                : a->start == START_VALUE ? a->scale
                                          : a->start == START_ONE;
    if (a->start == START_ORTHOGONAL)
        make_orthogonal(to, a->shape[0], (int)(a->size / (size_t)a->shape[0]));
}

static size_t largest(const struct params *p)
{
    size_t most = 1;
    for (int i = 0; i < p->count; i++)
        if (p->list[i].size > most) most = p->list[i].size;
    return most;
}

bool params_start(struct params *p, uint64_t seed, struct err *e)
{
    double *scratch = malloc(largest(p) * sizeof *scratch);
    if (!scratch) return err_set(e, ERR_MEMORY, "not enough memory to draw the first weights");
    for (int i = 0; i < p->count; i++) {
        draw(&p->list[i], seed, scratch);
        kn_write(p->be, params_at(p, p->w, i), scratch, p->list[i].size);
    }
    kn_zero(p->be, p->g, p->size);
    kn_zero(p->be, p->m, p->size);
    kn_zero(p->be, p->v, p->size);
    free(scratch);
    return true;
}

bool params_redraw(struct params *p, int i, int first, int rows, uint64_t seed, struct err *e)
{
    const struct param *a = &p->list[i];
    size_t width = a->size / (size_t)a->shape[0], n = width * (size_t)rows;
    size_t at = width * (size_t)first;
    double *scratch = malloc(a->size * sizeof *scratch);
    if (!scratch) return err_set(e, ERR_MEMORY, "not enough memory to draw new weights");
    draw(a, seed, scratch);
    kn_write(p->be, kn_part(p->be, p->w, a->first + at), scratch + at, n);
    kn_zero(p->be, kn_part(p->be, p->m, a->first + at), n);
    kn_zero(p->be, kn_part(p->be, p->v, a->first + at), n);
    free(scratch);
    return true;
}

/* ---- what two models have in common ---- */
static bool same_but_rows(const struct param *a, const struct param *b)
{
    if (a->dims != b->dims) return false;
    for (int i = 1; i < a->dims; i++)
        if (a->shape[i] != b->shape[i]) return false;
    return true;
}

/* Row r >= shared of the new w: what was drawn, plus the mean of the rows that were taken over. */
static void add_mean(double *w, int rows, int shared, size_t width)
{
    for (size_t j = 0; j < width; j++) {
        double sum = 0;
        for (int i = 0; i < shared; i++) sum += w[(size_t)i * width + j];
        for (int i = shared; i < rows; i++) w[(size_t)i * width + j] += sum / shared;
    }
}

static void add_copies(double *w, int rows, int shared, size_t width)
{
    for (int i = shared; i < rows; i++)
        memcpy(w + (size_t)i * width, w + (size_t)((i - shared) % shared) * width,
               width * sizeof *w);
}

static void take(struct params *to, const struct params *from, const struct param *a,
                 const struct param *b, int rows, bool cycle, double *scratch)
{
    const struct kn_buf source[] = {from->w, from->m, from->v}, target[] = {to->w, to->m, to->v};
    size_t width = a->size / (size_t)a->shape[0];
    for (int k = 0; k < 3; k++) {
        struct kn_buf at = kn_part(to->be, target[k], a->first);
        kn_read(to->be, scratch, at, a->size); /* rows that `from` lacks keep their start */
        kn_read(to->be, scratch, kn_part(from->be, source[k], b->first), width * (size_t)rows);
        if (k == 0) (cycle ? add_copies : add_mean)(scratch, a->shape[0], rows, width);
        kn_write(to->be, at, scratch, a->size);
    }
}

bool params_take(struct params *to, const struct params *from, int E, bool routers, bool cycle,
                 struct err *e)
{
    double *scratch = malloc(largest(to) * sizeof *scratch);
    if (!scratch) return err_set(e, ERR_MEMORY, "not enough memory to carry the weights over");
    for (int i = 0; i < to->count; i++) {
        const struct param *a = &to->list[i], *b = params_find(from, a->name);
        if (!b || !same_but_rows(a, b) || (!routers && strstr(a->name, ".router."))) continue;
        if (strstr(a->name, ".gate.weight"))
            take(to, from, a, b, E, cycle, scratch);
        else if (a->shape[0] == b->shape[0])
            take(to, from, a, b, a->shape[0], false, scratch);
    }
    free(scratch);
    return true;
}
