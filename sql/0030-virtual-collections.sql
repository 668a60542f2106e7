-- Outputs of processes that are offered as collections (OGC API - Processes, collection output).
CREATE TABLE virtual_collections(
  id uuid PRIMARY KEY,
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  digest text NOT NULL,                      -- of the request: the same request is the same collection
  title text NOT NULL,
  process_id text NOT NULL,
  output text NOT NULL,
  process json,                              -- NULL: what the job made is read
  arguments json,
  job uuid REFERENCES jobs ON DELETE CASCADE,
  created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX virtual_collections_owner ON virtual_collections(owner, created DESC, id DESC);
CREATE INDEX virtual_collections_job ON virtual_collections(job);
