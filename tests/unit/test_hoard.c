/* base/hoard.h: made once whatever threads ask for it, kept while there is room. */
#include "base/hoard.h"
#include "base/crew.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include <cmocka.h>

enum { KEYS = 20, THREADS = 4, TAKES = 4000, SIZE = 10, BAD = 1000 };

struct counts {
    atomic_int made[KEYS], there;
};
struct thing {
    struct counts *counts;
    int key;
};

static bool make(void *context, const void *key, void **ret_thing, size_t *ret_bytes, struct err *err)
{
    struct counts *counts = context;
    struct thing *thing;

    if (*(const int *)key >= BAD)
        return err_set(err, ERR_Internal, "There is none.");
    thing = MEM_NEW(struct thing);
    *thing = (struct thing){ counts, *(const int *)key };
    atomic_fetch_add(&counts->made[thing->key], 1);
    atomic_fetch_add(&counts->there, 1);
    *ret_thing = thing;
    *ret_bytes = SIZE;
    return true;
}

static void drop(void *thing)
{
    atomic_fetch_sub(&((struct thing *)thing)->counts->there, 1);
    free(thing);
}

static struct hoard *hoard_of(struct counts *counts, size_t bytes)
{
    return hoard_new(&(struct hoard_kind){ sizeof(int), make, drop, counts }, bytes);
}

static bool take(void *context, void *own, size_t unit, struct err *err)
{
    struct hoard *hoard = context;
    int key = (int)(unit * 7 % KEYS);
    const struct thing *thing = hoard_take(hoard, &key, err);

    (void)own;
    if (!thing || thing->key != key)
        return false;
    hoard_give(hoard, &key);
    return true;
}

static bool take_all(struct hoard *hoard)
{
    const struct crew_work work = { .units = TAKES, .threads = THREADS, .context = hoard, .unit = take };
    struct err err = { 0 };

    return crew_run(&work, &err);
}

static void made_once_where_there_is_room(void **state)
{
    struct counts counts = { 0 };
    AUTO(hoard) struct hoard *hoard = hoard_of(&counts, KEYS * SIZE);

    (void)state;
    assert_true(take_all(hoard));
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(counts.made[i], 1);
    assert_int_equal(counts.there, KEYS);
}

static void no_more_than_fit_are_kept(void **state)
{
    struct counts counts = { 0 };
    struct hoard *hoard = hoard_of(&counts, 3 * SIZE + 5);

    (void)state;
    assert_true(take_all(hoard));
    assert_int_equal(counts.there, 3);
    hoard_free(hoard);
    assert_int_equal(counts.there, 0);
}

static void the_latest_stay_and_what_is_used(void **state)
{
    struct counts counts = { 0 };
    AUTO(hoard) struct hoard *hoard = hoard_of(&counts, 2 * SIZE);
    struct err err = { 0 };
    int first = 0, key;

    (void)state;
    assert_non_null(hoard_take(hoard, &first, &err)); /* and not given */
    for (key = 1; key < 5; key++) {
        assert_non_null(hoard_take(hoard, &key, &err));
        hoard_give(hoard, &key);
    }
    key = 4;
    assert_non_null(hoard_take(hoard, &key, &err));
    hoard_give(hoard, &key);
    assert_non_null(hoard_take(hoard, &first, &err));
    assert_int_equal(counts.made[0], 1);
    assert_int_equal(counts.made[4], 1);
    key = 3;
    assert_non_null(hoard_take(hoard, &key, &err));
    assert_int_equal(counts.made[3], 2);
}

static void what_cannot_be_made_is_tried_again(void **state)
{
    struct counts counts = { 0 };
    AUTO(hoard) struct hoard *hoard = hoard_of(&counts, SIZE);
    int bad = BAD, good = 1;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct err err = { 0 };

        assert_null(hoard_take(hoard, &bad, &err));
        assert_string_equal(err.message, "There is none.");
        assert_non_null(hoard_take(hoard, &good, &err));
        hoard_give(hoard, &good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once_where_there_is_room),
        cmocka_unit_test(no_more_than_fit_are_kept),
        cmocka_unit_test(the_latest_stay_and_what_is_used),
        cmocka_unit_test(what_cannot_be_made_is_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
