-- Processes that users define (openEO: /process_graphs).
CREATE TABLE user_processes(
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  shared boolean NOT NULL DEFAULT false,     -- others may see and use it, as @OWNER
  process json NOT NULL,                     -- as text, so that clients get back what they sent
  created timestamptz NOT NULL DEFAULT now(),
  updated timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (owner, id)
);
