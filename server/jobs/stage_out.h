/* Outputs of packages as results of their job. */
#ifndef JOBS_STAGE_OUT_H
#define JOBS_STAGE_OUT_H

#include "base/mem.h"
#include "store/jobs.h"

/* Puts the files of the outputs into `fresh` and lists them; what is no file goes to result.json, by output. A Directory with catalog.json
 * is STAC: its items' assets are files of the job with what the items say of them. Texts are in the arena; the caller drops the fields. */
bool stage_out(const json_t *outputs, const char *fresh, struct arena *arena, struct job_asset **ret_assets,
               size_t *ret_count, struct err *err) MUST_USE;

#endif
