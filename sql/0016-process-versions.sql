-- Versions of users' processes: a change keeps what was there before. With whom they are shared besides everybody; which of
-- them a job was planned with.
ALTER TABLE user_processes
  ADD COLUMN version int NOT NULL DEFAULT 1,
  ADD COLUMN groups text[] COLLATE "C" NOT NULL DEFAULT '{}'; -- their members may see and use it
CREATE TABLE user_process_versions(            -- all but the latest
  owner uuid NOT NULL,
  id text COLLATE "C" NOT NULL,
  version int NOT NULL,
  process json NOT NULL,
  created timestamptz NOT NULL,
  PRIMARY KEY (owner, id, version),
  FOREIGN KEY (owner, id) REFERENCES user_processes ON DELETE CASCADE
);

ALTER TABLE jobs ADD COLUMN processes json;    -- [{"namespace", "id", "version"}], once planned
