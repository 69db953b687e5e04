#ifndef CORE_SCRIPT_ASK_H
#define CORE_SCRIPT_ASK_H
/* A question of a lesson. A prediction is judged by what is measured afterwards, never by a written
 * answer: a number ("answer 100 * val_accuracy"), or choices with a condition each ("- more:
 * experts_per_token > one.experts_per_token"). A quiz has right ("+ ") and wrong ("- ") answers,
 * and may say why ("> "). */
#include "core/script/expect.h"

enum { ASK_CHOICES = 6 };
struct ask {
    char question[480], why[320];
    bool quiz;
    char field[64]; /* a number: scale * field; "" choices */
    double scale;
    int choices;
    struct {
        char text[160];
        bool right;         /* of a quiz */
        struct expect when; /* of a prediction */
    } choice[ASK_CHOICES];
};
bool ask_read(struct ask *to, const char *text, bool quiz, struct err *e);
/* What is true now: the number, or the choice's index. NaN: not measured yet, or no choice holds. */
double ask_truth(const struct ask *a, const struct snapshot *s);
/* What a person says: a number, a choice's letter or its text. False: e says what is asked for. */
bool ask_guess(const struct ask *a, const char *words, double *to, struct err *e);
/* How the guess fared: "You said 70, it is 57.4: off by 12.6". */
void ask_judge(const struct ask *a, double guess, double truth, struct text *out);
#endif
