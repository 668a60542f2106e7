-- Workflows of processes: each step is a job of its own, which belongs to the job of the workflow; steps may run on
-- other servers.
ALTER TABLE jobs ADD parent uuid REFERENCES jobs ON DELETE CASCADE;
CREATE INDEX jobs_parent ON jobs(parent) WHERE parent IS NOT NULL;

ALTER TABLE job_steps ALTER number DROP NOT NULL,
                      ADD child uuid,                   -- the job that does it; NULL: a task of this job
                      ADD finished timestamptz;

CREATE TABLE remote_jobs(                               -- that were begun on other servers and are not known to have ended
  job uuid PRIMARY KEY,                                 -- ours; it may be gone by now
  url text NOT NULL,                                    -- of the job there
  kind text NOT NULL CHECK (kind IN ('ogc', 'openeo')),
  polls int NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,                      -- calls in a row that were not answered
  not_before timestamptz NOT NULL DEFAULT now()         -- of the next try to dismiss it
);
