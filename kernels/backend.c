/* The table of backends and what is alike on all of them: memory, conversion between host numbers
 * and a backend's own, the first failure, the times of ops. */
#include "kernels/module.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What `auto` must not come to: a hundred times slower, and other numbers. */
static bool by_name_only(void)
{
    return false;
}

static const struct kn_entry entries[] = {
    {.name = "cuda",
     .title = "an NVIDIA GPU, float32",
     .here = module_here_cuda,
     .open = module_open_cuda},
    {.name = "cpu", .title = "this machine's CPU, float32", .open = cpu_open},
    {.name = "ref",
     .title = "reference in float64, one thread",
     .here = by_name_only,
     .open = ref_open},
};

static const char *const op_names[] = {
#define X(name) #name,
    KN_OPS(X)
#undef X
};

const struct kn_entry *kn_entry(int i)
{
    return i >= 0 && i < (int)(sizeof entries / sizeof *entries) ? &entries[i] : NULL;
}

struct kn_backend *kn_open(const char *name, const struct kn_settings *s, char *why, size_t size)
{
    const struct kn_settings defaults = {0};
    bool automatic = strcmp(name, "auto") == 0;
    if (size > 0) *why = 0;
    for (int i = 0; kn_entry(i); i++) {
        const struct kn_entry *entry = kn_entry(i);
        if (!automatic && strcmp(name, entry->name) != 0) continue;
        if (automatic && entry->here && !entry->here()) continue;
        struct kn_backend *be = entry->open(s ? s : &defaults, why, size);
        if (be || !automatic) return be;
    }
    if (automatic) return NULL;
    int used = snprintf(why, size, "there is no backend '%s': try auto", name);
    for (int i = 0; kn_entry(i) && used >= 0 && (size_t)used < size; i++)
        used += snprintf(why + used, size - used, ", %s", kn_entry(i)->name);
    return NULL;
}

void kn_close(struct kn_backend *be)
{
    if (be) be->table->close(be);
}

const char *kn_name(const struct kn_backend *be)
{
    return be->table->name;
}

const char *kn_simd(const struct kn_backend *be)
{
    return be->simd;
}

const char *kn_device(const struct kn_backend *be)
{
    return be->device;
}

int kn_threads(const struct kn_backend *be)
{
    return be->threads;
}

bool kn_exact(const struct kn_backend *be)
{
    return be->table->real == sizeof(double);
}

bool kn_on_host(const struct kn_backend *be)
{
    return !be->table->get;
}

/* ---- memory */
static void *take(struct kn_backend *be, size_t n, size_t each)
{
    return n <= (SIZE_MAX - 64) / each ? be->table->alloc(be, n * each) : NULL;
}

struct kn_buf kn_alloc(struct kn_backend *be, size_t n)
{
    return (struct kn_buf){take(be, n, be->table->real)};
}

struct kn_ints kn_alloc_ints(struct kn_backend *be, size_t n)
{
    return (struct kn_ints){take(be, n, sizeof(int32_t))};
}

void kn_free(struct kn_backend *be, struct kn_buf b)
{
    if (b.at) be->table->free(be, b.at);
}

void kn_free_ints(struct kn_backend *be, struct kn_ints b)
{
    if (b.at) be->table->free(be, b.at);
}

struct kn_buf kn_part(const struct kn_backend *be, struct kn_buf b, size_t first)
{
    return (struct kn_buf){(char *)b.at + first * be->table->real};
}

struct kn_ints kn_part_ints(struct kn_ints b, size_t first)
{
    return (struct kn_ints){KN_I32(b) + first};
}

/* Bytes as they are. */
static void get(struct kn_backend *be, void *to, const void *from, size_t bytes)
{
    if (bytes == 0) return;
    if (be->table->get)
        be->table->get(be, to, from, bytes);
    else
        memcpy(to, from, bytes);
}

static void put(struct kn_backend *be, void *to, const void *from, size_t bytes)
{
    if (bytes == 0) return;
    if (be->table->put)
        be->table->put(be, to, from, bytes);
    else
        memcpy(to, from, bytes);
}

/* Numbers that go through a small array on their way from one width to the other. */
enum { ROOM = 2048 };

static size_t piece(size_t n, size_t done)
{
    return n - done < ROOM ? n - done : ROOM;
}

void kn_read(struct kn_backend *be, double *to, struct kn_buf from, size_t n)
{
    float narrow[ROOM];
    if (kn_exact(be)) {
        get(be, to, from.at, n * sizeof *to);
        return;
    }
    for (size_t done = 0; done < n; done += ROOM) {
        size_t now = piece(n, done);
        get(be, narrow, KN_F32(from) + done, now * sizeof *narrow);
        for (size_t i = 0; i < now; i++) to[done + i] = narrow[i];
    }
}

void kn_write(struct kn_backend *be, struct kn_buf to, const double *from, size_t n)
{
    float narrow[ROOM];
    if (kn_exact(be)) {
        put(be, to.at, from, n * sizeof *from);
        return;
    }
    for (size_t done = 0; done < n; done += ROOM) {
        size_t now = piece(n, done);
        for (size_t i = 0; i < now; i++) narrow[i] = (float)from[done + i];
        put(be, KN_F32(to) + done, narrow, now * sizeof *narrow);
    }
}

void kn_read_f32(struct kn_backend *be, float *to, struct kn_buf from, size_t n)
{
    if (!kn_exact(be))
        get(be, to, from.at, n * sizeof *to);
    else
        for (size_t i = 0; i < n; i++) to[i] = (float)KN_F64(from)[i];
}

void kn_write_f32(struct kn_backend *be, struct kn_buf to, const float *from, size_t n)
{
    if (!kn_exact(be))
        put(be, to.at, from, n * sizeof *from);
    else
        for (size_t i = 0; i < n; i++) KN_F64(to)[i] = from[i];
}

void kn_read_ints(struct kn_backend *be, int32_t *to, struct kn_ints from, size_t n)
{
    get(be, to, from.at, n * sizeof *to);
}

void kn_write_ints(struct kn_backend *be, struct kn_ints to, const int32_t *from, size_t n)
{
    put(be, to.at, from, n * sizeof *from);
}

/* ---- a step */
void kn_step_begin(struct kn_backend *be)
{
    if (be->table->step_begin) be->table->step_begin(be);
}

void kn_step_end(struct kn_backend *be)
{
    if (be->table->step_end) be->table->step_end(be);
}

void kn_only(struct kn_backend *be, struct kn_buf f)
{
    double now = 1;
    if (be->table->tell)
        be->only = f;
    else if (f.at && !be->failed_op)
        kn_read(be, &now, f, 1);
    be->idle = !isfinite(now);
}

void kn_tell(struct kn_backend *be, struct kn_buf x, int n)
{
    if (be->failed_op) return;
    if (be->table->tell)
        be->table->tell(be, x, n);
    else
        kn_read(be, be->told[be->said++ % KN_RING].of, x, (size_t)n);
}

bool kn_hear(struct kn_backend *be, double *to, int n, bool wait)
{
    if (be->table->hear) return be->table->hear(be, to, n, wait);
    if (be->heard == be->said) return false;
    memcpy(to, be->told[be->heard++ % KN_RING].of, (size_t)n * sizeof *to);
    return true;
}

/* ---- the first failure */
bool kn_well(const struct kn_backend *be, const char **op, const char **reason)
{
    if (op) *op = be->failed_op;
    if (reason) *reason = be->failed_op ? be->reason : NULL;
    return !be->failed_op;
}

bool kn_sync(struct kn_backend *be, const char **op, const char **reason)
{
    be->table->sync(be);
    return kn_well(be, op, reason);
}

void kn_fail(struct kn_backend *be, const char *op, const char *reason)
{
    if (be->failed_op) return;
    be->failed_op = op;
    snprintf(be->reason, sizeof be->reason, "%s", reason);
}

bool kn_meters(struct kn_backend *be, struct kn_meters *to)
{
    *to = (struct kn_meters){NAN, NAN, NAN, NAN, NAN};
    return be->table->meters && !be->failed_op && be->table->meters(be, to);
}

/* ---- times */
void kn_timing(struct kn_backend *be, bool on)
{
    be->timing = on;
}

void kn_times_part(struct kn_backend *be, int part)
{
    be->part = part;
    if (be->table->mark && be->part_names) be->table->mark(be, be->part_names[part]);
}

void kn_name_parts(struct kn_backend *be, const char *const *names)
{
    be->part_names = names;
}

void kn_times_reset(struct kn_backend *be)
{
    memset(be->tally, 0, sizeof be->tally);
}

/* Parts first..last together. */
static int times(const struct kn_backend *be, int first, int last, struct kn_time *to, int room)
{
    int n = room < KN_OP_COUNT ? room : KN_OP_COUNT;
    for (int i = 0; i < n; i++) {
        to[i] = (struct kn_time){.op = op_names[i]};
        for (int part = first; part <= last; part++) {
            const struct kn_tally *t = &be->tally[part][i];
            to[i].seconds += t->seconds, to[i].idle += t->idle, to[i].moved += t->moved;
            to[i].calls += t->calls;
        }
    }
    return n;
}

int kn_times(const struct kn_backend *be, struct kn_time *to, int room)
{
    return times(be, 0, KN_PARTS - 1, to, room);
}

int kn_times_of(const struct kn_backend *be, int part, struct kn_time *to, int room)
{
    return times(be, part, part, to, room);
}
