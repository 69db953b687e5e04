#ifndef TESTS_TUI_APP_RIG_H
#define TESTS_TUI_APP_RIG_H
/* An explorer without a terminal, for tests of its keys, its palette and its mouse. */
#include "tests/check.h"
#include "tui/app/inside.h"

struct app *app_fresh(void);   /* before anything has come */
struct app *app_running(void); /* with a session that rests and has sent its first snapshot */
void app_free(struct app *a);
/* Until all that was said has been answered and its snapshot has come. */
void app_settle(struct app *a);
void app_draw(struct app *a); /* at 120x36, with what can be clicked */
#endif
