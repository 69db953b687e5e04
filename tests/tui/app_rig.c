#include "tests/tui/app_rig.h"
#include "tui/app/keys.h"

#include <unistd.h>

struct app *app_fresh(void)
{
    struct app *a = calloc(1, sizeof *a);
    ck_assert_ptr_nonnull(a);
    a->frame.view = view_at(0);
    a->scene.past = &a->past;
    ck_assert(canvas_open(&a->canvas, 80, 24, CHARSET_ASCII));
    return a;
}

void app_free(struct app *a)
{
    session_close(a->session);
    canvas_close(&a->canvas);
    popup_close(&a->popup);
    text_free(&a->popup.page);
    text_free(&a->lessons);
    guide_close(&a->guide);
    desk_close(&a->desk);
    keys_restore();
    free(a);
}

struct app *app_running(void)
{
    struct err e;
    struct config c;
    struct app *a = app_fresh();
    ck_assert_msg(config_start(&c, "orders", "topk", &e), "%s", e.text);
    snprintf(c.backend, sizeof c.backend, "ref");
    a->session = session_open(&c, "pause", &e);
    ck_assert_msg(a->session != NULL, "%s", e.text);
    for (int i = 0; i < 1000 && !a->any; i++, usleep(5000))
        a->any = session_snapshot(a->session, &a->now);
    ck_assert(a->any);
    return a;
}

void app_settle(struct app *a)
{
    for (int i = 0; i < 1000 && a->wishes > 0; i++, usleep(5000)) wish_answers(a);
    ck_assert_int_eq(a->wishes, 0);
    usleep(50000);
    while (session_snapshot(a->session, &a->now)) {}
}

void app_draw(struct app *a)
{
    canvas_close(&a->canvas);
    ck_assert(canvas_open(&a->canvas, 120, 36, CHARSET_BLOCK));
    a->canvas.zones = &a->zones, a->zones.count = 0;
    a->scene.now = &a->now;
    a->frame.can_undo = a->now.undos > 0;
    frame_draw(&a->canvas, &a->scene, &a->frame);
    popup_draw(&a->popup, &a->canvas);
}
