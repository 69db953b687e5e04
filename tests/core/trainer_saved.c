/* A run that was saved and taken up again is the run that was never interrupted, bit by bit. */
#include "core/model/checkpoint.h"
#include "tests/core/model_rig.h"

#include <unistd.h>

static const char *place(const char *name)
{
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", rig_folder(), name);
    return path[turn];
}

static const struct save_case {
    const char *data, *strategy, *backend;
    int steps;
} cases[] = {
    {"orders", "topk", "cpu", 100},        {"orders", "topp", "cpu", 100},
    {"text", "topk", "cpu", 12},           {"text", "topp", "cpu", 12},
    {"orders", "topp", "ref", 10},         {"orders", "dynmoe", "cpu", 50},
    {"text", "dynmoe", "cpu", 12},         {"orders", "adak", "cpu", 110},
    {"text", "adak", "cpu", 12},           {"orders", "adamoe", "cpu", 60},
    {"orders", "moepp", "ref", 10},        {"text", "moepp", "cpu", 12},
    {"orders", "longcat", "cpu", 60},      {"text", "longcat", "cpu", 12},
    {"orders", "unimoe", "cpu", 100},      {"orders", "lossfree", "cpu", 50},
    {"orders", "expertchoice", "cpu", 20},
};

START_TEST(saved_and_resumed_is_bit_by_bit_never_interrupted)
{
    const struct save_case *x = &cases[_i];
    struct err e = {0};
    struct config c = rig_config(x->data, x->strategy, x->backend, "batch=32", NULL), here;
    config_set_knob(&c, "aux", "0.005", NULL); /* where there is such a knob */
    config_set_knob(&c, "period", "20", NULL);
    config_set_knob(&c, "fleet", "5", NULL);
    here = c;
    if (strcmp(x->data, "text") == 0) c.value[CONFIG_BATCH] = 4;
    struct trainer *whole = model_rig_open(&c), *first = model_rig_open(&c);
    rig_steps(whole, 2 * x->steps);
    rig_steps(first, x->steps);
    ck_assert_msg(trainer_save(first, place("run.safetensors"), &e), "%s", e.text);
    trainer_close(first);
    here.named = here.knob_named = 0;
    struct trainer *second = trainer_resume(place("run.safetensors"), &here, &e);
    ck_assert_msg(second != NULL, "%s", e.text);
    ck_assert_int_eq((int)trainer_now(second), x->steps);
    rig_steps(second, x->steps);
    rig_same_bits(whole, second, x->data);
    ck_assert_double_eq(whole->loss, second->loss);
    ck_assert_double_eq(whole->tokens_seen, second->tokens_seen);
    ck_assert_str_eq(second->config.router->name, x->strategy);
    trainer_close(whole), trainer_close(second);
}
END_TEST

START_TEST(what_is_named_at_resume_wins_where_shapes_stay)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", "experts=4", NULL);
    struct trainer *t = model_rig_open(&c);
    rig_steps(t, 3);
    ck_assert_msg(trainer_save(t, place("named.safetensors"), &e), "%s", e.text);
    struct config here =
        rig_config("orders", "topk", "cpu", "lr=0.002", "k=3", "experts=8", "seed=4", NULL);
    struct trainer *r = trainer_resume(place("named.safetensors"), &here, &e);
    ck_assert_msg(r != NULL, "%s", e.text);
    NEAR(r->config.value[CONFIG_LR], 0.002, 0, 0, "lr");
    NEAR(r->config.knob[0], 3, 0, 0, "k");
    NEAR(r->config.value[CONFIG_EXPERTS], 4, 0, 0, "experts are the file's");
    NEAR(r->config.value[CONFIG_SEED], 1, 0, 0, "the seed is the file's");
    rig_steps(r, 1);
    trainer_close(t), trainer_close(r);
}
END_TEST

START_TEST(a_text_checkpoint_has_the_names_and_config_of_mixtral)
{
    struct err e = {0};
    struct checkpoint f;
    struct config c = rig_config("text", "topk", "cpu", "batch=2", NULL);
    struct trainer *t = model_rig_open(&c);
    ck_assert_msg(trainer_save(t, place("model.safetensors"), &e), "%s", e.text);
    ck_assert_int_eq(access(place("config.json"), R_OK), 0);
    ck_assert_msg(checkpoint_open(&f, place("model.safetensors"), &e), "%s", e.text);
    static const struct {
        const char *name;
        int rows, cols;
    } want[] = {
        {"model.embed_tokens.weight", 256, 64},
        {"model.layers.1.input_layernorm.weight", 64, 0},
        {"model.layers.1.self_attn.q_proj.weight", 64, 64},
        {"model.layers.0.self_attn.o_proj.weight", 64, 64},
        {"model.layers.1.post_attention_layernorm.weight", 64, 0},
        {"model.layers.0.block_sparse_moe.gate.weight", 8, 64},
        {"model.layers.1.block_sparse_moe.experts.7.w1.weight", 64, 64},
        {"model.layers.1.block_sparse_moe.experts.7.w2.weight", 64, 64},
        {"model.layers.1.block_sparse_moe.experts.0.w3.weight", 64, 64},
        {"model.norm.weight", 64, 0},
        {"lm_head.weight", 256, 64},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const struct checkpoint_tensor *a = checkpoint_find(&f, want[i].name);
        ck_assert_msg(a != NULL, "%s is missing", want[i].name);
        ck_assert_int_eq(a->dims, want[i].cols ? 2 : 1);
        ck_assert_int_eq((int)a->shape[0], want[i].rows);
        if (want[i].cols) ck_assert_int_eq((int)a->shape[1], want[i].cols);
    }
    char text[2048] = "";
    FILE *json = fopen(place("config.json"), "r");
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, json), 100);
    fclose(json);
    ck_assert_ptr_nonnull(strstr(text, "MixtralForCausalLM"));
    ck_assert_ptr_nonnull(strstr(text, "\"num_local_experts\": 8"));
    checkpoint_close(&f);
    trainer_close(t);
}
END_TEST

START_TEST(other_data_is_refused_and_so_is_a_file_of_another_program)
{
    struct err e = {0};
    struct config c = rig_config("orders", "topk", "cpu", "task-seed=3", NULL);
    struct trainer *t = model_rig_open(&c);
    t->data->fingerprint ^= 1;
    ck_assert_msg(trainer_save(t, place("other.safetensors"), &e), "%s", e.text);
    ck_assert_ptr_null(trainer_resume(place("other.safetensors"), NULL, &e));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(e.text, "other data"));
    const double one = 1;
    const struct checkpoint_out foreign = {
        .name = "w", .dims = 1, .shape = {1}, .at = &one, .numbers = 1};
    ck_assert_msg(checkpoint_save(place("foreign.safetensors"), &foreign, 1, NULL, 0, false, &e),
                  "%s", e.text);
    ck_assert_ptr_null(trainer_resume(place("foreign.safetensors"), NULL, &e));
    ck_assert_int_eq(e.code, ERR_INPUT);
    ck_assert_ptr_null(trainer_resume(place("nowhere.safetensors"), NULL, &e));
    ck_assert_int_eq(e.code, ERR_FILE);
    trainer_close(t);
}
END_TEST

static bool collect(void *to, unsigned char byte, double experts)
{
    char *text = to;
    size_t n = strlen(text);
    ck_assert(experts >= 1 && experts <= 8);
    text[n] = (char)(byte ? byte : '?');
    return n + 2 < 200;
}

START_TEST(a_text_model_writes_text_and_the_same_seed_the_same_text)
{
    struct err e = {0};
    char a[200] = "", b[200] = "", cold[200] = "";
    struct config c = rig_config("text", "topp", "cpu", NULL),
                  o = rig_config("orders", "topk", "cpu", NULL);
    struct trainer *t = model_rig_open(&c), *orders = model_rig_open(&o);
    rig_steps(t, 60);
    ck_assert_msg(trainer_sample(t, "the ", 120, 0.8, 7, collect, a, &e), "%s", e.text);
    ck_assert_msg(trainer_sample(t, "the ", 120, 0.8, 7, collect, b, &e), "%s", e.text);
    ck_assert_msg(trainer_sample(t, "", 40, 0, 7, collect, cold, &e), "%s", e.text);
    ck_assert_uint_eq(strlen(a), 120);
    ck_assert_str_eq(a, b);
    ck_assert_uint_eq(strlen(cold), 40);
    ck_assert_msg(strchr(a, ' ') || strchr(cold, ' '), "not a blank in '%s'", a);
    ck_assert(!trainer_sample(orders, "", 5, 0, 1, collect, b, &e));
    ck_assert_int_eq(e.code, ERR_USAGE);
    rig_steps(t, 2);
    trainer_close(t), trainer_close(orders);
}
END_TEST

SUITE(trainer_saved)
{
    TCase *t = tcase_create("saved");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, saved_and_resumed_is_bit_by_bit_never_interrupted, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(t, what_is_named_at_resume_wins_where_shapes_stay);
    tcase_add_test(t, a_text_checkpoint_has_the_names_and_config_of_mixtral);
    tcase_add_test(t, other_data_is_refused_and_so_is_a_file_of_another_program);
    tcase_add_test(t, a_text_model_writes_text_and_the_same_seed_the_same_text);
    suite_add_tcase(suite, t);
}
