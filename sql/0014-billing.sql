-- What jobs cost: prices as they were when the job was started, the memory that its tasks held, and what it
-- may cost. NULL: nothing is charged, there is no budget.
ALTER TABLE jobs ADD COLUMN price_work float8;             -- of a second that a task works
ALTER TABLE jobs ADD COLUMN price_memory float8;           -- of a gigabyte for a second
ALTER TABLE jobs ADD COLUMN price_result float8;           -- of a gigabyte of results
ALTER TABLE jobs ADD COLUMN budget float8;
ALTER TABLE jobs ADD COLUMN memory_seconds float8 NOT NULL DEFAULT 0; -- gigabytes times seconds, so far
ALTER TABLE tasks ADD COLUMN started timestamptz;          -- by who holds it now
CREATE INDEX jobs_with_budget ON jobs(id) WHERE budget IS NOT NULL AND state IN (1, 2);
