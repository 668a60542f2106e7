/* The store of jobs and tasks against a private cluster that is thrown away: submission, claims in
 * fair order, fencing, retries, temporaries, and the refusal of a newer database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/mem.h"
#include "json/js.h"
#include "store/cluster.h"
#include "store/gc.h"
#include "store/migrate.h"
#include "store/tasks.h"
#include "store/workers.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALICE "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"
#define GOOD(call)                                                                                 \
    do {                                                                                           \
        struct err err_ = { 0 };                                                                   \
        err = &err_;                                                                               \
        if (!(call))                                                                               \
            fail_msg("%s: %s", err_name(err_.code), err_.message);                                 \
    } while (0)

enum { WORKER = 7, LEASE = 15, SLOT = 1 << 30 };

static struct err *err;
static struct config *config;
static struct store *store;
static struct db *db;
static char folder[] = "/tmp/sentier-queue-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    chmod(folder, 0755); /* as root the database runs as another user */
    GOOD(config_load(NULL, &config, err));
    free((char *)config->data);
    config->data = mem_text(folder);
    GOOD(store_open(config, &store, err));
    GOOD(db_open(store_url(store), &db, err));
    GOOD(db_script(db, "INSERT INTO users(id, name) VALUES ('" ALICE "', 'alice'), ('" BOB "', 'bob')",
                   err));
    return 0;
}

static int tear_down(void **state)
{
    AUTO(mem) char *command = mem_printf("rm -rf '%s'", folder);

    (void)state;
    db_close(db);
    store_close(store);
    config_free(config);
    return system(command);
}

/* Each test starts without jobs. */
static int clean(void **state)
{
    (void)state;
    GOOD(db_script(db, "DELETE FROM jobs; DELETE FROM workers; UPDATE users SET last_tag = 0", err));
    return 0;
}

static void submit(const char *owner, char id[static ID_UUID_SIZE])
{
    AUTO(json) json_t *process = json_pack("{s:{}}", "process_graph");
    struct job_input in = { .owner = owner, .face = "openeo", .title = "a job", .process = process,
                            .class = CLASS_NORMAL };

    struct job_receipt receipt;

    GOOD(job_submit(db, &in, &receipt, err));
    assert_true(receipt.created > 0);
    memcpy(id, receipt.id, sizeof receipt.id);
}

static bool claim(struct task *task)
{
    size_t found = 0;

    GOOD(task_claim(db, WORKER, &(struct task_room){ .bytes = SLOT, .stagings = 4 }, LEASE, task, 1, &found, err));
    return found == 1;
}

struct call {
    struct task *task;
    const struct task_plan *plan;
    enum hold hold;
    bool artefact;
};

static bool settle_body(struct db *d, void *arg, struct err *e)
{
    struct call *c = arg;

    if (!task_hold(d, c->task, &c->hold, e))
        return false;
    if (c->hold != HOLD_MINE)
        return true;
    if (c->plan) {
        AUTO(json) json_t *nothing = json_object();
        struct job_work work;
        struct job_planned planned = { .scenes = nothing, .estimate = nothing, .blocks = 40,
                                       .n_tasks = (int)c->plan->n_ranges + 2, .seconds = 40 };
        bool good = job_load_work(d, c->task->job, &work, e) &&
                    job_set_planned(d, c->task->job, &planned, e) &&
                    task_add_plan(d, &work, c->plan, e);

        job_work_done(&work);
        if (!good)
            return false;
    }
    return (!c->artefact || artefact_add(d, c->task, 100, e)) && task_settle(d, c->task, 1, e);
}

static enum hold settle(struct task *task, const struct task_plan *plan, bool artefact)
{
    struct call c = { task, plan, HOLD_LOST, artefact };

    GOOD(db_transact(db, settle_body, &c, err));
    return c.hold;
}

static const int64_t four_ends[] = { 10, 20, 30, 40 };
static const struct task_plan four = { 4, four_ends, 4, 1 };

static enum job_state state_of(const char *owner, const char *id)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct job job;

    GOOD(job_load(db, arena, owner, id, &job, err));
    job_done(&job);
    return job.state;
}

static void submitted_jobs_are_queued_and_claimed(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    char id[ID_UUID_SIZE];
    struct task task;
    struct job job;

    (void)state;
    submit(ALICE, id);
    GOOD(job_load(db, arena, ALICE, id, &job, err));
    assert_int_equal(job.state, JOB_QUEUED);
    assert_string_equal(job.title, "a job");
    assert_string_equal(job.waiting, "No worker is running.");
    assert_true(json_is_object(json_object_get(job.process, "process_graph")));
    job_done(&job);
    assert_true(claim(&task));
    assert_string_equal(task.job, id);
    assert_int_equal(task.kind, TASK_PLAN);
    assert_int_equal(state_of(ALICE, id), JOB_RUNNING);
    assert_false(claim(&task));
}

static void other_peoples_jobs_do_not_exist(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    char id[ID_UUID_SIZE];
    struct job job;
    struct err e = { 0 };

    (void)state;
    submit(ALICE, id);
    assert_false(job_load(db, arena, BOB, id, &job, &e));
    assert_int_equal(e.code, ERR_JobNotFound);
    err_clear(&e);
    assert_false(job_cancel(db, BOB, id, &e));
    assert_int_equal(e.code, ERR_JobNotFound);
    err_clear(&e);
    assert_false(job_delete(db, ALICE, "'; DROP TABLE jobs; --", &e));
    assert_int_equal(e.code, ERR_JobNotFound);
    err_clear(&e);
    assert_false(job_start(db, ALICE, id, 0, NULL, &e));
    assert_int_equal(e.code, ERR_JobLocked);
}

static void a_plan_becomes_tasks_and_the_last_input_frees_the_consumer(void **state)
{
    char id[ID_UUID_SIZE];
    struct task task, part;

    (void)state;
    submit(ALICE, id);
    assert_true(claim(&task));
    assert_int_equal(settle(&task, &four, false), HOLD_MINE);
    for (int i = 0; i < 4; i++) {
        assert_true(claim(&part));
        assert_int_equal(part.number, i + 1); /* depth first: in post-order */
        assert_int_equal(part.first, i * 10);
        assert_int_equal(part.blocks, 10);
        assert_false(i < 3 && part.kind != TASK_COMPUTE);
        assert_int_equal(settle(&part, NULL, true), HOLD_MINE);
    }
    assert_true(claim(&task));
    assert_int_equal(task.kind, TASK_ASSEMBLE);
    assert_false(claim(&part));
}

static void a_fenced_task_cannot_finish_and_a_finished_one_says_so(void **state)
{
    char id[ID_UUID_SIZE];
    struct task first, second;
    struct task_failure lost = { .code = ERR_TaskLost, .message = "silent", .retry = true,
                                 .lost = true, .max_failures = 3 };

    (void)state;
    submit(ALICE, id);
    assert_true(claim(&first));
    GOOD(task_fail(db, &first, &lost, err));
    assert_true(claim(&second));
    assert_int_equal(first.id, second.id);
    assert_int_not_equal(first.token, second.token);
    assert_int_equal(settle(&first, &four, false), HOLD_LOST);
    assert_int_equal(settle(&second, &four, false), HOLD_MINE);
    assert_int_equal(settle(&second, &four, false), HOLD_DONE); /* its answer was lost */
    GOOD(task_fail(db, &second, &lost, err));                   /* and nothing can undo it */
    assert_int_equal(settle(&second, NULL, false), HOLD_DONE);
}

static void heartbeat_renews_what_is_held_and_tells_what_is_not(void **state)
{
    char id[ID_UUID_SIZE];
    struct worker worker = { .id = WORKER, .host = "here", .process = 1, .slots = 1, .slot_bytes = SLOT };
    struct task task, lost[4];
    int64_t tokens[2];
    bool held[2], known;
    size_t count;

    (void)state;
    submit(ALICE, id);
    GOOD(worker_register(db, &worker, err));
    assert_true(claim(&task));
    GOOD(db_script(db, "UPDATE tasks SET lease = now() - interval '1 s' WHERE state = 'x'", err));
    GOOD(task_list_lost(db, 0, lost, 4, &count, err));
    assert_int_equal(count, 1);
    tokens[0] = task.token;
    tokens[1] = task.token + 1;
    GOOD(worker_beat(db, WORKER, 0, LEASE, tokens, held, 2, &known, err));
    assert_true(known && held[0] && !held[1]);
    GOOD(task_list_lost(db, 0, lost, 4, &count, err));
    assert_int_equal(count, 0);
    GOOD(task_list_lost(db, WORKER, lost, 4, &count, err));
    assert_int_equal(count, 1);
    GOOD(worker_beat(db, WORKER + 1, 0, LEASE, tokens, held, 2, &known, err));
    assert_false(known || held[0]);
}

static void retries_are_bounded_and_a_users_error_is_final(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    char id[ID_UUID_SIZE];
    struct task task;
    struct task_failure crash = { .code = ERR_Internal, .message = "signal 11", .retry = true,
                                  .max_failures = 3 };
    struct task_failure user = { .code = ERR_SourceUnreadable, .message = "B04.tif is gone",
                                 .node = "load1", .max_failures = 3 };
    struct job_log logs[8];
    struct job job;
    size_t count;

    (void)state;
    submit(ALICE, id);
    for (int i = 0; i < 3; i++) {
        GOOD(db_script(db, "UPDATE tasks SET not_before = '-infinity'", err));
        assert_true(claim(&task));
        GOOD(task_fail(db, &task, &crash, err));
        assert_false(claim(&task)); /* it pauses, or it was the last time */
    }
    GOOD(job_load(db, arena, ALICE, id, &job, err));
    assert_int_equal(job.state, JOB_ERROR);
    assert_string_equal(job.error_code, "Internal");
    assert_string_equal(job.error_message, "signal 11 (tried 3 times)");
    job_done(&job);
    GOOD(job_start(db, ALICE, id, 0, NULL, err)); /* a failed job may run again */
    assert_true(claim(&task));
    assert_int_equal(task.run, 2);
    GOOD(task_fail(db, &task, &user, err));
    assert_int_equal(state_of(ALICE, id), JOB_ERROR);
    GOOD(job_log_list(db, arena, ALICE, id, "error", 0, 8, logs, &count, err));
    assert_int_equal(count, 2);
    assert_string_equal(logs[1].code, "SourceUnreadable");
    assert_string_equal(json_string_value(json_object_get(logs[1].data, "node")), "load1");
    for (size_t i = 0; i < count; i++)
        json_decref(logs[i].data);
}

static void cancel_takes_the_token_away(void **state)
{
    char id[ID_UUID_SIZE];
    struct task task;

    (void)state;
    submit(ALICE, id);
    assert_true(claim(&task));
    GOOD(job_cancel(db, ALICE, id, err));
    assert_int_equal(state_of(ALICE, id), JOB_CANCELED);
    assert_int_equal(settle(&task, &four, false), HOLD_LOST);
    assert_false(claim(&task));
    GOOD(job_cancel(db, ALICE, id, err)); /* once more changes nothing */
    GOOD(job_delete(db, ALICE, id, err));
}

static bool reopen_body(struct db *d, void *arg, struct err *e)
{
    struct call *c = arg;
    const int missing[] = { 2, 3 };

    return task_hold(d, c->task, &c->hold, e) && task_reopen(d, c->task, missing, 2, e);
}

static void a_lost_temporary_is_made_again(void **state)
{
    char id[ID_UUID_SIZE];
    struct task task, part;
    struct call c = { .task = &task };
    AUTO(mem) struct artefact *inputs = NULL;
    size_t count;

    (void)state;
    submit(ALICE, id);
    assert_true(claim(&task));
    assert_int_equal(settle(&task, &four, false), HOLD_MINE);
    for (int i = 0; i < 4; i++) {
        assert_true(claim(&part));
        assert_int_equal(settle(&part, NULL, true), HOLD_MINE);
    }
    assert_true(claim(&task));
    GOOD(db_transact(db, reopen_body, &c, err));
    for (int i = 2; i <= 3; i++) {
        assert_true(claim(&part));
        assert_int_equal(part.number, i);
        assert_int_equal(settle(&part, NULL, true), HOLD_MINE);
    }
    assert_true(claim(&task));
    assert_int_equal(task.kind, TASK_ASSEMBLE);
    GOOD(artefact_inputs(db, id, task.number, &inputs, &count, err));
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++)
        assert_int_not_equal(inputs[i].token, 0);
}

/* A small job of another user does not wait for the end of a big one. */
static void users_share_fairly(void **state)
{
    char big[ID_UUID_SIZE], small[ID_UUID_SIZE];
    struct task task;
    int position = 0;

    (void)state;
    submit(ALICE, big);
    assert_true(claim(&task));
    assert_int_equal(settle(&task, &four, false), HOLD_MINE);
    submit(BOB, small);
    do {
        assert_true(claim(&task));
        position++;
    } while (strcmp(task.job, small));
    assert_in_range(position, 1, 2);
}

static void a_task_that_needs_more_room_waits_for_it(void **state)
{
    char id[ID_UUID_SIZE];
    struct task task;
    size_t found;

    (void)state;
    submit(ALICE, id);
    GOOD(db_script(db, "UPDATE tasks SET memory_bytes = 3000000000", err));
    assert_false(claim(&task));
    GOOD(task_claim(db, WORKER, &(struct task_room){ .bytes = 3LL << 30, .stagings = 4 }, LEASE, &task, 1, &found, err));
    assert_int_equal(found, 1);
}

static void a_spare_place_is_for_first_tasks(void **state)
{
    const struct task_room spare = { .bytes = SLOT, .plans_only = true };
    char large[ID_UUID_SIZE], small[ID_UUID_SIZE];
    struct task task;
    size_t found;

    (void)state;
    submit(ALICE, large);
    assert_true(claim(&task));
    assert_int_equal(settle(&task, &four, false), HOLD_MINE);
    GOOD(task_claim(db, WORKER, &spare, LEASE, &task, 1, &found, err));
    assert_int_equal(found, 0);
    submit(BOB, small);
    GOOD(task_claim(db, WORKER, &spare, LEASE, &task, 1, &found, err));
    assert_int_equal(found, 1);
    assert_string_equal(task.job, small);
}

static void lists_are_paged_without_gaps(void **state)
{
    AUTO(arena) struct arena *arena = arena_new();
    struct job_filter filter = { .face = "openeo", .limit = 2 };
    struct job jobs[2];
    char id[ID_UUID_SIZE];
    size_t count, seen = 0;
    bool more = true;

    (void)state;
    for (int i = 0; i < 5; i++)
        submit(ALICE, id);
    while (more) {
        GOOD(job_list(db, arena, ALICE, &filter, jobs, &count, &more, err));
        for (size_t i = 0; i < count; i++)
            job_done(&jobs[i]);
        seen += count;
        filter.after = arena_text(arena, jobs[count - 1].id);
    }
    assert_int_equal(seen, 5);
    filter = (struct job_filter){ .face = "ogc", .limit = 2 };
    GOOD(job_list(db, arena, ALICE, &filter, jobs, &count, &more, err));
    assert_int_equal(count, 0);
}

static void log_partitions_are_made_ahead(void **state)
{
    AUTO(rows) PGresult *rows = NULL;
    int64_t dropped;

    (void)state;
    GOOD(gc_logs(db, 90 * 86400, &dropped, err));
    GOOD(db_query(db, &rows, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'job_logs'::regclass",
                  DB_NO_ARGS, err));
    assert_int_equal(row_int(rows, 0, 0), 5); /* the default, today and three days */
    assert_int_equal(dropped, 0);
}

static void a_newer_database_is_refused(void **state)
{
    struct err e = { 0 };
    int applied;

    (void)state;
    GOOD(db_script(db, "INSERT INTO schema_version(number, file) VALUES (9999, 'future')", err));
    assert_false(migrate_run(db, &applied, &e));
    assert_int_equal(e.code, ERR_DatabaseNewer);
    err_clear(&e);
    assert_false(migrate_check(db, &e));
    assert_int_equal(e.code, ERR_DatabaseNewer);
    GOOD(db_script(db, "DELETE FROM schema_version WHERE number = 9999", err));
    GOOD(migrate_check(db, err));
    GOOD(migrate_run(db, &applied, err));
    assert_int_equal(applied, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clean)
    const struct CMUnitTest tests[] = {
        TEST(submitted_jobs_are_queued_and_claimed),
        TEST(other_peoples_jobs_do_not_exist),
        TEST(a_plan_becomes_tasks_and_the_last_input_frees_the_consumer),
        TEST(a_fenced_task_cannot_finish_and_a_finished_one_says_so),
        TEST(heartbeat_renews_what_is_held_and_tells_what_is_not),
        TEST(retries_are_bounded_and_a_users_error_is_final),
        TEST(cancel_takes_the_token_away),
        TEST(a_lost_temporary_is_made_again),
        TEST(users_share_fairly),
        TEST(a_task_that_needs_more_room_waits_for_it),
        TEST(a_spare_place_is_for_first_tasks),
        TEST(lists_are_paged_without_gaps),
        TEST(log_partitions_are_made_ahead),
        TEST(a_newer_database_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
