-- With whom collections are shared: a user, a group, or everybody (reading only).
CREATE TABLE shares(
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  collection integer NOT NULL REFERENCES collections(number) ON DELETE CASCADE,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  group_name text COLLATE "C",
  everybody boolean NOT NULL DEFAULT false,
  writes boolean NOT NULL DEFAULT false,
  created timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(user_id, group_name) + everybody::integer = 1),
  CHECK (NOT (everybody AND writes)),
  UNIQUE NULLS NOT DISTINCT (collection, user_id, group_name)
);
CREATE INDEX shares_user ON shares(user_id);

-- Users of shares: what servers keep in memory follows (0004-search.sql).
CREATE OR REPLACE VIEW collection_readers(collection, reader) AS
  SELECT collection, user_id FROM shares WHERE user_id IS NOT NULL
  UNION
  SELECT s.collection, m.user_id FROM shares s JOIN group_members m ON m.name = s.group_name;
CREATE VIEW collection_writers(collection, writer) AS
  SELECT collection, user_id FROM shares WHERE user_id IS NOT NULL AND writes
  UNION
  SELECT s.collection, m.user_id FROM shares s JOIN group_members m ON m.name = s.group_name WHERE s.writes;

CREATE CONSTRAINT TRIGGER shares_known AFTER INSERT OR UPDATE OR DELETE ON shares
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION catalog_changed();
CREATE CONSTRAINT TRIGGER groups_known AFTER INSERT OR UPDATE OR DELETE ON group_members
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION catalog_changed();

-- A private collection is public as long as it is shared with everybody.
CREATE FUNCTION shares_publish() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_collection integer := coalesce(NEW.collection, OLD.collection);
BEGIN
  UPDATE collections c SET public = EXISTS (SELECT 1 FROM shares WHERE collection = c.number AND everybody)
   WHERE number = of_collection AND owner IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER shares_publish AFTER INSERT OR DELETE ON shares FOR EACH ROW EXECUTE FUNCTION shares_publish();
