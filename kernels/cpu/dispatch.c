/* Where each pick goes, and how the experts' rows come together again. Counting is one pass over
 * the mask on the caller's thread: it takes less time than waking another. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/vec.h"

#define ROWS 64 /* tokens of a unit */

/* Offsets from counts, and the blocks that units work on. */
static void lay_out(struct kn_plan *p)
{
    struct cpu_plan *own = p->own;
    int32_t *offset = KN_I32(p->offset);
    offset[0] = 0;
    own->blocks = 0;
    for (int e = 0; e < p->E; e++) {
        int rows = KN_I32(p->count)[e], parts = (rows + CPU_BLOCK - 1) / CPU_BLOCK;
        own->first[e] = own->blocks;
        for (int i = 0; i < parts; i++) {
            int begin = cpu_cut(rows, parts, i);
            own->block[own->blocks++] =
                (struct cpu_block){e, offset[e] + begin, cpu_cut(rows, parts, i + 1) - begin};
        }
        offset[e + 1] = offset[e] + rows;
        own->next[e] = offset[e];
        int place = e; /* among the fuller ones before it */
        for (; place > 0 && KN_I32(p->count)[own->order[place - 1]] < rows; place--)
            own->order[place] = own->order[place - 1];
        own->order[place] = e;
    }
    own->first[p->E] = own->blocks;
}

void OP(plan)(struct kn_backend *be, struct kn_plan *p, struct kn_ints mask, int T)
{
    struct cpu_plan *own = p->own;
    const int32_t *taken = KN_I32(mask);
    int32_t *count = KN_I32(p->count);
    int N = p->N, entry = 0;
    (void)be;
    for (int j = 0; j < N; j++) count[j] = 0;
    for (size_t i = 0; i < (size_t)T * N; i += N)
        for (int j = 0; j < N; j++) count[j] += taken[i + j] != 0;
    lay_out(p);
    for (int t = 0; t < T; t++, taken += N) {
        KN_I32(p->token_start)[t] = entry;
        for (int e = 0; e < p->E; e++) {
            if (!taken[e]) continue;
            int row = own->next[e]++;
            KN_I32(p->slot_token)[row] = t;
            KN_I32(p->slot_expert)[row] = e;
            KN_I32(p->token_slot)[entry++] = row;
        }
    }
    KN_I32(p->token_start)[T] = entry;
}

void OP(plan_all)(struct kn_backend *be, struct kn_plan *p, int T)
{
    int32_t *count = KN_I32(p->count);
    (void)be;
    for (int j = 0; j < p->N; j++) count[j] = j < p->E ? T : 0;
    lay_out(p);
    for (int e = 0, row = 0; e < p->E; e++) {
        for (int t = 0; t < T; t++, row++) {
            KN_I32(p->slot_token)[row] = t;
            KN_I32(p->slot_expert)[row] = e;
            KN_I32(p->token_slot)[(size_t)t * p->E + e] = row;
        }
    }
    for (int t = 0; t <= T; t++) KN_I32(p->token_start)[t] = t * p->E;
}

/* Smaller keys leave first: by gate, then the later token; no two are alike. */
static uint64_t key_of(float gate, bool by_position, int t)
{
    uint32_t bits;
    memcpy(&bits, &gate, sizeof bits);
    bits = by_position          ? 0
           : bits & 0x80000000u ? ~bits
                                : bits | 0x80000000u; /* ordered as floats */
    return (uint64_t)bits << 32 | (uint32_t)~t;
}

/* The key that exactly `below` keys are smaller than, found bit by bit. */
static uint64_t key_at(const uint64_t *key, int n, int below)
{
    uint64_t prefix = 0;
    for (int bit = 63; bit >= 0; bit--) {
        int zeros = 0;
        for (int i = 0; i < n; i++) zeros += key[i] >> bit == prefix >> bit;
        if (below < zeros) continue;
        below -= zeros;
        prefix |= 1ull << bit;
    }
    return prefix;
}

/* Column e keeps at most `room` picks; returns how many it lost. */
static int drop_column(uint64_t *key, int32_t *taken, float *gate, double room, bool by_position,
                       int e, int T, int N)
{
    int n = 0;
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * N + e;
        if (taken[at]) key[n++] = key_of(gate[at], by_position, t);
    }
    if (n <= room) return 0;
    int lost = n - (int)room;
    uint64_t stays = lost < n ? key_at(key, n, lost) : UINT64_MAX;
    for (int t = 0; t < T; t++) {
        size_t at = (size_t)t * N + e;
        if (!taken[at] || key_of(gate[at], by_position, t) >= stays) continue;
        taken[at] = 0;
        gate[at] = 0;
    }
    return lost;
}

static long all_picks(const int32_t *taken, int columns, int T, int N)
{
    long picks = 0;
    for (size_t i = 0; i < (size_t)T * N; i += N)
        for (int e = 0; e < columns; e++) picks += taken[i + e] != 0;
    return picks;
}

static bool room_for_keys(struct kn_backend *be, const char *op, int T)
{
    if ((size_t)T <= CPU_SCRATCH / 2) return true;
    kn_fail(be, op, "too many tokens in one step: make the batch smaller");
    return false;
}

void OP(capacity_drop)(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                       struct kn_ints dropped, double capacity, bool by_position, int T, int N,
                       int E)
{
    uint64_t *key = (uint64_t *)((struct cpu *)be)->common;
    KN_I32(dropped)[0] = 0;
    if (!room_for_keys(be, "capacity_drop", T)) return;
    double room = ceil(capacity * (double)all_picks(KN_I32(mask), E, T, N) / E);
    for (int e = 0; e < E; e++) KN_I32(dropped)
    [0] += drop_column(key, KN_I32(mask), KN_F32(gate), room, by_position, e, T, N);
}

void OP(room_drop)(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                   struct kn_ints dropped, double room, double slot_room, bool by_position, int T,
                   int N, int E)
{
    uint64_t *key = (uint64_t *)((struct cpu *)be)->common;
    KN_I32(dropped)[0] = 0;
    if (!room_for_keys(be, "room_drop", T)) return;
    double picks = (double)all_picks(KN_I32(mask), N, T, N);
    for (int j = 0; j < N; j++) KN_I32(dropped)
    [0] +=
        drop_column(key, KN_I32(mask), KN_F32(gate),
                    ceil((j < E ? room : slot_room) * picks - KN_ROOM_EPS), by_position, j, T, N);
}

struct combining {
    float *y;
    const float *out, *gate;
    const struct kn_plan *p;
    int D;
    bool add;
};

static void combine_tokens(const void *job, int from, int to, float *scratch)
{
    const struct combining *c = job;
    const int32_t *start = KN_I32(c->p->token_start), *slot = KN_I32(c->p->token_slot);
    const int32_t *expert = KN_I32(c->p->slot_expert);
    int D = c->D;
    (void)scratch;
    for (int t = from; t < to; t++) {
        float *y = c->y + (size_t)t * D;
        if (!c->add) memset(y, 0, (size_t)D * sizeof *y);
        for (int i = start[t]; i < start[t + 1]; i++) {
            int row = slot[i];
            float gate = c->gate[(size_t)t * c->p->N + expert[row]];
            row_axpy(y, gate, c->out + (size_t)row * D, D);
        }
    }
}

void OP(combine)(struct kn_backend *be, struct kn_buf y, const struct kn_plan *p, struct kn_buf out,
                 struct kn_buf gate, int T, int D, bool add)
{
    double rows = T + KN_I32(p->offset)[p->E];
    cpu_each(be, T, ROWS, 4.0 * rows * D, combine_tokens,
             &(struct combining){y.at, out.at, gate.at, p, D, add});
}
