#ifndef TESTS_CORE_ROUTER_RIG_H
#define TESTS_CORE_ROUTER_RIG_H
/* One route with its memory and knobs, on a backend of its own. Opened inside a test: a process
 * with threads must not fork. */
#include "core/base/rng.h"
#include "core/router/host.h"
#include "core/router/route_memory.h"
#include "tests/check.h"

enum { RIG_CELLS = 4096 };
struct rig {
    struct kn_backend *be;
    double knob[ROUTER_KNOBS];
    struct route r;
    double read[RIG_CELLS];
};

static const char *const rig_backends[] = {"ref", "cpu"};
enum { RIG_BACKENDS = 2 };

/* knobs: "k=2 aux=0.1", "" for the start values. D = 0: logits will be given. Training is on. */
void rig_open(struct rig *g, const char *backend, const char *strategy, const char *knobs, int T,
              int D, int E);
/* The same with knob values (in the table's order) and a backend already open, which the rig then
 * owns. */
void rig_open_with(struct rig *g, struct kn_backend *be, const struct router *router,
                   const double *knob, int T, int D, int E);
void rig_close(struct rig *g);
struct kn_backend *rig_backend(const char *name);

void rig_write(struct rig *g, struct kn_buf to, const double *from, size_t n);
/* taken where .at is NULL */
void rig_write_ints(struct rig *g, struct kn_ints *to, const int32_t *from, size_t n);
const double *rig_read(struct rig *g, struct kn_buf from, size_t n); /* until the next rig_read */
void rig_read_ints(struct rig *g, int32_t *to, struct kn_ints from, size_t n);
void rig_random(struct rig *g, struct rng *rng, struct kn_buf to, size_t n, double scale);
/* Parameters, and x or logits: random. */
void rig_fill(struct rig *g, struct rng *rng);
/* Values in range for all knobs, some at their start; valid together. */
void rig_random_knobs(const struct router *router, struct rng *rng, int E, double *knob);
int rig_count_ints(struct rig *g, struct kn_ints from, size_t n); /* their sum */
#endif
