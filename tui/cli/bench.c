/* tui/cli/bench.c - `bench`: what the machine can give, and what a layer and a training step make
 * of it (bench_work.c: single ops, decoding, the slope, the strategies). Every line stands beside
 * the FMA peak measured in the same run; presets run on 1 and 2 threads, and their bits are
 * compared. */
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/model/model.h"
#include "core/script/expect.h"
#include "core/train/trainer.h"
#include "kernels/peak.h"
#include "tui/cli/bench.h"
#include "tui/cli/out.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CORPUS = 1 << 19 };

/* ---- lines ---- */

void bench_put(json_t *row, const char *key, double value)
{
    json_object_set_new(row, key, isfinite(value) ? json_real(value) : json_null());
}

static void put_word(json_t *row, const char *key, const char *value)
{
    json_object_set_new(row, key, value ? json_string(value) : json_null());
}

static double number(const json_t *row, const char *key)
{
    const json_t *v = json_object_get(row, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* A number with what stands behind it; blank where it was not measured. */
static void write_cell(struct text *out, const char *shown, double value, int width,
                       const char *unit)
{
    if (isnan(value))
        text_add(out, "%*s", width + (int)strlen(unit), "");
    else
        text_add(out, "%*s%s", width, shown, unit);
}

static void write_text(const json_t *row, struct text *out)
{
    char ms[16], rate[16], share[16], speed[16];
    const char *preset = json_string_value(json_object_get(row, "preset"));
    const char *name = json_string_value(json_object_get(row, "name"));
    double t = number(row, "ms"), r = number(row, "gflops"), s = number(row, "share_of_peak"),
           v = number(row, "tokens_per_s"), gbs = number(row, "gb_per_s");
    text_add(out, "%-10s %-7s %d thread%s", json_string_value(json_object_get(row, "what")),
             preset ? preset : "", (int)number(row, "threads"),
             number(row, "threads") == 1 ? " " : "s");
    write_cell(out, text_number(ms, t, 3), t, 10, " ms");
    if (!isnan(gbs)) text_add(out, "%9.1f GB/s", gbs);
    write_cell(out, text_number(rate, r, 1), r, 9, " GFLOP/s");
    write_cell(out, text_number(share, s, 2), s, 7, " of peak");
    write_cell(out, text_count(speed, v), v, 9, " tok/s");
    if (preset && strcmp(name, preset) != 0) text_add(out, "  %s", name);
    if (!isnan(number(row, "slope")))
        text_add(out, ": saves %.0f %% of the time and %.0f %% of the FLOPs, slope %.2f",
                 100 * number(row, "time_saved"), 100 * number(row, "flops_saved"),
                 number(row, "slope"));
    if (json_is_false(json_object_get(row, "bits_equal")))
        text_add(out, "  BITS DIFFER FROM 1 THREAD");
    while (out->size && out->at[out->size - 1] == ' ') out->size--;
    text_add(out, "\n");
}

bool bench_add(struct bench *b, json_t *more, const char *what, const char *preset, int threads,
               double ms, double gflop, double tokens, struct err *e)
{
    struct text out = {0};
    json_t *row = json_object();
    put_word(row, "what", what);
    put_word(row, "name", preset ? preset : what);
    put_word(row, "preset", preset);
    json_object_set_new(row, "threads", json_integer(threads));
    put_word(row, "backend", b->backend);
    put_word(row, "simd", b->simd);
    bench_put(row, "ms", ms);
    bench_put(row, "gflop", gflop);
    bench_put(row, "gflops", gflop / ms * 1e3);
    if (more) json_object_update(row, more);
    bench_put(row, "share_of_peak",
              threads <= PEAKS ? number(row, "gflops") / b->peak[threads] : NAN);
    bench_put(row, "tokens_per_s", tokens / ms * 1e3);
    json_decref(more);
    json_array_append_new(b->rows, row);
    char *line = b->flags->json ? json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (b->flags->json)
        text_add(&out, "%s\n", line ? line : "");
    else
        write_text(row, &out);
    free(line);
    bool ok = out_put(&out, e);
    text_free(&out);
    return ok && (!out_interrupts() || err_set(e, ERR_INTERRUPTED, "interrupted"));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof *ms, by_size);
    return ms[n / 2];
}

/* ---- the machine ---- */

static struct kn_backend *open_backend(struct bench *b, int threads, struct err *e)
{
    struct kn_settings settings = {.threads = threads, .simd = b->flags->simd};
    char why[200];
    struct kn_backend *be =
        kn_open(b->flags->backend ? b->flags->backend : "auto", &settings, why, sizeof why);
    if (!be) return err_set(e, ERR_BACKEND, "%s", why), NULL;
    snprintf(b->backend, sizeof b->backend, "%s", kn_name(be));
    snprintf(b->simd, sizeof b->simd, "%s", kn_simd(be));
    return be;
}

static bool bench_machine(struct bench *b, int threads, bool peak, bool bandwidth, struct err *e)
{
    struct kn_backend *be = open_backend(b, threads, e);
    if (!be) return false;
    b->peak[threads] = kn_peak_gflops(be, threads);
    bool ok = true;
    if (peak) {
        json_t *row = json_object();
        bench_put(row, "gflops", b->peak[threads]);
        ok = bench_add(b, row, "fma_peak", NULL, threads, NAN, NAN, NAN, e);
    }
    if (ok && bandwidth) {
        json_t *row = json_object();
        bench_put(row, "gb_per_s", kn_bandwidth_gbs(be, threads));
        ok = bench_add(b, row, "bandwidth", NULL, threads, NAN, NAN, NAN, e);
    }
    kn_close(be);
    return ok;
}

/* ---- the layer ---- */

/* Letters that read a little like words, so that the router has something to choose by. */
static bool write_corpus(struct bench *b, struct err *e)
{
    const char *folder = getenv("TMPDIR");
    static const char letters[] = "etaoinshrdlucmfwypvbgkqjxz      \n.,";
    char *text = malloc(CORPUS), path[500];
    struct rng r = rng_at(7, RNG_SAMPLE, 0);
    if (!text) return err_set(e, ERR_MEMORY, "out of memory for a text to train on");
    for (int i = 0; i < CORPUS; i++) {
        uint32_t a = rng_below(&r, sizeof letters - 1), c = rng_below(&r, sizeof letters - 1);
        text[i] = letters[i > 0 && text[i - 1] == 'q' ? 11 : a < c ? a : c];
    }
    snprintf(path, sizeof path, "%s/vanpool-bench-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = mkstemp(path);
    bool ok = file >= 0 && write(file, text, CORPUS) == CORPUS;
    if (!ok)
        err_set(e, ERR_FILE, "cannot write a text to train on to %s: %s", path, strerror(errno));
    if (file >= 0) close(file);
    free(text);
    snprintf(b->corpus, sizeof b->corpus, "text:%s", path);
    return ok;
}

bool bench_config(struct bench *b, const char *preset, int threads, struct config *c, struct err *e)
{
    bool orders = strcmp(preset, "orders") == 0;
    if (!orders && !*b->corpus && !write_corpus(b, e)) return false;
    if (!config_start(c, orders ? "orders" : b->corpus, "topk", e)) return false;
    if (!orders && !config_preset(c, preset, e)) return false;
    if (b->flags->backend) snprintf(c->backend, sizeof c->backend, "%s", b->flags->backend);
    if (b->flags->simd) snprintf(c->simd, sizeof c->simd, "%s", b->flags->simd);
    c->threads = threads;
    return true;
}

static void write_noise(struct kn_backend *be, struct kn_buf to, size_t n, uint32_t which)
{
    float block[1024];
    struct rng r = rng_at(1, RNG_SAMPLE, which);
    for (size_t at = 0; at < n; at += 1024) {
        size_t m = n - at < 1024 ? n - at : 1024;
        for (size_t i = 0; i < m; i++) block[i] = (float)rng_normal(&r);
        kn_write_f32(be, kn_part(be, to, at), block, m);
    }
}

/* Forward and backward of one layer as training runs it: router, plan, experts, combine. */
static bool bench_layer(struct bench *b, const char *preset, int threads, struct err *e)
{
    struct config c;
    struct data_shape text = {.text = true, .input = 256, .items = 1, .classes = 256};
    struct data_shape rows = {.input = 41, .items = 8, .classes = 4, .active = 5};
    bool orders = strcmp(preset, "orders") == 0;
    if (!bench_config(b, preset, threads, &c, e)) return false;
    int T = config_int(&c, CONFIG_BATCH) * (orders ? 1 : config_int(&c, CONFIG_CONTEXT));
    int most = orders ? 256 : 24;
    struct kn_backend *be = open_backend(b, threads, e);
    struct model *m = calloc(1, sizeof *m);
    bool ok = be && m && model_open(m, be, &c, orders ? &rows : &text, T, e);
    double ms[256], spent = 0;
    int n = 0;
    if (ok) {
        struct moe *moe = &m->layer[0].moe;
        size_t cells = (size_t)T * (size_t)m->D;
        write_noise(be, m->out, cells, 1);
        write_noise(be, m->du, cells, 2);
        for (int i = -2; i < most && (n < REPEATS || spent < 300); i++) {
            double begun = clock_now();
            moe_forward(moe, m->y, m->out, T, true);
            moe_backward(moe, m->dtmp, m->du);
            const char *op, *reason;
            if (!(ok = kn_sync(be, &op, &reason))) {
                err_set(e, ERR_BACKEND, "%s: %s", op, reason);
                break;
            }
            if (i >= 0) ms[n] = (clock_now() - begun) * 1e3, spent += ms[n++];
        }
        double k = c.knob[router_knob(c.router, "k")];
        double gflop = 3e-9 * T * (k * moe_expert_flops(moe) + moe_fixed_flops(moe));
        ok = ok &&
             bench_add(b, NULL, "moe_layer", preset, threads, bench_median(ms, n), gflop, T, e);
    } else if (be && !m) {
        err_set(e, ERR_MEMORY, "out of memory for the model");
    }
    if (m) model_close(m);
    free(m);
    kn_close(be);
    return ok;
}

/* ---- the step ---- */

/* Every bit of the weights. FNV-1a. */
static uint64_t weights_hash(struct trainer *t)
{
    struct model *m = trainer_model(t);
    float block[1024];
    uint64_t hash = 14695981039346656037u;
    for (size_t at = 0; at < m->params.size; at += 1024) {
        size_t n = m->params.size - at < 1024 ? m->params.size - at : 1024;
        kn_read_f32(m->be, block, kn_part(m->be, m->params.w, at), n);
        for (size_t i = 0; i < n * sizeof *block; i++)
            hash = (hash ^ ((const unsigned char *)block)[i]) * 1099511628211u;
    }
    return hash;
}

int bench_steps(const char *preset)
{
    return strcmp(preset, "orders") == 0 ? 200 : strcmp(preset, "tiny") == 0 ? 40 : REPEATS;
}

/* The same number of steps for every number of threads, so that the weights can be compared. */
static bool bench_step(struct bench *b, const char *preset, int threads, struct err *e)
{
    struct config c;
    double ms[BENCH_STEPS];
    int steps = bench_steps(preset);
    struct snapshot *s = calloc(1, sizeof *s);
    struct trainer *t = s && bench_config(b, preset, threads, &c, e) ? trainer_open(&c, e) : NULL;
    bool ok = t != NULL;
    for (int i = -2; ok && i < steps; i++) {
        double begun = clock_now();
        ok = trainer_step(t, e);
        if (i >= 0) ms[i] = (clock_now() - begun) * 1e3;
    }
    if (ok) {
        json_t *row = json_object();
        snapshot_clear(s);
        trainer_measure(t, s, false);
        uint64_t hash = weights_hash(t);
        bool known = b->first != 0;
        if (!known) b->first = hash;
        json_object_set_new(row, "bits_equal",
                            known ? json_boolean(hash == b->first) : json_null());
        double middle = bench_median(ms, steps);
        bench_put(row, "steps_per_s", 1e3 / middle);
        ok = bench_add(b, row, "train_step", preset, threads, middle,
                       3e-9 * s->flops_per_token * s->tokens_per_step, s->tokens_per_step, e);
        if (ok && known && hash != b->first)
            ok = err_set(e, ERR_CHECK,
                         "the weights of %s after %d steps differ between 1 and %d threads", preset,
                         steps + 2, threads);
    }
    trainer_close(t);
    free(s);
    return ok;
}

/* ---- requirements ---- */

/* KEY=WORD chooses rows, KEY<NUMBER and its like must hold on each of them. */
static bool holds(const json_t *row, const char *words, bool *chosen, struct err *e)
{
    char word[64];
    bool ok = true;
    *chosen = true;
    for (const char *at = words; *(at += strspn(at, " "));) {
        size_t n = strcspn(at, " "), key = strcspn(at, "=<>!");
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        at += n;
        if (key >= n || n >= sizeof word)
            return err_set(
                e, ERR_USAGE,
                "--require takes KEY=VALUE to choose lines and KEY>=NUMBER to hold, not '%.60s'",
                word);
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)key, word);
        const json_t *value = json_object_get(row, name);
        if (word[key] == '=') {
            const char *want = word + key + 1;
            bool same = json_is_string(value) ? strcmp(json_string_value(value), want) == 0
                        : json_is_boolean(value)
                            ? strcmp(json_is_true(value) ? "true" : "false", want) == 0
                            : json_is_number(value) && json_number_value(value) == atof(want);
            *chosen = *chosen && same;
            continue;
        }
        struct expect condition;
        if (!expect_read(&condition, word, e)) return false;
        if (*condition.than)
            return err_set(e, ERR_USAGE, "--require compares with a number, not with '%.40s'",
                           condition.than);
        ok = ok && expect_compare(condition.op, number(row, name), condition.value);
    }
    if (*chosen && !ok) return err_set(e, ERR_CHECK, "required and not so: %.120s", words);
    return true;
}

static bool check_requires(struct bench *b, struct err *e)
{
    const struct flag_list *l = &b->flags->requires;
    for (int i = 0; i < l->count; i++) {
        int chosen = 0;
        size_t at;
        json_t *row;
        json_array_foreach(b->rows, at, row)
        {
            bool this;
            if (!holds(row, l->at[i], &this, e)) return false;
            chosen += this;
        }
        if (!chosen)
            return err_set(e, ERR_CHECK, "required of no line that was measured: %.120s", l->at[i]);
    }
    return true;
}

/* ---- the run ---- */

static const struct what {
    const char *name;
    bool (*run)(struct bench *b, const char *preset, int threads, struct err *e); /* a machine's:
                                                                                     NULL */
    const char *presets; /* where it is run unless it is asked for by name of preset */
} whats[] = {
    {"fma_peak", NULL, ""},
    {"bandwidth", NULL, ""},
    {"moe_layer", bench_layer, "orders tiny base"},
    {"train_step", bench_step, "orders tiny base"},
    {"op", bench_ops, "base"},
    {"decode", bench_decode, "tiny base"},
    {"slope", bench_slope, "tiny base"},
    {"strategies", bench_strategies, "orders"},
};
enum { WHATS = sizeof whats / sizeof *whats };

static bool wanted(const struct flags *f, const char *what)
{
    bool any = f->operands.count == 0;
    for (int i = 0; i < f->operands.count; i++) any = any || strcmp(f->operands.at[i], what) == 0;
    return any;
}

static bool check_words(const struct flags *f, struct err *e)
{
    struct text all = {0};
    bool ok = true;
    for (int w = 0; w < WHATS; w++)
        text_add(&all, "%s%s", w ? ", " : ": there are ", whats[w].name);
    for (int i = 0; ok && i < f->operands.count; i++) {
        bool known = false;
        for (int w = 0; w < WHATS; w++)
            known = known || strcmp(whats[w].name, f->operands.at[i]) == 0;
        const char *near = err_nearest(f->operands.at[i], whats, WHATS, sizeof *whats);
        if (!known)
            ok = err_set(e, ERR_USAGE, "bench has no '%.40s'%s%s%s", f->operands.at[i],
                         near ? ": did you mean " : text_str(&all), near ? near : "",
                         near ? "?" : "");
    }
    text_free(&all);
    struct config c; /* a preset's name is checked where its sizes are */
    return ok && (!f->preset || strcmp(f->preset, "orders") == 0 ||
                  (config_start(&c, "orders", "topk", e) && config_preset(&c, f->preset, e)));
}

/* On every number of threads; where nobody named a preset, only on those that tell something. */
static bool bench_what(struct bench *b, const struct what *w, const char *preset, struct err *e)
{
    if (!w->run || !wanted(b->flags, w->name)) return true;
    if (!b->flags->preset && !strstr(w->presets, preset)) return true;
    for (int t = 0; t < b->thread_counts; t++)
        if (!w->run(b, preset, b->threads[t], e)) return false;
    return true;
}

static bool bench_all(struct bench *b, struct err *e)
{
    static const char *const presets[] = {"orders", "tiny", "base"};
    const struct flags *f = b->flags;
    b->threads[0] = 1, b->threads[1] = 2, b->thread_counts = 2;
    if (f->threads > 0) b->threads[0] = (int)f->threads, b->thread_counts = 1;
    for (int t = 0; t < b->thread_counts; t++)
        if (b->threads[t] <= PEAKS &&
            !bench_machine(b, b->threads[t], wanted(f, "fma_peak"), wanted(f, "bandwidth"), e))
            return false;
    for (int p = 0; p < (f->preset ? 1 : 3); p++) {
        b->first = 0;
        for (int w = 0; w < WHATS; w++)
            if (!bench_what(b, &whats[w], f->preset ? f->preset : presets[p], e)) return false;
    }
    return check_requires(b, e);
}

bool cli_bench(const struct flags *f, struct err *e)
{
    struct bench b = {.flags = f, .rows = json_array()};
    if (!check_words(f, e)) return json_decref(b.rows), false;
    for (int i = 0; i <= PEAKS; i++) b.peak[i] = NAN;
    out_catch_interrupt();
    bool ok = bench_all(&b, e);
    if (*b.corpus) unlink(b.corpus + strlen("text:"));
    json_decref(b.rows);
    return ok;
}
