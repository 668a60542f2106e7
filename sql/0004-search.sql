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

ALTER TABLE collections ADD COLUMN places boolean NOT NULL DEFAULT false; -- something is to be told of where its items lie

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

-- ---- values of properties ----
-- A property as the type that is asked for; NULL when it has another one. No value raises an error.

CREATE FUNCTION item_boolean(v jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'boolean' THEN v::boolean END;

CREATE FUNCTION item_number(v jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'number' THEN (v #>> '{}')::double precision END;

CREATE FUNCTION item_string(v jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'string' THEN v #>> '{}' END;

CREATE FUNCTION item_array(v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(v) = 'array' THEN v END;

-- The last instant of what begins at `first`: a date is a whole day.
CREATE FUNCTION item_last(v jsonb, first timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(v #>> '{}') = 10 THEN first + interval '1 day' - interval '1 microsecond'
            ELSE first END;

CREATE FUNCTION item_geometry(v jsonb) RETURNS geometry LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF jsonb_typeof(v) <> 'object' THEN
    RETURN NULL;
  END IF;
  RETURN ST_MakeValid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(v), 4326)));
EXCEPTION WHEN OTHERS THEN -- PostGIS has one code for all it does not like
  RETURN NULL;
END $$;

-- ---- operators of CQL2 ----
-- As cql2/cql2.h says; more of them are in 0007-cql2.sql.

CREATE FUNCTION cql2_sqrt(a double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN a >= 0 THEN sqrt(a) END;

-- Values of one JSON type: -1, 0 or 1; NULL between others.
CREATE FUNCTION cql2_compare(a jsonb, b jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(a) <> jsonb_typeof(b) THEN NULL
            WHEN jsonb_typeof(a) = 'number' THEN
              CASE WHEN item_number(a) < item_number(b) THEN -1
                   WHEN item_number(a) = item_number(b) THEN 0 ELSE 1 END
            WHEN jsonb_typeof(a) = 'string' THEN
              CASE WHEN (a #>> '{}') COLLATE "C" < (b #>> '{}') COLLATE "C" THEN -1
                   WHEN (a #>> '{}') COLLATE "C" = (b #>> '{}') COLLATE "C" THEN 0 ELSE 1 END
            WHEN jsonb_typeof(a) = 'boolean' THEN a::boolean::integer - b::boolean::integer END;

CREATE FUNCTION cql2_array(VARIADIC elements jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN array_position(elements, NULL) IS NULL THEN to_jsonb(elements) END;

CREATE FUNCTION cql2_has_all(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN
  NOT EXISTS (SELECT FROM jsonb_array_elements(b) AS x
               WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(a) AS y WHERE x = y)) END;

CREATE FUNCTION cql2_has_any(a jsonb, b jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN
  EXISTS (SELECT FROM jsonb_array_elements(b) AS x, jsonb_array_elements(a) AS y WHERE x = y) END;
