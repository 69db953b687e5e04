#ifndef CORE_DATA_DATASET_H
#define CORE_DATA_DATASET_H
/* Where tokens come from. A data set is one file and one entry of the table in datasets.c; an open
 * one is a struct dataset. Batches are made by index: any batch can be made again, in any order
 * (resume, race, replay). */
#include "core/base/err.h"
#include "core/base/option.h"
#include <stdint.h>

enum { DATA_ITEMS = 8, DATA_KINDS = 8 };
enum data_split { DATA_TRAIN, DATA_VAL };

/* The shape a model must have for this data. */
struct data_shape {
    /* true: ids in, next byte out, sequences; false: feature rows, independent tokens */
    bool text;
    int input;     /* features a token (not text) or vocabulary (text: 256) */
    int items;     /* predictions a token: 8 (orders), 1 (text) */
    int classes;   /* classes a prediction: 4, 256 */
    int positions; /* text: bytes in the training split (0: without end), else 0 */
    /* not text: inputs of one item, those that are not 0 where it is there; else 0 */
    int active;
};
/* The model that a data set wants where nobody named another. */
struct data_sizes {
    int layers, width, heads, context, experts, expert_width, batch;
};

/* What the data is like from now on, without being another data set: settings of the same names. 0:
 * as it always is. */
enum data_mix { MIX_USUAL, MIX_SMALL, MIX_LARGE, MIX_EVEN };   /* sizes of orders */
enum data_season { SEASON_ALL, SEASON_SUMMER, SEASON_WINTER }; /* half of the item types each */
enum { DATA_MIX = 1, DATA_SEASON = 2, DATA_DISTRICT = 4 };     /* which of them a data set has */
struct data_day {
    int mix, season;
    int district; /* 1: another task of the same kind (tables, words of another language) */
};

/* One batch, host memory owned by who made it (batch_open). T = sequences * context tokens. */
struct batch {
    int T, sequences, context; /* not text: sequences = T, context = 1 */
    struct data_day day;       /* set by who asks for it */
    float *x;                  /* [T, input]; NULL for text */
    int32_t *ids;              /* [T]; NULL unless text */
    int32_t *label;            /* [T * items], -1 where there is nothing to predict */
    int32_t *need;             /* [T] known need in experts, or -1 */
    int32_t *kind;             /* [T] class of the token (data set's own; -1 none) */
    int32_t *count;            /* [T] experts that a control forces on the token; see control.h */
    int64_t *id;               /* [T] order number, or byte position in the corpus */
};

/* Prices that suit orders, one token each, starve text: where the knobs of any text start. */
#define DATA_TEXT_STARTS                                                                           \
    {"topp", "entropy", .01}, {"topp", "aux", .1}, {"dynmoe", "count_price", .003},                \
        {"adak", "entropy_price", .01}, {"adak", "lambda", .03}, {"adamoe", "entropy_price", .01}, \
        {"moepp", "entropy_price", .01},                                                           \
    {                                                                                              \
        "unimoe", "entropy_price", .01                                                             \
    }

struct dataset;
struct dataset_type {
    const char *name, *title, *help;
    bool text;       /* sequences of bytes: see data_shape */
    unsigned shifts; /* DATA_MIX and the like */
    struct data_sizes sizes;
    int steps;         /* default budget */
    double lr_default; /* learning rate where the strategy has none of its own in lr */
    struct {
        const char *strategy;
        double lr;
    } lr[12]; /* per strategy; ends with NULL */
    /* knob starts that differ on this data */
    struct {
        const char *strategy, *knob;
        double value;
    } starts[16];
    const char *need_unit; /* what `need` counts, NULL: need is unknown */
    /* names of `kind` 0, 1 ..; NULL: kinds are numbers, or there are none */
    const char *kinds[DATA_KINDS + 1];
    /* argument: what stood behind "text:" (several: separated by '\n'); NULL where none may
     * stand */
    struct dataset *(*open)(const struct dataset_type *type, const char *argument, uint64_t seed,
                            struct err *e);
};
struct dataset {
    const struct dataset_type *type;
    struct data_shape shape;
    char label[64];       /* as people call it: "orders", "text: bible.txt" */
    uint64_t fingerprint; /* of the content; a resumed run on other data is refused */
    double val_tokens;    /* tokens in the whole validation split */
    void (*close)(struct dataset *d);
    /* Fills b (T, sequences, context, day set; arrays given) with batch `index` of a split.
     * Deterministic in (seed, split, index). Thread-safe: touches nothing of d. */
    void (*fill)(const struct dataset *d, uint64_t seed, enum data_split split, int64_t index,
                 struct batch *b);
    /* An order of these item types (from 0 on), made up anew by each `number`, in the place of b's
     * first token. NULL: this data has no items. */
    void (*order)(const struct dataset *d, uint64_t number, const int *type, int types,
                  struct batch *b);
    /* What a token is, for people: orders "#4711", text the character (never a cut UTF-8 sequence,
     * control characters as a visible sign). to: at least 16 bytes. */
    void (*show)(const struct dataset *d, const struct batch *b, int token, char *to, int size);
};

const struct dataset_type *dataset_type(int i); /* the table; NULL past the end */
/* "orders", "text:FILE[\nFILE...]". */
struct dataset *dataset_open(const char *what, uint64_t seed, struct err *e);
/* A text of which only the shape is left, for a model that writes and is not trained. NULL: no
 * memory. */
struct dataset *dataset_blank_text(struct err *e);
void dataset_close(struct dataset *d); /* accepts NULL */
bool batch_open(struct batch *b, const struct data_shape *s, int sequences, int context,
                struct err *e);
void batch_close(struct batch *b); /* accepts a zeroed one */
double dataset_lr(const struct dataset_type *t, const char *strategy);
/* The start of a knob on this data set: its own where it has one, else the option's. */
double dataset_start(const struct dataset_type *t, const char *strategy, const struct option *knob,
                     int E, bool paper);
#endif
