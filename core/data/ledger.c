/* core/data/ledger.c - Text whose difficulty is known byte by byte: a line an order,
 *
 *     #GZ1 piano Bay>North 8+8=16kg GZ1 North ok
 *
 * code, item, from, to, two weights and their sum, and the code and the second place once more. The
 * generator makes beside every byte why it stands there:
 *     form    the template: nothing else can stand here
 *     spell   a letter that the letters before it force, within the word list
 *     copy    the code or the place, read off again
 *     sum     a digit of a sum without a carry;   carry  the same with one
 *     free    nobody can know: at least two bytes can follow what stands before in the line
 * A token's class is that of the byte it must predict. Every sequence begins with a line of its
 * own, so that what is to be copied stands in it: in windows cut anywhere, 43 % of the copies are
 * guesses that no model can make (measured), and their class a lie. Training draws new lines for
 * ever. */
#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/data/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum class { FORM, SPELL, COPY, SUM, CARRY, FREE };
enum { LINE = 80, VAL_TOKENS = 1 << 16 };

static const char letters[] = "BCDFGHJKLMNPRSTVWXZ";
static const char *const items[] = {"box",      "sofa",     "lamp",     "crate",   "piano",
                                    "chair",    "table",    "mirror",   "fridge",  "dresser",
                                    "wardrobe", "bookcase", "suitcase", "mattress"};
static const char *const places[] = {"Elm",   "Oak",   "Ash",  "Bay",   "Hill",  "Lake",  "Mill",
                                     "Park",  "Rose",  "York", "Cedar", "Dover", "Essex", "Grove",
                                     "Maple", "North", "Quay", "Upton", "Vale",  "Wells"};
/* The new district speaks German; as many words, so that the same draws choose among them. */
static const char *const new_items[] = {"Kiste",   "Sofa",  "Lampe",   "Bett",    "Klavier",
                                        "Stuhl",   "Tisch", "Spiegel", "Herd",    "Schrank",
                                        "Kommode", "Regal", "Koffer",  "Matratze"};
static const char *const new_places[] = {
    "Ulm",  "Jena",  "Bonn",  "Kiel",   "Trier",  "Hof",    "Essen", "Zell",  "Lahr",   "Worms",
    "Gera", "Celle", "Fulda", "Minden", "Passau", "Aachen", "Husum", "Neuss", "Speyer", "Weimar"};
enum { ITEMS = sizeof items / sizeof *items, PLACES = sizeof places / sizeof *places };
_Static_assert(sizeof new_items == sizeof items && sizeof new_places == sizeof places, "as many");

struct line {
    int length;
    uint8_t byte[LINE], class[LINE];
};

static void put(struct line *l, const char *bytes, enum class class)
{
    for (; *bytes; bytes++, l->length++)
        l->byte[l->length] = (uint8_t)*bytes, l->class[l->length] = (uint8_t) class;
}

/* Letter i of a word is forced where every word of the list that begins like it goes on like it. */
static void put_word(struct line *l, const char *word, const char *const *list, int count)
{
    for (size_t i = 0; word[i]; i++) {
        bool forced = true;
        for (int k = 0; k < count; k++)
            forced &= strncmp(list[k], word, i) != 0 || list[k][i] == word[i];
        put(l, (char[]){word[i], 0}, forced ? SPELL : FREE);
    }
}

/* Drawn in this order: two letters and the digit of the code, item, both places, x's last digit,
 * whether it has tens, these, y. */
static void make_line(struct line *l, struct rng *r, int district)
{
    const char *const *items_of = district ? new_items : items, *const *places_of =
                                                                    district ? new_places : places;
    uint32_t kinds = sizeof letters - 1;
    char code[4] = {0}, number[16];
    code[0] = letters[rng_below(r, kinds)], code[1] = letters[rng_below(r, kinds)];
    code[2] = (char)('0' + rng_below(r, 10));
    const char *item = items_of[rng_below(r, ITEMS)], *from = places_of[rng_below(r, PLACES)],
               *to = places_of[rng_below(r, PLACES)];
    int ones = 1 + (int)rng_below(r, 9), tens = rng_below(r, 2) ? 1 + (int)rng_below(r, 8) : 0,
        x = 10 * tens + ones, y = 1 + (int)rng_below(r, 9);
    l->length = 0;
    put(l, "#", FORM), put(l, code, FREE), put(l, " ", FORM);
    put_word(l, item, items_of, ITEMS), put(l, " ", FORM);
    put_word(l, from, places_of, PLACES), put(l, ">", FORM);
    put_word(l, to, places_of, PLACES), put(l, " ", FORM);
    snprintf(number, sizeof number, "%d", x);
    put(l, number, FREE);
    put(l, "+", tens || ones == 9 ? FORM : FREE); /* behind a lone 1 to 8 a digit could follow */
    put(l, (char[]){(char)('0' + y), 0}, FREE), put(l, "=", FORM);
    snprintf(number, sizeof number, "%d", x + y);
    put(l, number, ones + y >= 10 ? CARRY : SUM), put(l, "kg ", FORM);
    put(l, code, COPY), put(l, " ", FORM), put(l, to, COPY), put(l, " ok\n", FORM);
}

/* ---- the data set ---- */
struct ledger {
    struct dataset base;
    uint64_t seed; /* of the task: the validation lines */
};

/* Tokens first .. first + context - 1 of b: a sequence by its number, each token with the byte
 * behind it as its label. */
static void fill_sequence(struct batch *b, int first, struct rng r, uint64_t number)
{
    struct line line;
    r.counter[2] = (uint32_t)(number >> 32);
    make_line(&line, &r, b->day.district);
    for (int i = 0, at = 0; i <= b->context; i++, at++) {
        int t = first + i;
        if (at == line.length) make_line(&line, &r, b->day.district), at = 0;
        if (i > 0) b->label[t - 1] = line.byte[at], b->kind[t - 1] = line.class[at];
        if (i == b->context) break;
        b->ids[t] = line.byte[at];
        b->id[t] = (int64_t)number * (b->context + 1) + i; /* a gap between sequences */
    }
}

static void ledger_fill(const struct dataset *d, uint64_t seed, enum data_split split,
                        int64_t index, struct batch *b)
{
    bool train = split == DATA_TRAIN;
    memset(b->need, -1, (size_t)b->T * sizeof *b->need); /* in experts nobody knows it */
    memset(b->kind, -1, (size_t)b->T * sizeof *b->kind);
    memset(b->label, -1, (size_t)b->T * sizeof *b->label);
    memset(b->ids, 0, (size_t)b->T * sizeof *b->ids);
    memset(b->id, -1, (size_t)b->T * sizeof *b->id);
    if (!train) seed = ((const struct ledger *)d)->seed;
    for (int s = 0; s < b->sequences; s++) {
        uint64_t number = (uint64_t)index * (uint64_t)b->sequences + (uint64_t)s;
        if (!train && (number + 1) * (uint64_t)b->context > VAL_TOKENS) continue; /* the end */
        struct rng r = rng_at(seed, train ? RNG_TRAIN : RNG_TEST, (uint32_t)number);
        fill_sequence(b, s * b->context, r, number);
    }
}

static void ledger_show(const struct dataset *d, const struct batch *b, int token, char *to,
                        int size)
{
    (void)d;
    sign_show(&(uint8_t){(uint8_t)b->ids[token]}, 1, to, size);
}

static void ledger_close(struct dataset *d)
{
    free(d);
}

static struct dataset *ledger_open(const struct dataset_type *type, const char *argument,
                                   uint64_t seed, struct err *e)
{
    struct ledger *d = argument ? NULL : calloc(1, sizeof *d);
    if (argument)
        err_set(e, ERR_USAGE,
                "the ledger is written on the spot and takes no file; for a file say text:%.80s",
                argument);
    else if (!d)
        err_set(e, ERR_MEMORY, "not enough memory for the data set ledger (%zu bytes)", sizeof *d);
    if (!d) return NULL;
    d->base = (struct dataset){.type = type,
                               .shape = {.text = true, .input = 256, .items = 1, .classes = 256},
                               .label = "ledger",
                               .fingerprint = 0x6c65646765723031 ^ seed, /* "ledger01" */
                               .val_tokens = VAL_TOKENS,
                               .close = ledger_close,
                               .fill = ledger_fill,
                               .show = ledger_show};
    d->seed = seed;
    return &d->base;
}

const struct dataset_type dataset_type_ledger = {
    .name = "ledger",
    .title = "A ledger of orders",
    .help = "made-up text, a line an order, of which every byte's class is known: form, spell, "
            "copy, sum, carry, or free, which nobody can know",
    .text = true,
    .shifts = DATA_DISTRICT,
    .sizes = {.layers = 2,
              .width = 64,
              .heads = 4,
              .context = 64,
              .experts = 8,
              .expert_width = 32,
              .batch = 16},
    .steps = 2000,
    .lr_default = 3e-3,
    .starts = {DATA_TEXT_STARTS},
    .kinds = {[FORM] = "form",
              [SPELL] = "spell",
              [COPY] = "copy",
              [SUM] = "sum",
              [CARRY] = "carry",
              [FREE] = "free"},
    .open = ledger_open,
};
