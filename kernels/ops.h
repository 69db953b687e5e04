#ifndef KERNELS_OPS_H
#define KERNELS_OPS_H
/* The contract of each op: shape first, formula, gradient, aliasing. Every backend fulfils it, and
 * tests hold each against `ref`. Letters are the same everywhere:
 *   T tokens  D width  E routed experts  S zero-computation slots  N = E + S columns
 *   K picks of one token  H expert width  V vocabulary  B sequences  C context
 * Rules for all: matrices are row-major. The first argument after the backend is the output.
 * Gradients of parameters ADD to what is there; gradients of activations overwrite unless `add` is
 * true. An op never allocates, never locks and never prints; work is cut by shape and summed in a
 * fixed order, so the bits do not depend on the number of threads. T = 0 is legal and does nothing
 * (sums become 0). */
#include "kernels/backend.h"

/* Every op, in the order of kn_times. A new op: one name here, its contract below, one function a
 * backend. */
/* clang-format off */
#define KN_OPS(X)                                                                                 \
    X(zero) X(copy) X(add) X(accumulate) X(scale) X(fill) X(tanh) X(tanh_back) X(uniform)         \
    X(jitter) X(repack) X(linear) X(linear_back_x) X(linear_back_w) X(bias) X(bias_back) X(embed) \
    X(embed_back) X(rope) X(rope_back) X(attention) X(attention_back) X(rmsnorm) X(rmsnorm_back)  \
    X(softmax_rows) X(softmax_rows_back) X(standardise_rows) X(standardise_rows_back)             \
    X(clean_rows) X(topk_mask) X(cumulative_mask) X(masked_gate) X(masked_gate_back)              \
    X(normalised_gate) X(normalised_gate_back) X(mask_without) X(cosine) X(cosine_back) X(squash) \
    X(over_mask) X(over_back) X(even_gate) X(even_gate_back) X(sigmoid_gate) X(sigmoid_gate_back) \
    X(column_mask) X(joint_gate) X(joint_gate_back) X(rated_gate) X(rated_gate_back) X(band)      \
    X(band_back) X(column_load) X(column_loss) X(column_loss_back) X(z_loss) X(z_loss_back)       \
    X(entropy_loss) X(entropy_loss_back) X(group_load) X(over_loss) X(over_loss_back)             \
    X(share_loss) X(share_loss_back) X(taken_loss) X(taken_loss_back) X(overlap_loss)             \
    X(overlap_loss_back) X(length_loss) X(length_loss_back) X(bias_step) X(roster_step) X(relu)   \
    X(relu_back) X(row_share) X(row_share_back) X(positive_mask) X(positive_mean) X(l1_loss)      \
    X(l1_loss_back) X(locality_loss) X(locality_loss_back) X(chunk_loss) X(chunk_loss_back)       \
    X(toggle) X(stage) X(ratio_ramp) X(column_share) X(weigh_rows) X(mass_match) X(mass_count)    \
    X(draw_count) X(row_count) X(log_pick) X(policy_loss) X(policy_loss_back) X(group_sum)        \
    X(plan) X(plan_all) X(capacity_drop) X(moe_ffn) X(combine) X(moe_ffn_back) X(copy_slots)      \
    X(copy_slots_back) X(constant_slots) X(constant_slots_back) X(room_drop) X(constant_mix)      \
    X(cross_entropy) X(watch) X(sum_squares) X(clip_factor) X(adamw)
/* clang-format on */

enum kn_op {
#define X(name) KN_OP_##name,
    KN_OPS(X)
#undef X
        KN_OP_COUNT
};

/* ---- vectors */
/* y = 0 */
void kn_zero(struct kn_backend *be, struct kn_buf y, size_t n);
/* y = x */
void kn_copy(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n);
/* y = a + b; y may be a or b */
void kn_add(struct kn_backend *be, struct kn_buf y, struct kn_buf a, struct kn_buf b, size_t n);
/* y += c x */
void kn_accumulate(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n);
/* y = c x; y may be x */
void kn_scale(struct kn_backend *be, struct kn_buf y, double c, struct kn_buf x, size_t n);
/* y = c */
void kn_fill(struct kn_backend *be, struct kn_buf y, double c, size_t n);
/* y = tanh x, y may be x; dx = dy (1 - y^2), dx may be dy. Tolerance 1e-6 absolute. */
void kn_tanh(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n);
void kn_tanh_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                  size_t n);
/* y[i] = a number of 24 bits in [0,1), the same on every backend: word i%4 of the Philox4x32-10
 * block with this key and counter (i/4, at[0], at[1], at[2]). Source: Salmon et al. 2011, "Parallel
 * random numbers: as easy as 1, 2, 3". */
struct kn_draw {
    uint32_t key[2], at[3];
};
void kn_uniform(struct kn_backend *be, struct kn_buf y, const struct kn_draw *draw, size_t n);
/* y = x (1 + c (2u - 1)); y may be x. Linear in x, so it is its own gradient. */
void kn_jitter(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf u, double c,
               size_t n);

/* ---- weights: a row-major master and a shadow packed for this backend */
enum kn_kind {
    KN_DENSE,  /* one matrix [rows, cols] */
    KN_ROUTER, /* the same, multiplied in full precision where a backend else takes less */
    KN_UP, /* `blocks` experts, each [rows, D]: swiglu rows = 2H, the H gate rows (w1) then the H up rows
                 (w3); silu and relu rows = H */
    KN_DOWN, /* `blocks` experts, each [D, H] (w2) */
};
struct kn_weight {
    struct kn_buf w; /* the master, borrowed: what the optimiser, checkpoints and other tools see */
    enum kn_kind kind;
    int blocks, rows, cols;
    bool gated;   /* KN_UP: rows hold gate and up */
    void *shadow; /* the backend's own; NULL where it needs none */
};
/* Takes the shadow's memory (not in a step). False: no memory. Call kn_repack before the first
 * use. */
bool kn_weight_open(struct kn_backend *be, struct kn_weight *to, struct kn_buf master,
                    enum kn_kind kind, int blocks, int rows, int cols, bool gated);
void kn_weight_close(struct kn_backend *be, struct kn_weight *w); /* accepts a zeroed struct */
/* The shadows of `count` weights made anew from their masters: after the optimiser, a load or a
 * write. */
void kn_repack(struct kn_backend *be, struct kn_weight *const *w, int count);

/* ---- dense */
/* y[T,M] = x[T,K] wᵀ, w a KN_DENSE or KN_ROUTER weight [M,K]. */
void kn_linear(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
               int T);
/* dx[T,K] (+)= dy[T,M] w. */
void kn_linear_back_x(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                      const struct kn_weight *w, int T, bool add);
/* dw[M,K] += dyᵀ x. w gives the shape only. */
void kn_linear_back_w(struct kn_backend *be, struct kn_buf dw, struct kn_buf dy, struct kn_buf x,
                      const struct kn_weight *w, int T);
/* y[T,M] += b[M] to each row; db[M] += column sums of dy. */
void kn_bias(struct kn_backend *be, struct kn_buf y, struct kn_buf b, int T, int M);
void kn_bias_back(struct kn_backend *be, struct kn_buf db, struct kn_buf dy, int T, int M);
/* y[T,D] = table[V,D] rows by ids[T] in 0..V-1; dtable += dy, tokens in order. */
void kn_embed(struct kn_backend *be, struct kn_buf y, struct kn_ints ids, struct kn_buf table,
              int T, int V, int D);
void kn_embed_back(struct kn_backend *be, struct kn_buf dtable, struct kn_buf dy,
                   struct kn_ints ids, int T, int V, int D);

/* ---- attention: T = B*C tokens, sequence by sequence; D = heads * d */
/* In place on qkv[T,3D] (q, k, v beside each other): RoPE on q and k, the rotate-half form of
 * Hugging Face (pairs i and i + d/2, angle = position * theta^(-2i/d)); position counts from 0 in
 * each sequence. d is even. rope_back turns dqkv the other way. Source: Su et al. 2021, arXiv
 * 2104.09864, eq 34. */
void kn_rope(struct kn_backend *be, struct kn_buf qkv, int B, int C, int heads, int d,
             double theta);
void kn_rope_back(struct kn_backend *be, struct kn_buf dqkv, int B, int C, int heads, int d,
                  double theta);
/* y[T,D]: causal softmax(q kᵀ / sqrt(d)) v per head; lse[B*heads*C] = log-sum-exp of each row of
 * scaled scores, which the gradient needs. */
void kn_attention(struct kn_backend *be, struct kn_buf y, struct kn_buf lse, struct kn_buf qkv,
                  int B, int C, int heads, int d);
/* dqkv[T,3D] from dy[T,D]; y, lse, qkv as the forward left them. Overwrites dqkv. */
void kn_attention_back(struct kn_backend *be, struct kn_buf dqkv, struct kn_buf dy, struct kn_buf y,
                       struct kn_buf lse, struct kn_buf qkv, int B, int C, int heads, int d);

/* ---- rows */
#define KN_NORM_EPS 1e-5
/* y[T,D] = x / rms(x) * gain, rms = sqrt(mean x^2 + KN_NORM_EPS); inv[T] = 1/rms. y is not x. */
void kn_rmsnorm(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                struct kn_buf gain, int T, int D);
/* dx (+)= ..., dgain[D] += .... */
void kn_rmsnorm_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgain, struct kn_buf dy,
                     struct kn_buf x, struct kn_buf inv, struct kn_buf gain, int T, int D,
                     bool add);
/* y[T,N] = softmax of each row of c * x, maximum subtracted first. y may be x. Tolerance 1e-6
 * absolute. */
void kn_softmax_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T,
                     int N);
/* dx[t,j] (+)= c y_j (dy_j - sum_i y_i dy_i). */
void kn_softmax_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                          struct kn_buf y, double c, int T, int N, bool add);
/* y[T,N] = x / (s + KN_STANDARD_EPS), s the row's standard deviation with N - 1 (N = 1: 0); y is
 * not x. inv[T] keeps 1 / (s + eps). Back: dx overwritten; dx may be dy. Source: the code released
 * with Jin et al. 2024, arXiv 2410.07348, which has no eps. */
#define KN_STANDARD_EPS 1e-6
void kn_standardise_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf inv, struct kn_buf x,
                         int T, int N);
void kn_standardise_rows_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy,
                              struct kn_buf y, struct kn_buf inv, int T, int N);

/* ---- gate: masks and gates of any router; x is [T,N], mask[T,N] holds 0 or 1 */
/* y = x; valid[t] = 1 where padding[t] (may be NULL .at: none) is 1 and all of row t is finite;
 * other rows of y become 0. Only padding[t] = 1 rows that are not finite are counted: bad[0] = how
 * many. y may be x. */
void kn_clean_rows(struct kn_backend *be, struct kn_buf y, struct kn_ints valid, struct kn_ints bad,
                   struct kn_buf x, struct kn_ints padding, int T, int N);
/* mask = the k largest scores of each valid row, equal scores: lower column first; rows not valid:
 * none. counts (may be NULL .at): row t takes counts[t], 0..N, instead of k. Shared by every
 * strategy with an order. */
void kn_topk_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, int k,
                  struct kn_ints counts, struct kn_ints valid, int T, int N);
/* mask = columns in falling order of prob (ties: lower first) up to and with the first whose
 * running sum is > p (strict; `or_equal`: >=); all N where none is; p >= 1: all N. Source: Huang et
 * al. 2024, arXiv 2403.07652. */
void kn_cumulative_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf prob, double p,
                        bool or_equal, struct kn_ints valid, int T, int N);
/* gate = prob where taken, else 0; dprob (+)= dgate where taken. */
void kn_masked_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf prob,
                    struct kn_ints mask, int T, int N);
void kn_masked_gate_back(struct kn_backend *be, struct kn_buf dprob, struct kn_buf dgate,
                         struct kn_ints mask, int T, int N, bool add);
/* gate = softmax of c * logits over the taken columns only (maximum subtracted); a row with none
 * taken: 0. dlogits[t,j] (+)= c gate_j (dgate_j - sum_taken gate_i dgate_i), 0 where not taken. */
void kn_normalised_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf logits, double c,
                        struct kn_ints mask, int T, int N);
void kn_normalised_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dgate,
                             struct kn_buf gate, double c, struct kn_ints mask, int T, int N,
                             bool add);
/* y = mask without columns first..first+n-1. y is not mask. */
void kn_mask_without(struct kn_backend *be, struct kn_ints y, struct kn_ints mask, int first, int n,
                     int T, int N);

/* y[t,n] = cosine of the angle between row t of x[T,D] and row n of w, a KN_ROUTER weight [N,D]; 0,
 * and without gradient, where either is shorter than 1e-12. */
void kn_cosine(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_weight *w,
               int T);
/* dx[T,D] (+)=, dw[N,D] += (NULL .at: not wanted). y as the forward left it; dy is used up. */
void kn_cosine_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dw, struct kn_buf dy,
                    struct kn_buf y, struct kn_buf x, const struct kn_weight *w, int T, bool add);
/* A squashed comparison: score s = sigmoid(c x), threshold theta_n = sigmoid(c b_n), where c =
 * min(e^log_c[0], KN_STEEPEST) and b_n = bound[n] + shift. Columns with on[n] = 0 are out: never
 * taken, without gradient. NULL .at: log_c 0, on 1 everywhere. */
#define KN_STEEPEST 100.0
struct kn_over {
    struct kn_buf bound, log_c, on;
    double shift;
}; /* [N], [1], [N] */
/* y = s where on, else 0. */
void kn_squash(struct kn_backend *be, struct kn_buf y, struct kn_buf x, const struct kn_over *o,
               int T, int N);
/* mask = 1 where x > b (strict, which is s > theta without its rounding) in valid rows; `best`:
 * where a row has none, its largest x (ties: lower column). */
void kn_over_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                  const struct kn_over *o, bool best, struct kn_ints valid, int T, int N);
/* The straight-through gradient: da is that of the 0 or 1, and passes to s - theta unchanged where
 * x > b in a valid row, with `all` everywhere in it. dx[T,N] +=, dbound[N] +=, dlog_c[1] += (NULL
 * .at: not wanted; 0 where c is at its limit). Source: Guo et al. 2024, arXiv 2405.14297. */
void kn_over_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dbound,
                  struct kn_buf dlog_c, struct kn_buf da, struct kn_buf x, const struct kn_over *o,
                  bool all, struct kn_ints valid, int T, int N);
/* gate = 1 / K_t where taken, else 0. Back, K_t a constant: da[t,j] (+)= dgate[t,j] / max(K_t, 1),
 * taken or not. */
void kn_even_gate(struct kn_backend *be, struct kn_buf gate, struct kn_ints mask, int T, int N);
void kn_even_gate_back(struct kn_backend *be, struct kn_buf da, struct kn_buf dgate,
                       struct kn_ints mask, int T, int N, bool add);
/* With s = sigmoid(x): gate = c s where taken, else 0; `share`: c s / (sum of s over the taken). dx
 * (+)=, 0 where not taken. gate as the forward left it. Source: DeepSeek-AI 2024, arXiv 2412.19437,
 * eq 12 to 15. */
void kn_sigmoid_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf x, double c,
                     bool share, struct kn_ints mask, int T, int N);
void kn_sigmoid_gate_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                          struct kn_buf gate, struct kn_buf x, double c, bool share,
                          struct kn_ints mask, int T, int N, bool add);
/* The matrix turned round: mask = in each column the ceil(c rows / N) largest scores among its rows
 * (ties: lower row; not more than there are). Rows are valid ones; period > 1: those of equal t %
 * period are ranked apart from the others. Source: Zhou et al. 2022, arXiv 2202.09368. */
void kn_column_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf score, double c,
                    int period, struct kn_ints valid, int T, int N);

/* Softmax over a row's taken columns of logits[T,N] and all of its side[T,M] together, cut into
 * gate[T,N] (0 where not taken) and side_gate[T,M]; rows not valid: 0. Back, w = gate and side_gate
 * in one row, q their gradients: d = w (q - sum w q), into dlogits and dside (overwritten; 0 where
 * w is). M may be 0. */
void kn_joint_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf side_gate,
                   struct kn_buf logits, struct kn_buf side, struct kn_ints mask,
                   struct kn_ints valid, int T, int N, int M);
void kn_joint_gate_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dside,
                        struct kn_buf dgate, struct kn_buf dside_gate, struct kn_buf gate,
                        struct kn_buf side_gate, int T, int N, int M);
/* gate = w r where taken, else 0; `spread`: gate = r / (sum r + 1e-6) times the sum of w, sums over
 * the taken columns. Back: dw, dr overwritten, 0 where not taken. */
#define KN_SPREAD_EPS 1e-6
void kn_rated_gate(struct kn_backend *be, struct kn_buf gate, struct kn_buf w, struct kn_buf r,
                   struct kn_ints mask, bool spread, int T, int N);
void kn_rated_gate_back(struct kn_backend *be, struct kn_buf dw, struct kn_buf dr,
                        struct kn_buf dgate, struct kn_buf w, struct kn_buf r, struct kn_ints mask,
                        bool spread, int T, int N);
/* A row's picks one after the other, as many as mask holds. r[T,N] = the pick's probability b in
 * the softmax over the columns not picked before whose logit z has top - z <= band max(|z|, |top|);
 * not taken: 0.
 *   u NULL .at: the picks are those of mask in falling order (ties: lower column), and top is the
 *   pick itself;
 *   u[T,2N]: mask is drawn anew. top is the largest column left; pick i is the first column whose
 *   running sum of that softmax is over u[t,2i]; r = b where it is top (the lowest of equals) or
 *   u[t,2i+1] >= 3/4, else b/3.
 * Back: dlogits[j] += dr b (1[j = pick] - b_j) over the columns of each softmax, without the 1/3;
 * mask as band left it. N <= KN_COLUMNS. Source: Liu et al. 2024, arXiv 2409.12136 (GRIN), over a
 * band. */
enum { KN_COLUMNS = 128 };
void kn_band(struct kn_backend *be, struct kn_buf r, struct kn_ints mask, struct kn_buf logits,
             double band, struct kn_buf u, int T, int N);
void kn_band_back(struct kn_backend *be, struct kn_buf dlogits, struct kn_buf dr,
                  struct kn_ints mask, struct kn_buf logits, double band, struct kn_buf u, int T,
                  int N);

/* ---- losses on columns; means are over the valid rows (0 where there is none) */

/* Three ways to say how busy a column is. kn_column_load: its part of all picks of experts, 1 where
 * even. kn_group_load: the part of the tokens that picked it, or any of its group. kn_column_share:
 * the same of single columns, where some tokens weigh more. */

/* f[e] = E * count_e / (sum of the counts of columns 0..E-1), count_e = picks in mask; 0 where the
 * sum is 0; slot columns get 0. */
void kn_column_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask, int T, int N,
                    int E);
/* Picks by group of columns, a valid token: f[j] = c * picks of j's group / Tvalid (0 where there
 * is no valid row). Experts stand in groups of `width` columns and take `c`, slots in groups of
 * `slots` columns and take `c_slots` (the last group may be smaller). `once`: a token counts once a
 * group, however many of its columns it picks. */
struct kn_groups {
    int width, slots;
    double c, c_slots;
    bool once;
};
void kn_group_load(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                   struct kn_ints valid, const struct kn_groups *g, int T, int N, int E);
/* f[j] = c times the share of the valid rows that took column j, rows weighed: w_t = weight where
 * marked[t] (NULL .at: nowhere), else 1; 0 where no row is valid. */
void kn_column_share(struct kn_backend *be, struct kn_buf f, struct kn_ints mask,
                     struct kn_ints marked, double weight, double c, struct kn_ints valid, int T,
                     int N);
/* loss[0] = sum_e f_e mean_t a[t,e]; da[t,e] += c f_e / Tvalid on valid rows. f is a constant. */
void kn_column_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, struct kn_buf f,
                    struct kn_ints valid, int T, int N);
void kn_column_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf f,
                         struct kn_ints valid, int T, int N);
/* y[t] = x[t] w_t / (mean of w over the valid rows), w as in kn_column_share: a mean of y is then a
 * weighed mean of x. y may be x. Linear in x, so it is its own gradient. */
void kn_weigh_rows(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_ints marked,
                   double weight, struct kn_ints valid, int T, int N);
/* loss[0] = mean_t (log-sum-exp of row t)^2; dlogits += c times its gradient. Source: Zoph et al.
 * 2022, arXiv 2202.08906. */
void kn_z_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf logits,
               struct kn_ints valid, int T, int N);
void kn_z_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c, struct kn_buf logits,
                    struct kn_ints valid, int T, int N);
/* loss[0] = mean_t entropy (nat) of row t of prob, columns E..N-1 added into one outcome (0 ln 0 =
 * 0); dprob += c times its gradient, ln of a 0 probability taken as ln of the smallest normal
 * float. */
void kn_entropy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf prob,
                     struct kn_ints valid, int T, int N, int E);
void kn_entropy_loss_back(struct kn_backend *be, struct kn_buf dprob, double c, struct kn_buf prob,
                          struct kn_ints valid, int T, int N, int E);
/* loss[0] = mean_t sum_n max(s - theta, 0) over the columns that are on. Back: da += c / Tvalid
 * where x > b: what kn_over_back takes. */
void kn_over_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x,
                  const struct kn_over *o, struct kn_ints valid, int T, int N);
void kn_over_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_buf x,
                       const struct kn_over *o, struct kn_ints valid, int T, int N);
/* loss[0] = N sum_n mean(m_n / K) mean(m_n), over the rows with K > 0 taken (0 where there is
 * none). Back: da += c times the gradient by m through the first mean alone, K inside, in those
 * rows. Source: Guo et al. 2024, arXiv 2405.14297. */
void kn_share_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask, int T, int N);
void kn_share_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints mask,
                        int T, int N);
/* loss[0] = mean of mask over the valid rows' cells; da += c / (Tvalid N) there. */
void kn_taken_loss(struct kn_backend *be, struct kn_buf loss, struct kn_ints mask,
                   struct kn_ints valid, int T, int N);
void kn_taken_loss_back(struct kn_backend *be, struct kn_buf da, double c, struct kn_ints valid,
                        int T, int N);

/* ---- losses on rows of a matrix w[N,D] */
/* loss[0] = Frobenius norm of (C - I) where on_i on_j, C the rows' cosines (on NULL .at: all). dw
 * += c times its gradient, 0 where the loss is below 1e-6: there it is rounding. */
void kn_overlap_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, struct kn_buf on,
                     int N, int D);
void kn_overlap_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w,
                          struct kn_buf on, int N, int D);
/* loss[0] = mean length of a row; dw += c times its gradient (0 for a row of zeros). */
void kn_length_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf w, int N, int D);
void kn_length_loss_back(struct kn_backend *be, struct kn_buf dw, double c, struct kn_buf w, int N,
                         int D);

/* ---- state outside the gradient: moved once a step, read by nobody on the host */
/* Biases of columns e < E move until their loads are where they should be. load[E] = smooth load +
 * (1 - smooth) f (load NULL .at: load is f); bias_e += rate * d_e, d = target - load_e, or where
 * target is 0 d = 1 - load_e / mean(load); `sign`: its sign, 0 within 1e-6. zero_mean: then their
 * mean is taken off. limit > 0: then held within +-limit. Nothing where f[N] is all 0: no token was
 * routed. Source: Wang et al. 2024, arXiv 2408.15664, algorithm 1; Meituan LongCat Team 2025, arXiv
 * 2509.01322. */
struct kn_bias_rule {
    double target, rate, smooth, limit;
    bool sign, zero_mean;
};
void kn_bias_step(struct kn_backend *be, struct kn_buf bias, struct kn_buf load, struct kn_buf f,
                  const struct kn_bias_rule *o, int N, int E);
/* Who is on the roster, of N places. A period is half idle, half recorded: used[n] += picks,
 * orphans += valid rows that took none, orphan_sum[D] += these rows of x. At its end on[n] = 0 for
 * places never used (the one used last stays if all would go: age[n] counts steps since its last
 * pick), then, if there were orphans whose sum is not 0 and a place is free, the lowest one is
 * hired: on = 1, bound = 0, w = orphan_sum as a unit vector. fired[1], hired[1] count on; clock[1]
 * counts steps of the period; the records start anew. Of each stack the hired place gets a copy of
 * the most used place's block with every number times 1 + .01 u, u in [-1, 1) by its index (w NULL
 * .at: none), and moments 0. Source: Guo et al. 2024, arXiv 2405.14297; the copy is ours. */
struct kn_stack {
    struct kn_buf w, m, v;
    size_t size;
}; /* [N, size] each */
struct kn_roster {
    struct kn_buf on, used, age, orphan_sum, orphans, clock, fired, hired, bound, w;
    struct kn_stack stack[4];
    int stacks, period;
};
void kn_roster_step(struct kn_backend *be, const struct kn_roster *r, struct kn_buf x,
                    struct kn_ints mask, struct kn_ints valid, int T, int N, int D);

/* ---- ReLU routers: a column is on where its logit is positive */
/* y = x where x > 0, else 0; y may be x. dx (+)= dy where y > 0; dx may be dy. */
void kn_relu(struct kn_backend *be, struct kn_buf y, struct kn_buf x, size_t n);
void kn_relu_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                  size_t n, bool add);
/* y = x / (sum of its row + eps); dx[t,j] = (dy_j - sum_i y_i dy_i) / (sum of row t of x + eps); dx
 * may be dy. */
void kn_row_share(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double eps, int T,
                  int N);
void kn_row_share_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dy, struct kn_buf y,
                       struct kn_buf x, double eps, int T, int N);
/* mask = 1 where x > 0 in a valid row, else 0. */
void kn_positive_mask(struct kn_backend *be, struct kn_ints mask, struct kn_buf x,
                      struct kn_ints valid, int T, int N);
/* m[0] = mean over the valid rows of how many of their numbers are > 0; NaN where there is no valid
 * row. */
void kn_positive_mean(struct kn_backend *be, struct kn_buf m, struct kn_buf x, struct kn_ints valid,
                      int T, int N);
/* The three losses below are of a[T,N] = relu(x) or of x itself; their backs ADD c weight[0] times
 * the gradient into x's (weight NULL .at: 1), through a where a > 0 only. document[T]: rows of one
 * number that follow each other are one text. l1: loss[0] = sum_e f_e mean_t a[t,e] over the valid
 * rows; f_e = balance * (share of the valid rows with a[t,e] > 0), a constant, or 1 where balance =
 * 0. Source: Wang et al. 2024, arXiv 2412.14711. */
void kn_l1_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, double balance,
                struct kn_ints valid, int T, int N);
void kn_l1_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                     struct kn_buf a, double balance, struct kn_ints valid, int T, int N);
/* Neighbours alike: mean over columns and over pairs (t-1, t), both valid and of one document, of
 * the cross-entropy of sigmoid(s x[t-1]) against the target sigmoid(s x[t]); 0 where there is no
 * pair. The gradient flows into both. Source: Song et al. 2025, arXiv 2507.08771. */
void kn_locality_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf x, double s,
                      struct kn_ints document, struct kn_ints valid, int T, int N);
void kn_locality_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                           struct kn_buf x, double s, struct kn_ints document, struct kn_ints valid,
                           int T, int N);
/* Few columns a chunk: chunks are `length` rows of one document, its last one filled up with empty
 * rows. Mean over the columns and the chunks that have a valid row of 1 - prod_t (1 - p[t,e] +
 * KN_SHARE_EPS); p = h / (sum of its row + KN_SHARE_EPS) and h = a, or a / sqrt(mean of its row's
 * squares + KN_NORM_EPS) where `rms`; p = 0 in rows not valid; 0 where no chunk. Source: the same;
 * the two small numbers are those of its code. */
#define KN_SHARE_EPS 1e-5
void kn_chunk_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf a, bool rms, int length,
                   struct kn_ints document, struct kn_ints valid, int T, int N);
void kn_chunk_loss_back(struct kn_backend *be, struct kn_buf dx, double c, struct kn_buf weight,
                        struct kn_buf a, bool rms, int length, struct kn_ints document,
                        struct kn_ints valid, int T, int N);

/* ---- controllers: single numbers that move once a step; x[0] not finite moves nothing */
/* y[0] *= factor where x[0] > level, else y[0] /= factor; then held in min..max (also where x is
 * not finite). */
void kn_toggle(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double level, double factor,
               double min, double max);
/* How far x[0] has come on its way to goal. y[4]: calls so far; mean x of the first ten; stage;
 * newest x. Stage 1 for ten calls and until x has gone 5 % of the way from that mean to goal, then
 * 2; 3 from the first |x - goal| <= near on. */
void kn_stage(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double goal, double near);
/* y[0] follows the change of x from one window of `every` calls to the next. state[4]: calls so
 * far; mean x of this window so far; of the one before; what y moves by each call. At the end of
 * each window from call `first` on: ratio = mean / mean before, at least `least` if over 1; y then
 * moves in a line to min(y ratio, most) until the next. Before that, and where it is 0, y = start;
 * y is held in 0..most always. */
struct kn_ramp {
    double start, least, most;
    int every, first;
};
void kn_ratio_ramp(struct kn_backend *be, struct kn_buf y, struct kn_buf state, struct kn_buf x,
                   const struct kn_ramp *o);

/* ---- counts that are chosen: prob[T,N] holds the probability of 1..N in its columns; count[T], 0
 * where not valid */
/* p[0] = the one of .01, .02 .. 1 at which the mean over the valid rows of mass_count (most = N) is
 * nearest to `mean`; the smallest of equals; as it was where no row is valid. Source: Yue et al.
 * 2025, arXiv 2410.10456, eq 12. */
void kn_mass_match(struct kn_backend *be, struct kn_buf p, struct kn_buf prob, double mean,
                   struct kn_ints valid, int T, int N);
/* count = how many of a row's largest probabilities it takes to reach p[0] (>=; N where p[0] >= 1
 * or rounding leaves none), at most `most`. Source: the same, eq 13. */
void kn_mass_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob, struct kn_buf p,
                   int most, struct kn_ints valid, int T, int N);
/* count by prob. u[T]: the first whose running sum is over u (rounding leaves none: the last with a
 * probability); u NULL .at: the most probable (ties: the smaller), or with `mean` the expected
 * count to the nearest (a half: up). */
void kn_draw_count(struct kn_backend *be, struct kn_ints count, struct kn_buf prob, struct kn_buf u,
                   bool mean, struct kn_ints valid, int T, int N);
/* how many a row takes */
void kn_row_count(struct kn_backend *be, struct kn_ints count, struct kn_ints mask, int T, int N);
/* y[t] = ln prob[t, count-1]; 0 where count is 0. */
void kn_log_pick(struct kn_backend *be, struct kn_buf y, struct kn_buf prob, struct kn_ints count,
                 int T, int N);
/* PPO. Over the rows that are valid, have a count and an advantage A that is finite: r = exp(min(ln
 * prob[count-1] - old, 20)), loss[0] = - mean min(r A, clamp(r, 1-clip, 1+clip) A), clipped[0] =
 * share of the rows where the clamp is what counts. Back, prob a softmax of logits: dlogits[n] += c
 * (- A r (1[n = count] - prob_n)) / rows, 0 where clipped. Source: Schulman et al. 2017, arXiv
 * 1707.06347, eq 7. */
void kn_policy_loss(struct kn_backend *be, struct kn_buf loss, struct kn_buf clipped,
                    struct kn_buf prob, struct kn_ints count, struct kn_buf old,
                    struct kn_buf advantage, double clip, struct kn_ints valid, int T, int N);
void kn_policy_loss_back(struct kn_backend *be, struct kn_buf dlogits, double c, struct kn_buf prob,
                         struct kn_ints count, struct kn_buf old, struct kn_buf advantage,
                         double clip, struct kn_ints valid, int T, int N);
/* y[t] = c times the sum of x[t*n .. t*n+n-1]. */
void kn_group_sum(struct kn_backend *be, struct kn_buf y, struct kn_buf x, double c, int T, int n);

/* ---- dispatch: any number of experts per token, also none */
/* Where each pick goes. Picks of one expert stand together (rows offset[e]..offset[e+1]-1 of the
 * slot arrays, tokens in order); slots of zero-computation columns are counted and never given a
 * row. */
struct kn_plan {
    int T_room, E, N;           /* most tokens; expert columns; all columns */
    struct kn_ints offset;      /* [E+1] first row of each expert; offset[E] = rows in use */
    struct kn_ints slot_token;  /* [T_room*E] token of a row */
    struct kn_ints token_start; /* [T_room+1] a token's first entry in token_slot */
    struct kn_ints token_slot;  /* [T_room*E] rows of a token, experts in order */
    struct kn_ints slot_expert; /* [T_room*E] expert of a row */
    struct kn_ints count;       /* [N] picks per column, slots too */
    void *own;                  /* the backend's scratch */
};
/* false: no memory */
bool kn_plan_open(struct kn_backend *be, struct kn_plan *p, int T_room, int E, int N);
void kn_plan_close(struct kn_backend *be, struct kn_plan *p);
void kn_plan(struct kn_backend *be, struct kn_plan *p, struct kn_ints mask, int T);
/* The plan in which every token takes every one of the E experts (shared experts). */
void kn_plan_all(struct kn_backend *be, struct kn_plan *p, int T);
/* Before kn_plan: expert columns over C = ceil(capacity * picks of all expert columns / E) lose
 * their lowest gates (`by_position`: their last tokens; equal gates: the higher token goes). Lost
 * picks leave mask and gate; dropped[0] = how many. */
void kn_capacity_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                      struct kn_ints dropped, double capacity, bool by_position, int T, int N,
                      int E);

/* ---- experts: one fused pair */
enum kn_act { KN_SWIGLU, KN_SILU, KN_RELU };
/* out[rows,D]: row r = FFN of expert e(r) on x[slot_token[r]]:
 *   swiglu: w2 (silu(w1 x) * (w3 x));   silu, relu: w2 act(w1 x).
 * pre[rows, 2H or H] keeps w1 x (and w3 x behind it, or as the backend likes: only its own back
 * reads it); it has kn_pre_room numbers. */
size_t kn_pre_room(const struct kn_backend *be, size_t rows, int H, bool gated);
void kn_moe_ffn(struct kn_backend *be, struct kn_buf out, struct kn_buf pre,
                const struct kn_plan *p, struct kn_buf x, const struct kn_weight *up,
                const struct kn_weight *down, enum kn_act act, int T);
/* y[T,D] = sum over a token's rows of gate[t,e] * out[row], experts in order; a token without rows:
 * 0. gate has N = p->N columns. `add`: y += instead. */
void kn_combine(struct kn_backend *be, struct kn_buf y, const struct kn_plan *p, struct kn_buf out,
                struct kn_buf gate, int T, int D, bool add);
/* Gradient of combine(ffn): dy[T,D] in; dgate[T,N] = <dy_t, out_row> for taken expert columns
 * (computed as <dH, h>, so `out` is not needed), 0 for expert columns not taken, slot columns
 * untouched; dx[T,D] (+)=; dup, ddown +=. dx, dup, ddown may have NULL .at: not wanted. */
void kn_moe_ffn_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                     struct kn_buf dup, struct kn_buf ddown, const struct kn_plan *p,
                     struct kn_buf dy, struct kn_buf gate, struct kn_buf x, struct kn_buf pre,
                     const struct kn_weight *up, const struct kn_weight *down, enum kn_act act,
                     int T, bool add);
/* Copy slots, columns first..first+n-1: y[t] += (sum of their gates) x[t], taken ones only: one
 * multiplication of the row however many there are. Back: dgate[t,c] = <dy_t, x_t> where taken else
 * 0, dx += (sum of gates) dy. */
void kn_copy_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                   struct kn_ints mask, int first, int n, int T, int N, int D);
void kn_copy_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                        struct kn_buf dy, struct kn_buf x, struct kn_buf gate, struct kn_ints mask,
                        int first, int n, int T, int N, int D);
/* Constant slots: slot j (column first+j) adds gate (a1 x + a2 v_j), [a1,a2] = softmax(c_j x),
 * c[n,2,D], v[n,D]. Source: Jin et al. 2024, arXiv 2410.07348, eq 5. Back adds to dx, dv, dc;
 * writes dgate of its columns. */
void kn_constant_slots(struct kn_backend *be, struct kn_buf y, struct kn_buf x, struct kn_buf gate,
                       struct kn_ints mask, struct kn_buf v, struct kn_buf c, int first, int n,
                       int T, int N, int D);
void kn_constant_slots_back(struct kn_backend *be, struct kn_buf dx, struct kn_buf dgate,
                            struct kn_buf dv, struct kn_buf dc, struct kn_buf dy, struct kn_buf x,
                            struct kn_buf gate, struct kn_ints mask, struct kn_buf v,
                            struct kn_buf c, int first, int n, int T, int N, int D);
/* As kn_capacity_drop, slots too: with A = picks of all columns, an expert has room for ceil(room *
 * A) picks and a slot for ceil(slot_room * A), each less KN_ROOM_EPS, for what rounding put over a
 * whole number. Source: Jin et al. 2024, arXiv 2410.07348, eq 8. */
#define KN_ROOM_EPS 1e-9
void kn_room_drop(struct kn_backend *be, struct kn_ints mask, struct kn_buf gate,
                  struct kn_ints dropped, double room, double slot_room, bool by_position, int T,
                  int N, int E);
/* mix[j] = mean share a1 of scale x in constant slot j, over the tokens that take it; NaN where
 * none does. */
void kn_constant_mix(struct kn_backend *be, struct kn_buf mix, struct kn_buf x, double scale,
                     struct kn_ints mask, struct kn_buf c, int first, int n, int T, int N, int D);

/* ---- loss and optimiser */
/* Rows r of logits[R,V] with label[r] in 0..V-1 (-1: not counted). nll[R] = -log softmax at the
 * label (0 where not counted), hit[R] = 1 where the largest logit (ties: lowest column) is the
 * label; loss[0] = mean nll of the counted rows (0 where none); dlogits (NULL .at: not wanted; may
 * be logits) = gradient of loss[0]. */
void kn_cross_entropy(struct kn_backend *be, struct kn_buf loss, struct kn_buf nll,
                      struct kn_ints hit, struct kn_buf dlogits, struct kn_buf logits,
                      struct kn_ints label, int R, int V);
/* ok[0] = 0 where bad[m] are all 0, else NaN; ok[1] = ok[0] where x[n] are all finite, else NaN. */
void kn_watch(struct kn_backend *be, struct kn_buf ok, struct kn_buf x, int n, struct kn_ints bad,
              int m);
/* s[0] = sum of x^2, in fixed chunks summed in order. Not finite if any x is not (or on
 * overflow). */
void kn_sum_squares(struct kn_backend *be, struct kn_buf s, struct kn_buf x, size_t n);
/* f[0] = what gradients are multiplied by: clip / norm if the norm sqrt(s[0]) is over clip (clip >
 * 0), else 1; NaN where s[0] or guard[0] (NULL .at: none) is not finite. */
void kn_clip_factor(struct kn_backend *be, struct kn_buf f, struct kn_buf s, struct kn_buf guard,
                    double clip);
/* AdamW on n numbers: g' = f[0] g; m = b1 m + (1-b1) g'; v = b2 v + (1-b2) g'^2; w -= lr
 * (m/(1-b1^step) / (sqrt(v/(1-b2^step)) + eps) + decay w); then g = 0. Where f[0] is not finite, w,
 * m and v stay as they are and g = 0. step counts from 1. Source: Loshchilov & Hutter, arXiv
 * 1711.05101, algorithm 2. */
struct kn_adamw {
    double lr, b1, b2, eps, decay;
    int step;
};
void kn_adamw(struct kn_backend *be, struct kn_buf w, struct kn_buf m, struct kn_buf v,
              struct kn_buf g, struct kn_buf f, const struct kn_adamw *o, size_t n);
#endif
