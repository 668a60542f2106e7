-- Processes that users deploy (OGC API - Processes, Part 2), and the steps of jobs that run commands.
CREATE TABLE deployed_processes(
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  version int NOT NULL DEFAULT 1,            -- counts the changes
  mutable boolean NOT NULL DEFAULT true,
  shared boolean NOT NULL DEFAULT false,     -- with everybody
  groups text[] COLLATE "C" NOT NULL DEFAULT '{}', -- their members may see and run it
  description json NOT NULL,
  unit json NOT NULL,                        -- what a job plans: a process graph, or {"cwl": document}
  package bytea NOT NULL,                    -- as it came
  package_type text NOT NULL,
  created timestamptz NOT NULL DEFAULT now(),
  updated timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (owner, id)
);
CREATE INDEX deployed_processes_id ON deployed_processes(id);

CREATE TABLE deployed_versions(              -- all but the latest
  owner uuid NOT NULL,
  id text COLLATE "C" NOT NULL,
  version int NOT NULL,
  description json NOT NULL,
  unit json NOT NULL,
  package bytea NOT NULL,
  package_type text NOT NULL,
  PRIMARY KEY (owner, id, version),
  FOREIGN KEY (owner, id) REFERENCES deployed_processes ON DELETE CASCADE
);

CREATE TABLE job_steps(                      -- of the latest run of a job
  job uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
  run int NOT NULL,
  key text COLLATE "C" NOT NULL,             -- its place in the workflow; '' has the inputs of the whole
  number int NOT NULL,                       -- of its task
  name text NOT NULL,
  step json,                                 -- {"process", "inputs"}
  outputs json,                              -- when it is done
  PRIMARY KEY (job, key)
);

ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check,
                  ADD CHECK (kind BETWEEN 0 AND 4); -- plan, compute, assemble, stage, step
