-- Workspaces: places outside of the service that results are exported to. Where one lies follows from its provider, its id and
-- the configuration.
CREATE TABLE workspaces(
  id uuid PRIMARY KEY,
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  provider text NOT NULL,
  title text,
  description text,
  groups text[] COLLATE "C" NOT NULL DEFAULT '{}', -- their members may see it and export to it
  bytes bigint NOT NULL DEFAULT 0,                 -- that were exported
  created timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX workspaces_owner ON workspaces(owner);

ALTER TABLE jobs ADD COLUMN exports json;          -- [{"workspace", "href"}], once finished
