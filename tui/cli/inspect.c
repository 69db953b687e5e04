/* tui/cli/inspect.c - `inspect FILE`: what is in a checkpoint, without making a model of it. */
#include "core/model/checkpoint.h"
#include "tui/cli/cli.h"
#include "tui/cli/out.h"

bool cli_inspect(const struct flags *f, struct err *e)
{
    struct text out = {0};
    if (!f->operands.count)
        return err_set(e, ERR_USAGE,
                       "inspect needs a file: vanpool inspect FILE, written by train --save FILE");
    bool ok = checkpoint_inspect(f->operands.at[0], f->json, &out, e) && out_put(&out, e);
    text_free(&out);
    return ok;
}
