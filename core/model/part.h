#ifndef CORE_MODEL_PART_H
#define CORE_MODEL_PART_H
/* The parts of a training step that ops are timed by: see kn_times_part. */
enum model_part {
    PART_REST,
    PART_DENSE,
    PART_ATTENTION,
    PART_ROUTER,
    PART_EXPERTS,
    PART_LOSS,
    PART_OPTIMISER,
    PART_COUNT
};
/* For a profiler; NULL: what is in no range of its own. */
extern const char *const part_names[PART_COUNT];
#endif
