-- Lists of jobs by how long they took (job_read.c): found by the index alone, whatever else is asked of them.
ALTER TABLE jobs ADD COLUMN seconds float8 GENERATED ALWAYS AS (extract(epoch FROM finished - started)::float8) STORED;
CREATE INDEX jobs_owner_seconds ON jobs(owner, seconds) INCLUDE (created, id, state, process_id, face)
  WHERE seconds IS NOT NULL;
CREATE INDEX jobs_owner_running ON jobs(owner) WHERE finished IS NULL AND started IS NOT NULL;
