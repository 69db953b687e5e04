/* core/train/oracle.c - The best spread of a number of experts over tokens whose loss with each
 * count is known: exact, by dynamic programming over tokens and budget. Marginal gains alone would
 * be enough only where every further expert helped less than the one before. */
#include "core/train/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double probe_spread(const double *loss, int tokens, int E, int budget, int *count)
{
    size_t wide = (size_t)budget + 1;
    /* least[b]: of the tokens so far, with at most b experts; pick[i][b]: what token i got */
    double *least = calloc(2 * wide, sizeof *least), *next = least ? least + wide : NULL;
    uint8_t *pick = malloc((size_t)tokens * wide);
    double result = NAN;
    if (!least || !pick) goto done;
    for (int i = 0; i < tokens; i++) {
        for (int b = 0; b <= budget; b++) {
            next[b] = INFINITY, pick[(size_t)i * wide + (size_t)b] = 0;
            for (int n = 0; n <= E && n <= b; n++) {
                double sum = least[b - n] + loss[i * (E + 1) + n];
                if (!(sum < next[b])) continue;
                next[b] = sum, pick[(size_t)i * wide + (size_t)b] = (uint8_t)n;
            }
        }
        memcpy(least, next, wide * sizeof *least);
    }
    result = isfinite(least[budget]) ? least[budget] : NAN;
    for (int i = tokens - 1, b = budget; i >= 0; b -= count[i--])
        count[i] = pick[(size_t)i * wide + (size_t)b];
done:
    free(least), free(pick);
    return result;
}
