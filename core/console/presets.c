/* core/console/presets.c - The table of runs worth seeing. Each begins with a fresh model. */
#include "core/console/presets.h"

#include <stddef.h>
#include <string.h>

static const struct preset_run runs[] = {
    {.name = "two-for-all",
     .good = true,
     .help =
         "the classic rule: two vans for a teddy bear, two for a piano; half the trips are wasted",
     .lines = "router topk k=2\n",
     .steps = 600,
     .shows = "experts_per_token = 2\ncount_need_rho = 0\nwasted > 0.3\n"},
    {.name = "count-by-need",
     .good = true,
     .help = "as many vans as an order needs, learnt from a price on doubt alone",
     .lines = "router topp\n",
     .steps = 900,
     .shows = "count_need_rho > 0.6\naccuracy > 0.9\nexperts_per_token < 3\n"},
    {.name = "held-budget",
     .good = true,
     .help = "two vans an order on average, held by a price that moves; who needs more gets more",
     .lines = "router remoe target=2\n",
     .steps = 900,
     .shows = "experts_per_token < 2.6\nexperts_per_token > 1.5\ncount_need_rho > 0.6\n"},
    {.name = "everybody",
     .good = true,
     .help = "all eight vans for every order: the best answers there are, at four times the price",
     .lines = "router topk k=8\n",
     .steps = 600,
     .shows = "accuracy > 0.98\nexperts_per_token = 8\nwasted > 0.99\n"},
    {.name = "favourite",
     .help = "bad: no price on favourites, and one van gets every order; seven rust",
     .lines = "router topp p=0.2 aux=0\n",
     .steps = 500,
     .shows = "dead_experts >= 6\nload_max_over_mean > 6\n"},
    {.name = "no-price",
     .help = "bad: a threshold without a price on doubt runs away: everybody goes everywhere",
     .lines = "router topp entropy=0\n",
     .steps = 900,
     .shows = "experts_per_token > 5\ncount_need_rho < 0.4\n"},
    {.name = "all-clear",
     .help = "bad: DynMoE without its price: every van clears its bar for every order",
     .lines = "router dynmoe count_price=0\n",
     .steps = 900,
     .shows = "experts_per_token > 7\n"},
    {.name = "too-sparse",
     .help =
         "bad: one van an order, and a router that learns nothing: with one pick its share is 1",
     .lines = "router topk k=1\n",
     .steps = 900,
     .shows = "router_blind_tokens > 0.99\naccuracy < 0.7\n"},
    {.name = "too-fast",
     .help = "bad: a learning rate fifty times too high: the model never gets over a guess",
     .lines = "router topk k=2\nset lr 0.5\n",
     .steps = 400,
     .shows = "loss > 1\naccuracy < 0.4\n"},
    {.name = "half-room",
     .help = "bad: vans with room for half their share: every second order is left at the door",
     .lines = "router topk k=2 capacity=0.5\n",
     .steps = 400,
     .shows = "dropped_pairs > 200\nexperts_per_token < 1.1\n"},
    {.name = "as-published",
     .help =
         "bad here: topp with the values of its paper, made for larger models: one van an order",
     .lines = "router topp\nbase paper\n",
     .steps = 900,
     .shows = "experts_per_token < 1.2\naccuracy < 0.7\n"},
};

const struct preset_run *preset_run_at(int i)
{
    return i >= 0 && i < (int)(sizeof runs / sizeof *runs) ? &runs[i] : NULL;
}

const struct preset_run *preset_run_find(const char *name)
{
    for (int i = 0; preset_run_at(i); i++)
        if (strcmp(runs[i].name, name) == 0) return &runs[i];
    return NULL;
}
