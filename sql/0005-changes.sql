-- Reading what changed, and who is told. The order of changes is (tx, seq): a transaction that was
-- given its number early may commit late, but never before a row of an older transaction is shown,
-- because readers only look at rows older than all that still run. So whoever goes on after the last
-- row he saw misses none, which going on after the largest seq would not give.
CREATE INDEX changes_order ON changes(tx, seq);

-- The last change that was removed, in that order; one row.
CREATE TABLE changes_pruned(
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  tx xid8 NOT NULL,
  seq bigint NOT NULL
);
INSERT INTO changes_pruned(tx, seq) VALUES ('0', 0);

-- Collections that are gone, as long as changes speak of them: their names, and who may be told.
CREATE TABLE collections_gone(
  number integer PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  public boolean NOT NULL,
  owner uuid,
  readers uuid[] NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION collection_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO collections_gone(number, id, public, owner, readers)
  SELECT OLD.number, OLD.id, OLD.public, OLD.owner,
         ARRAY(SELECT reader FROM collection_readers WHERE collection = OLD.number)
  ON CONFLICT DO NOTHING;
  RETURN OLD;
END $$;
CREATE TRIGGER collection_goes BEFORE DELETE ON collections FOR EACH ROW EXECUTE FUNCTION collection_goes();

-- Who wants to be called when something changes. `tx`, `seq` is the last change that was told or that
-- did not concern the subscription; up_to_* is the last of the call that is under way or failed, so
-- that a call that is tried again says the same under the same id.
CREATE TABLE subscriptions(
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  title text,
  url text NOT NULL,
  secret bytea NOT NULL,          -- under a key of the service
  interest json NOT NULL,         -- as the owner wrote it: collections, filter, bbox ...
  condition json,                 -- the same as CQL2 JSON; NULL: everything
  base_url text NOT NULL,         -- address of the service, for links
  created timestamptz NOT NULL DEFAULT now(),
  updated timestamptz NOT NULL DEFAULT now(),
  active boolean NOT NULL DEFAULT true,
  reason text,                    -- why it is not active
  seq bigint NOT NULL,
  up_to_seq bigint,
  next_at timestamptz NOT NULL DEFAULT now(), -- not before
  attempts int NOT NULL DEFAULT 0,            -- of the call that fails now
  failing_since timestamptz,
  last_at timestamptz,            -- of the last attempt
  last_status int,                -- its HTTP status; NULL: no answer
  last_error text,
  delivered_at timestamptz,
  delivered bigint NOT NULL DEFAULT 0 -- changes
) WITH (fillfactor = 70);
CREATE INDEX subscriptions_owner ON subscriptions(owner, created);
