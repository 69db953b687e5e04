/* The calls themselves: nothing once the backend has failed, timed where that is on, then the
 * backend's own. And what an op's arguments need beforehand: weights with their shadows, plans with
 * their arrays. */
#include "kernels/table.h"

#include <string.h>

/* A thread that had nothing to do in an op was idle all of its time. */
static void took(struct kn_backend *be, int op, double seconds)
{
    struct kn_tally *t = &be->tally[be->part][op];
    t->seconds += seconds, t->calls++;
    t->idle += seconds * (be->threads - 1) - be->helped;
    t->moved += be->moved;
}

/* OP(name, (arguments after the backend, by name), their declarations) */
#define ARGS(...) __VA_ARGS__
#define OP(name, args, ...)                                                                        \
    void kn_##name(struct kn_backend *be, __VA_ARGS__)                                             \
    {                                                                                              \
        if (be->failed_op || be->idle) return;                                                     \
        if (!be->timing) {                                                                         \
            be->table->name(be, ARGS args);                                                        \
            return;                                                                                \
        }                                                                                          \
        be->helped = be->moved = 0;                                                                \
        double start = kn_clock();                                                                 \
        be->table->name(be, ARGS args);                                                            \
        be->table->sync(be);                                                                       \
        took(be, KN_OP_##name, kn_clock() - start);                                                \
    }

OP(zero, (y, n), struct kn_buf y, size_t n)
OP(copy, (y, x, n), struct kn_buf y, struct kn_buf x, size_t n)
OP(add, (y, a, b, n), struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n)
OP(accumulate, (y, c, x, n), struct kn_buf y, double c, struct kn_buf x, size_t n)
OP(scale, (y, c, x, n), struct kn_buf y, double c, struct kn_buf x, size_t n)
OP(fill, (y, c, n), struct kn_buf y, double c, size_t n)
OP(tanh, (y, x, n), struct kn_buf y, struct kn_buf x, size_t n)
OP(tanh_back, (dx, dy, y, n), struct kn_buf dx, struct kn_buf dy, struct kn_buf y, size_t n)
OP(uniform, (y, draw, n), struct kn_buf y, const struct kn_draw *draw, size_t n)
OP(jitter, (y, x, u, c, n), struct kn_buf y, struct kn_buf x, struct kn_buf u, double c, size_t n)
OP(repack, (w, count), struct kn_weight *const *w, int count)
OP(linear, (y, x, w, T), struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T)
OP(linear_back_x, (dx, dy, w, T, add), struct kn_buf dx, struct kn_buf dy,
   const struct kn_weight *w, int T, bool add)
OP(linear_back_w, (dw, dy, x, w, T), struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
   const struct kn_weight *w, int T)
OP(bias, (y, b, T, M), struct kn_buf y, struct kn_buf b, int T, int M)
OP(bias_back, (db, dy, T, M), struct kn_buf db, struct kn_buf dy, int T, int M)
OP(embed, (y, ids, table, T, V, D), struct kn_buf y, struct kn_ints ids, struct kn_buf table, int T,
   int V, int D)
OP(embed_back, (dtable, dy, ids, T, V, D), struct kn_buf dtable, struct kn_buf dy,
   struct kn_ints ids, int T, int V, int D)
OP(rope, (qkv, B, C, heads, d, theta), struct kn_buf qkv, int B, int C, int heads, int d,
   double theta)
OP(rope_back, (dqkv, B, C, heads, d, theta), struct kn_buf dqkv, int B, int C, int heads, int d,
   double theta)
OP(attention, (y, lse, qkv, B, C, heads, d), struct kn_buf y, struct kn_buf lse, struct kn_buf qkv,
   int B, int C, int heads, int d)
OP(attention_back, (dqkv, dy, y, lse, qkv, B, C, heads, d), struct kn_buf dqkv, struct kn_buf dy,
   struct kn_buf y, struct kn_buf lse, struct kn_buf qkv, int B, int C, int heads, int d)
OP(rmsnorm, (y, inv, x, gain, T, D), struct kn_buf y, struct kn_buf inv, struct kn_buf x,
   struct kn_buf gain, int T, int D)
OP(rmsnorm_back, (dx, dgain, dy, x, inv, gain, T, D, add), struct kn_buf dx, struct kn_buf dgain,
   struct kn_buf dy, struct kn_buf x, struct kn_buf inv, struct kn_buf gain, int T, int D, bool add)
OP(softmax_rows, (y, x, c, T, N), struct kn_buf y, struct kn_buf x, double c, int T, int N)
OP(softmax_rows_back, (dx, dy, y, c, T, N, add), struct kn_buf dx, struct kn_buf dy,
   struct kn_buf y, double c, int T, int N, bool add)
OP(standardise_rows, (y, inv, x, T, N), struct kn_buf y, struct kn_buf inv, struct kn_buf x, int T,
   int N)
OP(standardise_rows_back, (dx, dy, y, inv, T, N), struct kn_buf dx, struct kn_buf dy,
   struct kn_buf y, struct kn_buf inv, int T, int N)
OP(clean_rows, (y, valid, bad, x, padding, T, N), struct kn_buf y, struct kn_ints valid,
   struct kn_ints bad, struct kn_buf x, struct kn_ints padding, int T, int N)
OP(topk_mask, (mask, score, k, counts, valid, T, N), struct kn_ints mask, struct kn_buf score,
   int k, struct kn_ints counts, struct kn_ints valid, int T, int N)
OP(cumulative_mask, (mask, prob, p, or_equal, valid, T, N), struct kn_ints mask, struct kn_buf prob,
   double p, bool or_equal, struct kn_ints valid, int T, int N)
OP(masked_gate, (gate, prob, mask, T, N), struct kn_buf gate, struct kn_buf prob,
   struct kn_ints mask, int T, int N)
OP(masked_gate_back, (dprob, dgate, mask, T, N, add), struct kn_buf dprob, struct kn_buf dgate,
   struct kn_ints mask, int T, int N, bool add)
OP(normalised_gate, (gate, logits, c, mask, T, N), struct kn_buf gate, struct kn_buf logits,
   double c, struct kn_ints mask, int T, int N)
OP(normalised_gate_back, (dlogits, dgate, gate, c, mask, T, N, add), struct kn_buf dlogits,
   struct kn_buf dgate, struct kn_buf gate, double c, struct kn_ints mask, int T, int N, bool add)
OP(mask_without, (y, mask, first, n, T, N), struct kn_ints y, struct kn_ints mask, int first, int n,
   int T, int N)
OP(cosine, (y, x, w, T), struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T)
OP(cosine_back, (dx, dw, dy, y, x, w, T, add), struct kn_buf dx, struct kn_buf dw, struct kn_buf dy,
   struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T, bool add)
OP(squash, (y, x, o, T, N), struct kn_buf y, struct kn_buf x, const struct kn_over *o, int T, int N)
OP(over_mask, (mask, x, o, best, valid, T, N), struct kn_ints mask, struct kn_buf x,
   const struct kn_over *o, bool best, struct kn_ints valid, int T, int N)
OP(over_back, (dx, dbound, dlog_c, da, x, o, all, valid, T, N), struct kn_buf dx,
   struct kn_buf dbound, struct kn_buf dlog_c, struct kn_buf da, struct kn_buf x,
   const struct kn_over *o, bool all, struct kn_ints valid, int T, int N)
OP(even_gate, (gate, mask, T, N), struct kn_buf gate, struct kn_ints mask, int T, int N)
OP(even_gate_back, (da, dgate, mask, T, N, add), struct kn_buf da, struct kn_buf dgate,
   struct kn_ints mask, int T, int N, bool add)
OP(sigmoid_gate, (gate, x, c, share, mask, T, N), struct kn_buf gate, struct kn_buf x, double c,
   bool share, struct kn_ints mask, int T, int N)
OP(sigmoid_gate_back, (dx, dgate, gate, x, c, share, mask, T, N, add), struct kn_buf dx,
   struct kn_buf dgate, struct kn_buf gate, struct kn_buf x, double c, bool share,
   struct kn_ints mask, int T, int N, bool add)
OP(column_mask, (mask, score, c, period, valid, T, N), struct kn_ints mask, struct kn_buf score,
   double c, int period, struct kn_ints valid, int T, int N)
OP(joint_gate, (gate, side_gate, logits, side, mask, valid, T, N, M), struct kn_buf gate,
   struct kn_buf side_gate, struct kn_buf logits, struct kn_buf side, struct kn_ints mask,
   struct kn_ints valid, int T, int N, int M)
OP(joint_gate_back, (dlogits, dside, dgate, dside_gate, gate, side_gate, T, N, M),
   struct kn_buf dlogits, struct kn_buf dside, struct kn_buf dgate, struct kn_buf dside_gate,
   struct kn_buf gate, struct kn_buf side_gate, int T, int N, int M)
OP(rated_gate, (gate, w, r, mask, spread, T, N), struct kn_buf gate, struct kn_buf w,
   struct kn_buf r, struct kn_ints mask, bool spread, int T, int N)
OP(rated_gate_back, (dw, dr, dgate, w, r, mask, spread, T, N), struct kn_buf dw, struct kn_buf dr,
   struct kn_buf dgate, struct kn_buf w, struct kn_buf r, struct kn_ints mask, bool spread, int T,
   int N)
OP(band, (r, mask, logits, band, u, T, N), struct kn_buf r, struct kn_ints mask,
   struct kn_buf logits, double band, struct kn_buf u, int T, int N)
OP(band_back, (dlogits, dr, mask, logits, band, u, T, N), struct kn_buf dlogits, struct kn_buf dr,
   struct kn_ints mask, struct kn_buf logits, double band, struct kn_buf u, int T, int N)
OP(column_load, (f, mask, T, N, E), struct kn_buf f, struct kn_ints mask, int T, int N, int E)
OP(column_loss, (loss, a, f, valid, T, N), struct kn_buf loss, struct kn_buf a, struct kn_buf f,
   struct kn_ints valid, int T, int N)
OP(column_loss_back, (da, c, f, valid, T, N), struct kn_buf da, double c, struct kn_buf f,
   struct kn_ints valid, int T, int N)
OP(z_loss, (loss, logits, valid, T, N), struct kn_buf loss, struct kn_buf logits,
   struct kn_ints valid, int T, int N)
OP(z_loss_back, (dlogits, c, logits, valid, T, N), struct kn_buf dlogits, double c,
   struct kn_buf logits, struct kn_ints valid, int T, int N)
OP(entropy_loss, (loss, prob, valid, T, N, E), struct kn_buf loss, struct kn_buf prob,
   struct kn_ints valid, int T, int N, int E)
OP(entropy_loss_back, (dprob, c, prob, valid, T, N, E), struct kn_buf dprob, double c,
   struct kn_buf prob, struct kn_ints valid, int T, int N, int E)
OP(over_loss, (loss, x, o, valid, T, N), struct kn_buf loss, struct kn_buf x,
   const struct kn_over *o, struct kn_ints valid, int T, int N)
OP(over_loss_back, (da, c, x, o, valid, T, N), struct kn_buf da, double c, struct kn_buf x,
   const struct kn_over *o, struct kn_ints valid, int T, int N)
OP(share_loss, (loss, mask, T, N), struct kn_buf loss, struct kn_ints mask, int T, int N)
OP(share_loss_back, (da, c, mask, T, N), struct kn_buf da, double c, struct kn_ints mask, int T,
   int N)
OP(taken_loss, (loss, mask, valid, T, N), struct kn_buf loss, struct kn_ints mask,
   struct kn_ints valid, int T, int N)
OP(taken_loss_back, (da, c, valid, T, N), struct kn_buf da, double c, struct kn_ints valid, int T,
   int N)
OP(overlap_loss, (loss, w, on, N, D), struct kn_buf loss, struct kn_buf w, struct kn_buf on, int N,
   int D)
OP(overlap_loss_back, (dw, c, w, on, N, D), struct kn_buf dw, double c, struct kn_buf w,
   struct kn_buf on, int N, int D)
OP(length_loss, (loss, w, N, D), struct kn_buf loss, struct kn_buf w, int N, int D)
OP(length_loss_back, (dw, c, w, N, D), struct kn_buf dw, double c, struct kn_buf w, int N, int D)
OP(bias_step, (bias, load, f, o, N, E), struct kn_buf bias, struct kn_buf load, struct kn_buf f,
   const struct kn_bias_rule *o, int N, int E)
OP(roster_step, (r, x, mask, valid, T, N, D), const struct kn_roster *r, struct kn_buf x,
   struct kn_ints mask, struct kn_ints valid, int T, int N, int D)
OP(group_load, (f, mask, valid, g, T, N, E), struct kn_buf f, struct kn_ints mask,
   struct kn_ints valid, const struct kn_groups *g, int T, int N, int E)
OP(column_share, (f, mask, marked, weight, c, valid, T, N), struct kn_buf f, struct kn_ints mask,
   struct kn_ints marked, double weight, double c, struct kn_ints valid, int T, int N)
OP(weigh_rows, (y, x, marked, weight, valid, T, N), struct kn_buf y, struct kn_buf x,
   struct kn_ints marked, double weight, struct kn_ints valid, int T, int N)
OP(mass_match, (p, prob, mean, valid, T, N), struct kn_buf p, struct kn_buf prob, double mean,
   struct kn_ints valid, int T, int N)
OP(mass_count, (count, prob, p, most, valid, T, N), struct kn_ints count, struct kn_buf prob,
   struct kn_buf p, int most, struct kn_ints valid, int T, int N)
OP(draw_count, (count, prob, u, mean, valid, T, N), struct kn_ints count, struct kn_buf prob,
   struct kn_buf u, bool mean, struct kn_ints valid, int T, int N)
OP(row_count, (count, mask, T, N), struct kn_ints count, struct kn_ints mask, int T, int N)
OP(log_pick, (y, prob, count, T, N), struct kn_buf y, struct kn_buf prob, struct kn_ints count,
   int T, int N)
OP(policy_loss, (loss, clipped, prob, count, old, advantage, clip, valid, T, N), struct kn_buf loss,
   struct kn_buf clipped, struct kn_buf prob, struct kn_ints count, struct kn_buf old,
   struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
OP(policy_loss_back, (dlogits, c, prob, count, old, advantage, clip, valid, T, N),
   struct kn_buf dlogits, double c, struct kn_buf prob, struct kn_ints count, struct kn_buf old,
   struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N)
OP(group_sum, (y, x, c, T, n), struct kn_buf y, struct kn_buf x, double c, int T, int n)
OP(relu, (y, x, n), struct kn_buf y, struct kn_buf x, size_t n)
OP(relu_back, (dx, dy, y, n, add), struct kn_buf dx, struct kn_buf dy, struct kn_buf y, size_t n,
   bool add)
OP(row_share, (y, x, eps, T, N), struct kn_buf y, struct kn_buf x, double eps, int T, int N)
OP(row_share_back, (dx, dy, y, x, eps, T, N), struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
   struct kn_buf x, double eps, int T, int N)
OP(positive_mask, (mask, x, valid, T, N), struct kn_ints mask, struct kn_buf x,
   struct kn_ints valid, int T, int N)
OP(positive_mean, (m, x, valid, T, N), struct kn_buf m, struct kn_buf x, struct kn_ints valid,
   int T, int N)
OP(l1_loss, (loss, a, balance, valid, T, N), struct kn_buf loss, struct kn_buf a, double balance,
   struct kn_ints valid, int T, int N)
OP(l1_loss_back, (dx, c, weight, a, balance, valid, T, N), struct kn_buf dx, double c,
   struct kn_buf weight, struct kn_buf a, double balance, struct kn_ints valid, int T, int N)
OP(locality_loss, (loss, x, s, document, valid, T, N), struct kn_buf loss, struct kn_buf x,
   double s, struct kn_ints document, struct kn_ints valid, int T, int N)
OP(locality_loss_back, (dx, c, weight, x, s, document, valid, T, N), struct kn_buf dx, double c,
   struct kn_buf weight, struct kn_buf x, double s, struct kn_ints document, struct kn_ints valid,
   int T, int N)
OP(chunk_loss, (loss, a, rms, length, document, valid, T, N), struct kn_buf loss, struct kn_buf a,
   bool rms, int length, struct kn_ints document, struct kn_ints valid, int T, int N)
OP(chunk_loss_back, (dx, c, weight, a, rms, length, document, valid, T, N), struct kn_buf dx,
   double c, struct kn_buf weight, struct kn_buf a, bool rms, int length, struct kn_ints document,
   struct kn_ints valid, int T, int N)
OP(toggle, (y, x, level, factor, min, max), struct kn_buf y, struct kn_buf x, double level,
   double factor, double min, double max)
OP(stage, (y, x, goal, near), struct kn_buf y, struct kn_buf x, double goal, double near)
OP(ratio_ramp, (y, state, x, o), struct kn_buf y, struct kn_buf state, struct kn_buf x,
   const struct kn_ramp *o)
OP(plan, (p, mask, T), struct kn_plan *p, struct kn_ints mask, int T)
OP(plan_all, (p, T), struct kn_plan *p, int T)
OP(capacity_drop, (mask, gate, dropped, capacity, by_position, T, N, E), struct kn_ints mask,
   struct kn_buf gate, struct kn_ints dropped, double capacity, bool by_position, int T, int N,
   int E)
OP(moe_ffn, (out, pre, p, x, up, down, act, T), struct kn_buf out, struct kn_buf pre,
   const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
   const struct kn_weight *down, enum kn_act act, int T)
OP(combine, (y, p, out, gate, T, D, add), struct kn_buf y, const struct kn_plan *p,
   struct kn_buf out, struct kn_buf gate, int T, int D, bool add)
OP(moe_ffn_back, (dx, dgate, dup, ddown, p, dy, gate, x, pre, up, down, act, T, add),
   struct kn_buf dx, struct kn_buf dgate, struct kn_buf dup, struct kn_buf ddown,
   const struct kn_plan *p, struct kn_buf dy, struct kn_buf gate, struct kn_buf x,
   struct kn_buf pre, const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
   int T, bool add)
OP(copy_slots, (y, x, gate, mask, first, n, T, N, D), struct kn_buf y, struct kn_buf x,
   struct kn_buf gate, struct kn_ints mask, int first, int n, int T, int N, int D)
OP(copy_slots_back, (dx, dgate, dy, x, gate, mask, first, n, T, N, D), struct kn_buf dx,
   struct kn_buf dgate, struct kn_buf dy, struct kn_buf x, struct kn_buf gate, struct kn_ints mask,
   int first, int n, int T, int N, int D)
OP(constant_slots, (y, x, gate, mask, v, c, first, n, T, N, D), struct kn_buf y, struct kn_buf x,
   struct kn_buf gate, struct kn_ints mask, struct kn_buf v, struct kn_buf c, int first, int n,
   int T, int N, int D)
OP(constant_slots_back, (dx, dgate, dv, dc, dy, x, gate, mask, v, c, first, n, T, N, D),
   struct kn_buf dx, struct kn_buf dgate, struct kn_buf dv, struct kn_buf dc, struct kn_buf dy,
   struct kn_buf x, struct kn_buf gate, struct kn_ints mask, struct kn_buf v, struct kn_buf c,
   int first, int n, int T, int N, int D)
OP(room_drop, (mask, gate, dropped, room, slot_room, by_position, T, N, E), struct kn_ints mask,
   struct kn_buf gate, struct kn_ints dropped, double room, double slot_room, bool by_position,
   int T, int N, int E)
OP(constant_mix, (mix, x, scale, mask, c, first, n, T, N, D), struct kn_buf mix, struct kn_buf x,
   double scale, struct kn_ints mask, struct kn_buf c, int first, int n, int T, int N, int D)
OP(cross_entropy, (loss, nll, hit, dlogits, logits, label, R, V), struct kn_buf loss,
   struct kn_buf nll, struct kn_ints hit, struct kn_buf dlogits, struct kn_buf logits,
   struct kn_ints label, int R, int V)
OP(watch, (ok, x, n, bad, m), struct kn_buf ok, struct kn_buf x, int n, struct kn_ints bad, int m)
OP(sum_squares, (s, x, n), struct kn_buf s, struct kn_buf x, size_t n)
OP(clip_factor, (f, s, guard, clip), struct kn_buf f, struct kn_buf s, struct kn_buf guard,
   double clip)
OP(adamw, (w, m, v, g, f, o, n), struct kn_buf w, struct kn_buf m, struct kn_buf v, struct kn_buf g,
   struct kn_buf f, const struct kn_adamw *o, size_t n)

/* ---- weights */
bool kn_weight_open(struct kn_backend *be, struct kn_weight *to, struct kn_buf master,
                    enum kn_kind kind, int blocks, int rows, int cols, bool gated)
{
    *to = (struct kn_weight){
        .w = master, .kind = kind, .blocks = blocks, .rows = rows, .cols = cols, .gated = gated};
    return be->table->weight_open(be, to);
}

void kn_weight_close(struct kn_backend *be, struct kn_weight *w)
{
    if (w->shadow) be->table->weight_close(be, w);
    memset(w, 0, sizeof *w);
}

size_t kn_pre_room(const struct kn_backend *be, size_t rows, int H, bool gated)
{
    if (be->table->pre_room) return be->table->pre_room(be, rows, H, gated);
    return rows * (gated ? 2 : 1) * (size_t)H;
}

/* ---- plans */
bool kn_plan_open(struct kn_backend *be, struct kn_plan *p, int T_room, int E, int N)
{
    size_t tokens = T_room, rows = tokens * E;
    *p = (struct kn_plan){.T_room = T_room, .E = E, .N = N};
    p->offset = kn_alloc_ints(be, (size_t)E + 1);
    p->slot_token = kn_alloc_ints(be, rows);
    p->token_start = kn_alloc_ints(be, tokens + 1);
    p->token_slot = kn_alloc_ints(be, rows);
    p->slot_expert = kn_alloc_ints(be, rows);
    p->count = kn_alloc_ints(be, N);
    if (p->offset.at && p->slot_token.at && p->token_start.at && p->token_slot.at &&
        p->slot_expert.at && p->count.at && be->table->plan_open(be, p))
        return true;
    kn_plan_close(be, p);
    return false;
}

void kn_plan_close(struct kn_backend *be, struct kn_plan *p)
{
    if (p->own) be->table->plan_close(be, p);
    kn_free_ints(be, p->offset);
    kn_free_ints(be, p->slot_token);
    kn_free_ints(be, p->token_start);
    kn_free_ints(be, p->token_slot);
    kn_free_ints(be, p->slot_expert);
    kn_free_ints(be, p->count);
    memset(p, 0, sizeof *p);
}
