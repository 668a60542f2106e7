-- What exports have put into workspaces, so that a file that is put again, by a retry or by a job that is started again, counts once.
CREATE TABLE workspace_files(
  workspace uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  path text COLLATE "C" NOT NULL, -- below the workspace
  bytes bigint NOT NULL,          -- 0: nothing is there
  PRIMARY KEY (workspace, path)
);
