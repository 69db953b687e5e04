/* tui/cli/inspect.c - `inspect FILE` and `diff A B`: what is in checkpoints and traces, without making
 * a model of them. */
#include "core/metrics/trace.h"
#include "core/model/checkpoint.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

static bool tell(const char *path, bool json, struct text *out, struct err *e)
{
    struct trace t;
    if (!trace_is(path)) return checkpoint_inspect(path, json, out, e);
    bool ok = trace_open(&t, path, e);
    if (ok) trace_tell(&t, json, out);
    trace_close(&t);
    return ok;
}

static bool compare(const char *a, const char *b, bool json, struct text *out, struct err *e)
{
    struct trace x = {0}, y = {0};
    bool traces = trace_is(a);
    if (traces != trace_is(b))
        return err_set(e, ERR_INPUT, "%.60s is a trace and %.60s is not: diff takes two of a kind",
                       traces ? a : b, traces ? b : a);
    if (!traces) return checkpoint_diff(a, b, json, out, e);
    bool ok = trace_open(&x, a, e) && trace_open(&y, b, e);
    if (ok) trace_diff(&x, &y, json, out);
    trace_close(&x), trace_close(&y);
    return ok;
}

bool cli_inspect(const struct flags *f, struct err *e)
{
    struct text out = {0};
    if (!f->operands.count)
        return err_set(e, ERR_USAGE,
                       "inspect needs a file: vanpool inspect FILE, written by train --save FILE");
    bool ok = tell(f->operands.at[0], f->json, &out, e) && out_put(&out, e);
    text_free(&out);
    return ok;
}

bool cli_diff(const struct flags *f, struct err *e)
{
    struct text out = {0};
    if (f->operands.count < 2)
        return err_set(e, ERR_USAGE, "diff takes two checkpoints or two traces: vanpool diff A B");
    bool ok = compare(f->operands.at[0], f->operands.at[1], f->json, &out, e) && out_put(&out, e);
    text_free(&out);
    return ok;
}
