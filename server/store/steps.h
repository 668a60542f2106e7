/* Table job_steps: what a job is made of. A step of commands is a task of the job; a step of a workflow of processes
 * is a job of its own, the child. What a step gave is kept here, its files in the job's folder of temporaries or in
 * the child's folder of results. What changes rows is called inside the transaction of the planning task. */
#ifndef STORE_STEPS_H
#define STORE_STEPS_H

#include "store/tasks.h"

/* How far the steps of a run are. */
struct step_look {
    json_t *inputs;  /* NULL: not recorded */
    json_t *done;    /* {key: outputs} */
    json_t *begun;   /* {key: true, or the id of its child}, those that are done included */
    json_t *ended;   /* {key: {"job", "state", "code", "message"}} of children whose outputs are not recorded */
    int64_t n_ended; /* all that have ended */
};
void step_look_drop(struct step_look *look); /* AUTO(step_look) struct step_look look = { 0 }; */
bool step_look(struct db *db, const struct task *task, struct step_look *ret_look, struct err *err) MUST_USE;

/* Records the inputs; steps of earlier runs go. */
bool step_begin(struct db *db, const struct task *task, const json_t *inputs, struct err *err) MUST_USE;
/* Tasks for those of [{"key", "name", "process", "inputs"}] that are not begun. */
bool step_add(struct db *db, const struct task *planning, const struct job_work *work, const json_t *ready,
              const struct step_look *look, struct err *err) MUST_USE;
/* Steps of a workflow before they begin: {key: {"title"}}, in order. */
bool step_announce(struct db *db, const struct task *planning, const json_t *steps, struct err *err) MUST_USE;
/* A job of its own for the step. */
bool step_add_child(struct db *db, const struct task *planning, const char *key, const struct job_input *in,
                    struct err *err) MUST_USE;
/* All steps of a job at once, as tasks that wait for one another: [{"key", "name", "tag", "process", "inputs", "after": [keys before
 * it], "blocks": how much it is in the job's progress, "seconds": estimated, "before": seconds of the job's work that come first}].
 * The planning task runs again when those that nothing comes after have ended. */
bool step_add_all(struct db *db, const struct task *planning, const struct job_work *work, const json_t *steps,
                  struct err *err) MUST_USE;
/* Tasks that fetch products from tape are steps, too. */
bool step_show_stagings(struct db *db, const struct task *planning, struct err *err) MUST_USE;
/* The planning task itself is one, which is done, and what it will do at the end ("publish") another. */
bool step_show_planning(struct db *db, const struct task *planning, const char *name, double seconds, struct err *err) MUST_USE;
/* What the steps gave that the step of a task comes after: {key: outputs}. The caller owns it. */
bool step_inputs(struct db *db, const struct task *task, json_t **ret_outputs, struct err *err) MUST_USE;
/* The planning task waits; it looks again when one of the steps has ended that had not when `look` was taken. */
bool step_wait(struct db *db, const struct task *planning, const struct step_look *look, struct err *err) MUST_USE;

/* The step that this task runs; *ret_step is {"process", "inputs"}. Errors: Internal. */
bool step_load(struct db *db, struct arena *arena, const struct task *task, const char **ret_key, json_t **ret_step,
               struct err *err) MUST_USE;
/* Of a task's own step. */
bool step_finish(struct db *db, const struct task *task, const json_t *outputs, struct err *err) MUST_USE;
/* Of a child's. */
bool step_finish_child(struct db *db, const struct task *planning, const char *key, const json_t *outputs,
                       struct err *err) MUST_USE;

/* ---- for who asks ---- */

/* What a job is made of, in order: [{"key", "name", "tag" (or null), "task" (its number), "tries", "status": state of a job, "progress", "started", "finished" (ms, 0: not yet),
 * "job": its child or null, "message"}]. The caller owns it. */
bool step_list(struct db *db, const char *job, json_t **ret_list, struct err *err) MUST_USE;

/* Ends children whose parent has ended; `ret_count`: how many. */
bool step_end_orphans(struct db *db, int64_t *ret_count, struct err *err) MUST_USE;

#endif
