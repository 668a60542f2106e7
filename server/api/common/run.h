/* From a process with arguments to a job: what both faces do alike. */
#ifndef API_COMMON_RUN_H
#define API_COMMON_RUN_H

#include "graph/graph.h"
#include "http/route.h"
#include "store/jobs.h"

/* Checks without asking for scenes. */
bool run_check(struct request *rq, const json_t *process, const json_t *arguments,
               const char *pointer, enum dialect dialect, struct err *err) MUST_USE;

struct run_estimate {
    json_t *value; /* the result, when it is not a cube: nothing need be computed (owned) */
    int64_t pixels_in, bytes_in, bytes_out, memory_bytes;
    double seconds; /* on one core */
    bool unknown;   /* users' code decides: the numbers are 0 */
};
/* Plans (asks the catalogue, reads no pixel). Errors: those of the graph, MemoryExceeded. */
bool run_estimate(struct request *rq, const json_t *process, const json_t *arguments,
                  const char *pointer, enum dialect dialect, enum plan_mode mode,
                  struct run_estimate *ret_estimate, struct err *err) MUST_USE;
/* The price list of this service; `budget` < 0: none. Kept with what is started. */
struct job_terms run_terms(const struct request *rq, double budget);
/* What it would cost by that list. */
double run_costs(const struct request *rq, const struct run_estimate *estimate);
/* Refuses what would cost more than `budget` (< 0: nothing). Errors: PaymentRequired. */
bool run_within_budget(const struct request *rq, const struct run_estimate *estimate, double budget,
                       struct err *err) MUST_USE;
/* Refuses what is too large to be waited for. Errors: ProcessGraphComplexity. */
bool run_fits_sync(const struct request *rq, const struct run_estimate *estimate,
                   struct err *err) MUST_USE;

/* A synchronous request runs twice or more often: first it submits, then it is woken. This keeps
 * what must be known in between (rq->state). */
struct run_wait {
    char job[ID_UUID_SIZE];
    int64_t deadline_ms; /* instant_monotonic() */
};
/* Submits an interactive job and waits for it for `timeout_ms`. */
bool run_submit(struct request *rq, struct reply *reply, const struct job_input *in,
                int64_t timeout_ms, struct err *err) MUST_USE;
enum run_outcome { RUN_WAITS /* the reply says so */, RUN_ENDED, RUN_LATE, RUN_REFUSED };
/* Called when woken: RUN_ENDED gives the job (to be freed by job_done). */
enum run_outcome run_look(struct request *rq, struct reply *reply, struct job *ret_job,
                          struct err *err) MUST_USE;

/* err_set() with the cause that a failed job recorded. */
bool run_refuse_failed(const struct job *job, struct err *err);

/* The job of the path variable `name` that belongs to the caller. Errors: JobNotFound. */
bool run_job(struct request *rq, const char *name, struct job *ret_job, struct err *err) MUST_USE;
/* AUTO(job_value) struct job job = { 0 }; */
__attribute__((unused)) static inline void job_value_drop(struct job *job)
{
    job_done(job);
}

#endif
