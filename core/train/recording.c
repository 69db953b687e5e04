/* core/train/recording.c - A run's lines of a record. */
#include "core/train/recording.h"

#include <math.h>
#include <stdio.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

bool recording_head(struct record *r, const struct config *c, const struct snapshot *s,
                    struct err *e)
{
    json_t *settings = json_object(), *knobs = json_object();
    for (int i = 0; i < CONFIG_COUNT; i++)
        json_object_set_new(settings, config_options[i].name, json_real(c->value[i]));
    for (int i = 0; i < ROUTER_KNOBS && c->router->knobs[i].name; i++)
        json_object_set_new(knobs, c->router->knobs[i].name, json_real(c->knob[i]));
    return record_put(r,
                      json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:i, s:I, s:I, s:o, s:o}",
                                "type", "record", "schema", "vanpool/1", "version", VANPOOL_VERSION,
                                "data", c->data, "strategy", c->router->name, "paper",
                                (int)c->paper, "backend", s->backend, "simd", s->simd, "threads",
                                s->threads, "named", (json_int_t)c->named, "knob_named",
                                (json_int_t)c->knob_named, "settings", settings, "knobs", knobs),
                      e);
}

bool recording_sample(struct record *r, struct trainer *t, const struct snapshot *s, long made,
                      struct err *e)
{
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)trainer_hash(t));
    return record_put(r,
                      json_pack("{s:s, s:I, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "type",
                                "sample", "made", (json_int_t)made, "step", (json_int_t)s->step,
                                "hash", hash, "strategy", s->router ? s->router->name : "", "loss",
                                number(s->loss), "accuracy", number(s->accuracy),
                                "experts_per_token", number(s->experts_per_token),
                                "load_max_over_mean", number(s->load_max_over_mean), "tokens_per_s",
                                number(s->tokens_per_s)),
                      e);
}
