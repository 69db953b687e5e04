/* tui/views/meters.c - A GPU's meters, in a line and in sentences. */
#include "tui/views/meters.h"
#include "tui/views/facts.h"
#include "tui/views/say.h"

#include <math.h>
#include <stdio.h>

bool meters_known(const struct snap_gpu *g)
{
    return isfinite(g->watts) || isfinite(g->celsius) || isfinite(g->megahertz) ||
           isfinite(g->used);
}

void meters_say(char *to, size_t size, const struct snap_gpu *g, bool brief)
{
    char watts[32], joules[32], used[32], total[32], clock[32], heat[32];
    facts_number(watts, g->watts, 0), facts_figure(joules, g->joules);
    facts_number(used, g->used / 1e9, 1), facts_number(total, g->total / 1e9, 0);
    facts_number(clock, g->megahertz, 0), facts_number(heat, g->celsius, 0);
    if (brief)
        snprintf(to, size, "GPU %s W, %s J/token, %s °C", watts, joules, heat);
    else
        snprintf(to, size, "GPU: %s W, %s J a token; memory %s of %s GB; %s MHz; %s °C", watts,
                 joules, used, total, clock, heat);
}

void meters_tell(struct text *to, const struct snap_gpu *g)
{
    if (!meters_known(g)) return;
    text_add(to, "the GPU, whoever uses it, draws ");
    say_number(to, g->watts, 0, "W", "GPU power");
    text_add(to, " W.\na trained token takes ");
    say_figure(to, g->joules, "J", "joules per token");
    text_add(to, " J: power over the time in steps, which are slower while every op is timed.\n");
    text_add(to, "memory of the GPU in use: ");
    say_number(to, g->used / 1e9, 1, "GB", "GPU memory used");
    text_add(to, " GB of ");
    say_number(to, g->total / 1e9, 0, "GB", "GPU memory");
    text_add(to, " GB.\nits multiprocessors run at ");
    say_number(to, g->megahertz, 0, "MHz", "GPU clock");
    text_add(to, " MHz.\nit is ");
    say_number(to, g->celsius, 0, "°C", "GPU temperature");
    text_add(to, " °C warm.\n");
}
