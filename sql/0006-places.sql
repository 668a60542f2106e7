-- Where the bytes of a product lie: at one or several endpoints, on disk, elsewhere or on tape. Not in
-- the item, which stays as it is: what is told here changes without rewriting it, and what an item
-- says never makes the service read a path of its own.

CREATE TABLE endpoints(
  number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,         -- the key in alternate and storage:schemes
  kind text NOT NULL CHECK (kind IN ('file', 'http', 's3', 'tape')),
  title text,                                    -- alternate:name
  priority integer NOT NULL DEFAULT 100,         -- the lowest is preferred
  site text,                                     -- processes of this catalog.site read here first
  access text NOT NULL DEFAULT 'public' CHECK (access IN ('public', 'users', 'listed')),
  root text,                                     -- hrefs that begin so ...
  url text,                                      -- ... are told as this and the rest
  scheme json,                                   -- of storage:schemes
  plain boolean NOT NULL GENERATED ALWAYS AS (number = 1 AND kind = 'file' AND url IS NULL
                                              AND scheme IS NULL) STORED,
  CHECK ((root IS NULL) = (url IS NULL))
);
-- Files of this installation: number 1. What only lies there needs no word in its item.
INSERT INTO endpoints(name, kind, title) VALUES ('local', 'file', 'This server');

CREATE TABLE group_members(
  name text COLLATE "C" NOT NULL,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (user_id, name)
);

-- Who may use an endpoint whose access is 'listed': users and members of groups.
CREATE TABLE endpoint_users(
  endpoint smallint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (endpoint, user_id)
);
CREATE TABLE endpoint_groups(
  endpoint smallint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  PRIMARY KEY (endpoint, name)
);

-- One row for a product at an endpoint.
CREATE TABLE places(
  collection integer NOT NULL REFERENCES collections(number) ON DELETE CASCADE,
  item text COLLATE "C" NOT NULL,
  endpoint smallint NOT NULL REFERENCES endpoints ON DELETE CASCADE,
  state "char" NOT NULL DEFAULT 'o' CHECK (state IN ('o', 's', 'r', 'f')),
                                                 -- online staging ordered offline
  since timestamptz NOT NULL DEFAULT now(),      -- of the state
  expires timestamptz,                           -- then an online copy is offline again
  href text,                                     -- of the product: file, folder, archive or URL
  staged text,                                   -- path of the copy that staging made
  size_bytes bigint,
  assets jsonb,                                  -- {asset: href}; "./x" in the product, "" it itself
  types jsonb,                                   -- {asset: media type}
  problem text,                                  -- why the last staging failed
  ours boolean NOT NULL DEFAULT false,           -- staging and ordered: by a task of ours
  PRIMARY KEY (collection, item, endpoint)
);
CREATE INDEX places_endpoint ON places(endpoint);
CREATE INDEX places_awaited ON places(collection, item) WHERE state IN ('s', 'r');
CREATE INDEX places_expires ON places(expires) WHERE expires IS NOT NULL;

-- Collections whose items have places that nobody needs to be told of cost searches nothing.
CREATE FUNCTION places_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE collections SET places = true
   WHERE NOT places AND number IN (SELECT DISTINCT p.collection FROM come p
                                     JOIN endpoints e ON e.number = p.endpoint
                                    WHERE NOT e.plain OR p.state <> 'o');
  RETURN NULL;
END $$;
CREATE TRIGGER places_known AFTER INSERT ON places
  REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION places_known();
CREATE TRIGGER places_known_anew AFTER UPDATE ON places
  REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION places_known();
CREATE FUNCTION endpoints_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE collections SET places = true
   WHERE NOT places AND EXISTS (SELECT 1 FROM places WHERE collection = collections.number
                                  AND endpoint = NEW.number);
  RETURN NULL;
END $$;
CREATE TRIGGER endpoints_known AFTER UPDATE ON endpoints FOR EACH ROW
  WHEN (NOT NEW.plain) EXECUTE FUNCTION endpoints_known();

-- Tasks that fetch a product from tape. One runs the command; those of other jobs wait for it.
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check,
                  ADD CHECK (kind BETWEEN 0 AND 3);  -- plan, compute, assemble, stage
CREATE INDEX tasks_staging ON tasks(id) WHERE kind = 3 AND state = 'x';
CREATE TABLE stagings(
  task bigint PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
  collection integer NOT NULL,
  item text COLLATE "C" NOT NULL,
  endpoint smallint NOT NULL,
  token bigint                                   -- of the try that runs the command
);
CREATE INDEX stagings_product ON stagings(collection, item, endpoint);
