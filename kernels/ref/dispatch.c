/* Where each pick goes, and how the experts' rows come together again. */
#include "kernels/ref/ref.h"

/* Is column j of token t taken? Without a mask: every expert, no slot. */
static bool taken(const struct kn_plan *p, struct kn_ints mask, int t, int j)
{
    return mask.at ? ref_ints(mask, t, p->N)[j] : j < p->E;
}

static void lay_out(struct kn_plan *p, struct kn_ints mask, int T)
{
    int entry = 0;
    I(p->offset)[0] = 0;
    for (int e = 0; e < p->E; e++) {
        I(p->offset)[e + 1] = I(p->offset)[e];
        for (int t = 0; t < T; t++) I(p->offset)[e + 1] += taken(p, mask, t, e);
    }
    for (int j = 0; j < p->N; j++) I(p->count)[j] = 0;
    for (int t = 0; t < T; t++) {
        I(p->token_start)[t] = entry;
        for (int j = 0; j < p->N; j++) {
            if (!taken(p, mask, t, j)) continue;
            int row = I(p->count)[j]++;
            if (j >= p->E) continue;
            row += I(p->offset)[j];
            I(p->slot_token)[row] = t;
            I(p->slot_expert)[row] = j;
            I(p->token_slot)[entry++] = row;
        }
    }
    I(p->token_start)[T] = entry;
}

void ref_plan(struct kn_backend *be, struct kn_plan *p, struct kn_ints mask, int T)
{
    lay_out(p, mask, T);
}

void ref_plan_all(struct kn_backend *be, struct kn_plan *p, int T)
{
    lay_out(p, (struct kn_ints){0}, T);
}

/* The token that expert e gives up first. */
static int first_to_go(struct kn_ints mask, struct kn_buf gate, bool by_position, int e, int T,
                       int N)
{
    int last = -1;
    for (int t = 0; t < T; t++) {
        if (!ref_ints(mask, t, N)[e]) continue;
        if (last < 0 || by_position || ref_row(gate, t, N)[e] <= ref_row(gate, last, N)[e])
            last = t;
    }
    return last;
}

/* Column e keeps at most `room` picks. */
static void drop_column(struct kn_ints mask, struct kn_buf gate, struct kn_ints dropped, long room,
                        bool by_position, int e, int T, int N)
{
    long count = 0;
    for (int t = 0; t < T; t++) count += ref_ints(mask, t, N)[e];
    for (; count > room; count--) {
        int t = first_to_go(mask, gate, by_position, e, T, N);
        ref_ints(mask, t, N)[e] = 0;
        ref_row(gate, t, N)[e] = 0;
        I(dropped)[0]++;
    }
}

static long all_picks(struct kn_ints mask, int columns, int T, int N)
{
    long picks = 0;
    for (int t = 0; t < T; t++)
        for (int j = 0; j < columns; j++) picks += ref_ints(mask, t, N)[j];
    return picks;
}

void ref_capacity_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                       struct kn_ints dropped, double capacity, bool by_position, int T, int N,
                       int E)
{
    long room = (long)ceil(capacity * all_picks(mask, E, T, N) / E);
    I(dropped)[0] = 0;
    for (int e = 0; e < E; e++) drop_column(mask, gate, dropped, room, by_position, e, T, N);
}

void ref_room_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                   struct kn_ints dropped, double room, double slot_room, bool by_position, int T,
                   int N, int E)
{
    long picks = all_picks(mask, N, T, N);
    I(dropped)[0] = 0;
    for (int j = 0; j < N; j++)
        drop_column(mask, gate, dropped,
                    (long)ceil((j < E ? room : slot_room) * picks - KN_ROOM_EPS), by_position, j, T,
                    N);
}

void ref_combine(struct kn_backend *be, struct kn_buf y, const struct kn_plan *p, struct kn_buf out,
                 struct kn_buf gate, int T, int D, bool add)
{
    if (!add) ref_zero(be, y, (size_t)T * D);
    for (int t = 0; t < T; t++) {
        for (int i = I(p->token_start)[t]; i < I(p->token_start)[t + 1]; i++) {
            int row = I(p->token_slot)[i];
            double g = ref_row(gate, t, p->N)[I(p->slot_expert)[row]];
            ref_axpy(ref_row(y, t, D), g, ref_row(out, row, D), D);
        }
    }
}
