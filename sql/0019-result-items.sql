-- Each file of a job is an item of its owner's results ("JOB_FILE"); before this migration all of them were one ("JOB").
CREATE OR REPLACE FUNCTION job_results_go() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_collection integer := (SELECT number FROM collections WHERE owner = OLD.owner AND results);
  job text := OLD.id::text;
  gone text[];
BEGIN
  PERFORM pg_advisory_xact_lock(730100, of_collection); -- as every writer of a collection (store/items.c)
  WITH deleted AS (DELETE FROM items WHERE collection = of_collection
                      AND (id = job OR (id >= job || '_' AND id < job || '`')) RETURNING id) -- ` comes after _
  SELECT array_agg(id ORDER BY id) INTO gone FROM deleted;
  IF gone IS NOT NULL THEN
    DELETE FROM places WHERE collection = of_collection AND item = ANY(gone);
    UPDATE collections SET count = count - cardinality(gone), updated = now() WHERE number = of_collection;
    INSERT INTO changes(kind, collection, item) SELECT 'delete', of_collection, id FROM unnest(gone) AS id;
    NOTIFY catalog;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  NEW.catalogued := false;
  RETURN NEW;
END $$;
