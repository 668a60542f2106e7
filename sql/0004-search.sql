-- What searches need beside the items.

-- The one row changes whenever anything changes that the server keeps in memory about collections:
-- which there are, who may see them, how long their items last, where they lie.
-- Every search returns it, so that a server whose memory is old notices (store/scope.c). The row is
-- changed at the end of a transaction, so that it is never locked for long.
CREATE TABLE catalog_version(
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  version bigint NOT NULL
);
INSERT INTO catalog_version(version) VALUES (1);

CREATE FUNCTION catalog_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE catalog_version SET version = version + 1;
  RETURN NULL;
END $$;

ALTER TABLE collections ADD COLUMN places boolean NOT NULL DEFAULT false; -- has rows in locations

CREATE CONSTRAINT TRIGGER collections_known AFTER INSERT OR DELETE ON collections
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION catalog_changed();
CREATE CONSTRAINT TRIGGER collections_known_anew AFTER UPDATE ON collections
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN ((OLD.id, OLD.number, OLD.public, OLD.owner, OLD.longest, OLD.shelves, OLD.places)
        IS DISTINCT FROM (NEW.id, NEW.number, NEW.public, NEW.owner, NEW.longest, NEW.shelves, NEW.places))
  EXECUTE FUNCTION catalog_changed();

-- With whom private collections are shared. Who replaces this view by one over a table calls
-- catalog_changed() by a deferred trigger on that table.
CREATE VIEW collection_readers(collection, reader) AS
  SELECT NULL::integer, NULL::uuid WHERE false;

-- Where the assets of an item lie, as JSON; NULL: nowhere but where the item says.
CREATE FUNCTION item_places(of_collection integer, of_item text) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT json_agg(json_build_object('asset', asset, 'site', site, 'href', href))
          FROM locations WHERE collection = of_collection AND item = of_item);

CREATE FUNCTION locations_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE collections SET places = true
   WHERE NOT places AND number IN (SELECT DISTINCT collection FROM come);
  RETURN NULL;
END $$;
CREATE TRIGGER locations_known AFTER INSERT ON locations
  REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION locations_known();
