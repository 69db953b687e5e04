/* tests/core/script_packed.c - Files inside the program are those of the folder, byte by byte. */
#include "core/base/io.h"
#include "core/script/packed.h"
#include "tests/check.h"

START_TEST(every_packed_file_is_the_file_of_its_folder)
{
    int count = 0;
    for (const struct packed *p = packed_files; p->name; p++, count++) {
        char path[256];
        size_t size;
        struct err e = {0};
        const char *end = strcmp(p->folder, "lessons") == 0 ? "md" : "van";
        snprintf(path, sizeof path, "%s/%s.%s", p->folder, p->name, end);
        char *text = io_load(path, 1 << 20, &size, &e);
        ck_assert_msg(text != NULL, "%s: %s", path, e.text);
        ck_assert_msg(strcmp(text, p->text) == 0, "%s differs from what was packed", path);
        free(text);
    }
    ck_assert_int_gt(count, 0);
}
END_TEST

START_TEST(a_file_is_found_by_its_name_and_by_its_beginning)
{
    struct err e = {0};
    const struct packed *p = packed_find("lessons/scenarios", "scenario", "budget-cut", &e);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_eq(p, packed_find("lessons/scenarios", "scenario", "budg", &e));
    ck_assert_ptr_null(packed_find("lessons/scenarios", "scenario", "budget-cat", &e));
    ck_assert_msg(strstr(e.text, "did you mean budget-cut?"), "%s", e.text);
    ck_assert_ptr_null(packed_find("lessons/scenarios", "scenario", "", &e));
    ck_assert_ptr_null(packed_at("nowhere", 0));
}
END_TEST

SUITE(script_packed)
{
    TCase *t = tcase_create("packed");
    tcase_add_test(t, every_packed_file_is_the_file_of_its_folder);
    tcase_add_test(t, a_file_is_found_by_its_name_and_by_its_beginning);
    suite_add_tcase(suite, t);
}
