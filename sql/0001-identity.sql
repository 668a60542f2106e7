-- Who may use the service: users, and what proves who they are. Secrets are stored as hashes only.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE settings(         -- what the service keeps for itself (the key of signed links)
  name text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE users(
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL UNIQUE,   -- log-in of a local user; "issuer|subject" of others
  email text,
  role smallint NOT NULL DEFAULT 1 CHECK (role BETWEEN 1 AND 3),  -- user, operator, admin
  password text,               -- argon2id; NULL: cannot log in here
  created timestamptz NOT NULL DEFAULT now(),
  weight real NOT NULL DEFAULT 1 CHECK (weight > 0),              -- share of the workers
  last_tag float8 NOT NULL DEFAULT 0                              -- fair queueing: virtual start time
);

CREATE TABLE tokens(           -- sessions of /credentials/basic
  hash bytea PRIMARY KEY,      -- SHA-256 of the token
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created timestamptz NOT NULL DEFAULT now(),
  expires timestamptz NOT NULL
);
CREATE INDEX tokens_expires ON tokens(expires);

CREATE TABLE api_keys(
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  hash bytea NOT NULL UNIQUE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  title text NOT NULL,
  created timestamptz NOT NULL DEFAULT now(),
  used timestamptz
);
CREATE INDEX api_keys_user ON api_keys(user_id);
