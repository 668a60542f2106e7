-- Web services that users make of process graphs. A tile that is being made is a job of its own.
CREATE TABLE services(
  id uuid PRIMARY KEY,
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  type text NOT NULL,
  title text,
  description text,
  process json NOT NULL,
  configuration json NOT NULL,
  request json,                              -- what else the client sent: plan, budget, log_level
  enabled boolean NOT NULL,
  revision int NOT NULL DEFAULT 1,           -- of process and configuration: names cached tiles
  created timestamptz NOT NULL DEFAULT now(),
  tiles bigint NOT NULL DEFAULT 0,           -- that were made
  seconds float8 NOT NULL DEFAULT 0,         -- of work
  costs float8 NOT NULL DEFAULT 0
);
CREATE INDEX services_owner ON services(owner, created DESC, id DESC);

CREATE TABLE service_tiles(                  -- being made
  service uuid NOT NULL REFERENCES services ON DELETE CASCADE,
  revision int NOT NULL,
  z smallint NOT NULL,
  x int NOT NULL,
  y int NOT NULL,
  job uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
  PRIMARY KEY (service, revision, z, x, y)
);
CREATE INDEX service_tiles_job ON service_tiles(job);

CREATE TABLE service_logs(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  service uuid NOT NULL REFERENCES services ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  level smallint NOT NULL CHECK (level BETWEEN 0 AND 3),
  code text,
  message text NOT NULL,
  data json
);
CREATE INDEX service_logs_service ON service_logs(service, id);
