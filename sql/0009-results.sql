-- Results of jobs are items of a private collection of their owner, made when the first job finishes. An
-- item goes with its job, whatever ends that: a deletion, an expiry, another run.
ALTER TABLE collections ADD COLUMN results boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX collections_results ON collections(owner) WHERE results;

ALTER TABLE jobs ADD COLUMN catalogued boolean NOT NULL DEFAULT false; -- its results are an item
CREATE INDEX jobs_uncatalogued ON jobs(finished) WHERE state = 3 AND NOT catalogued;

CREATE FUNCTION job_results_go() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_collection integer := (SELECT number FROM collections WHERE owner = OLD.owner AND results);
BEGIN
  PERFORM pg_advisory_xact_lock(730100, of_collection); -- as every writer of a collection (store/items.c)
  DELETE FROM items WHERE collection = of_collection AND id = OLD.id::text;
  IF FOUND THEN
    DELETE FROM places WHERE collection = of_collection AND item = OLD.id::text;
    UPDATE collections SET count = count - 1, updated = now() WHERE number = of_collection;
    INSERT INTO changes(kind, collection, item) VALUES ('delete', of_collection, OLD.id::text);
    NOTIFY catalog;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.catalogued := false;
  RETURN NEW;
END $$;
CREATE TRIGGER job_results_deleted BEFORE DELETE ON jobs FOR EACH ROW WHEN (OLD.catalogued)
  EXECUTE FUNCTION job_results_go();
CREATE TRIGGER job_results_replaced BEFORE UPDATE OF state ON jobs FOR EACH ROW
  WHEN (OLD.catalogued AND NEW.state <> OLD.state) EXECUTE FUNCTION job_results_go();

-- Nothing of a collection stays when it goes, also with its owner.
CREATE OR REPLACE FUNCTION collection_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO collections_gone(number, id, public, owner, readers)
  SELECT OLD.number, OLD.id, OLD.public, OLD.owner,
         ARRAY(SELECT reader FROM collection_readers WHERE collection = OLD.number)
  ON CONFLICT DO NOTHING;
  DELETE FROM items WHERE collection = OLD.number;
  RETURN OLD;
END $$;
