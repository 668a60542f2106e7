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
  RETURN cql2_valid(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(v), 4326)));
EXCEPTION WHEN OTHERS THEN -- PostGIS has one code for all it does not like
  RETURN NULL;
END $$;

-- ---- operators of CQL2 ----
-- As cql2/cql2.h says; more of them are in 0007-cql2.sql.

CREATE FUNCTION cql2_sqrt(a double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN a >= 0 THEN sqrt(a) END;

-- Values of one JSON type: -1, 0 or 1; NULL between others.
CREATE FUNCTION cql2_compare(a jsonb, b jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(a) IS DISTINCT FROM jsonb_typeof(b) THEN NULL
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

-- ---- what can be asked ----

-- The properties that were seen in a collection. Names and types are told by who writes items, the rest
-- comes from samples. types are the bits of server/store/seen.h.
CREATE TABLE properties(
  collection integer NOT NULL REFERENCES collections(number) ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  types integer NOT NULL,
  least double precision,
  most double precision,
  vals jsonb,           -- its texts, when they are few
  PRIMARY KEY (collection, name)
);
ALTER TABLE collections ADD COLUMN sampled bigint; -- count when its properties were last sampled
ALTER TABLE catalog_version ADD COLUMN properties bigint NOT NULL DEFAULT 1;

CREATE FUNCTION properties_sample(of_collection integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  sample_size constant double precision := 5000;
  items_count bigint;
  own text;
  items text;
BEGIN
  SELECT count, 'items_c' || number INTO items_count, own FROM collections WHERE number = of_collection;
  IF to_regclass(own) IS NOT NULL THEN -- blocks of a large table
    items := format('%I TABLESAMPLE SYSTEM (%s)', own, least(100, 100 * sample_size / greatest(items_count, 1)));
  ELSE
    items := format('items_small WHERE collection = %s AND random() < %s', of_collection,
                    least(1, sample_size / greatest(items_count, 1)));
  END IF;
  EXECUTE format('
    WITH value AS MATERIALIZED (
      SELECT key, value, jsonb_typeof(value) AS type, value #>> ''{}'' AS text
        FROM (SELECT body::jsonb -> ''properties'' AS p FROM %s) s, jsonb_each(p)
       WHERE jsonb_typeof(value) <> ''null'' AND length(key) <= 200),
    seen AS (
      SELECT key, bit_or(CASE type WHEN ''boolean'' THEN 1 WHEN ''number'' THEN 2
                           WHEN ''array'' THEN 16 WHEN ''object'' THEN 32
                           ELSE CASE WHEN cql2_time(text) IS NULL THEN 4 ELSE 8 END END) AS types,
             min(item_number(value)) AS least, max(item_number(value)) AS most
        FROM value GROUP BY key),
    texts AS (
      SELECT key, jsonb_agg(text ORDER BY text COLLATE "C") AS vals
        FROM (SELECT key, text, count(*) AS n FROM value WHERE type = ''string'' GROUP BY 1, 2) t
       GROUP BY key HAVING count(*) <= 30 AND max(length(text)) <= 60 AND sum(n) >= 2 * count(*)),
    put AS (
      INSERT INTO properties AS p (collection, name, types, least, most, vals)
      SELECT $1, key, types, least, most, vals FROM seen LEFT JOIN texts USING (key) ORDER BY key
      ON CONFLICT (collection, name) DO UPDATE SET types = p.types | excluded.types,
        least = excluded.least, most = excluded.most, vals = excluded.vals RETURNING 1)
    UPDATE catalog_version SET properties = properties + 1 WHERE EXISTS (SELECT FROM put)', items)
  USING of_collection;
  UPDATE collections SET sampled = items_count WHERE number = of_collection;
END $$;

-- ---- free text ----

CREATE FUNCTION item_words(id text, p jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN concat_ws(E'\n', id, p ->> 'title', p ->> 'description', p ->> 'keywords', p ->> 'platform',
                 p ->> 'constellation', p ->> 'mission', p ->> 'instruments', p ->> 'product:type',
                 p ->> 's2:product_type', p ->> 'sar:product_type', p ->> 'sar:instrument_mode',
                 p ->> 'processing:level', p ->> 'grid:code');

-- ---- grids ----

-- The tile of Web Mercator "zoom/x/y" that the centre of a geometry lies in.
CREATE FUNCTION item_geotile(g geometry, zoom integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT format('%s/%s/%s', zoom,
                      floor(((ST_X(c) + 180) / 360 - floor((ST_X(c) + 180) / 360)) * 2 ^ zoom)::integer,
                      greatest(0, least((2 ^ zoom)::integer - 1,
                        floor((1 - ln(tan(radians(lat)) + 1 / cos(radians(lat))) / pi()) / 2
                              * 2 ^ zoom)::integer)))
          FROM (SELECT c, greatest(-85.0511, least(85.0511, ST_Y(c))) AS lat
                  FROM (SELECT ST_Centroid(g) AS c) x WHERE NOT ST_IsEmpty(c)) y);

CREATE FUNCTION item_geohash(g geometry, characters integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT ST_GeoHash(ST_MakePoint(ST_X(c) - 360 * floor((ST_X(c) + 180) / 360), ST_Y(c)), characters)
          FROM (SELECT ST_Centroid(g) AS c) x -- longitudes may run past 180 degrees
         WHERE NOT ST_IsEmpty(c));

-- ---- searching collections ----
-- What is asked of collections, out of their texts.

ALTER TABLE collections
  ADD COLUMN doc jsonb,
  ADD COLUMN boxes geometry,          -- of the spatial extent; those across 180 degrees in two
  ADD COLUMN times tstzmultirange,    -- of the temporal extent
  ADD COLUMN words text;              -- folded

CREATE FUNCTION collection_boxes(doc jsonb) RETURNS geometry LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN (
    SELECT ST_SetSRID(ST_Collect(part), 4326)
      FROM (SELECT b -> 0 AS w, b -> 1 AS s, b -> (jsonb_array_length(b) / 2) AS e,
                   b -> (jsonb_array_length(b) / 2 + 1) AS n
              FROM jsonb_array_elements(doc #> '{extent,spatial,bbox}') AS b) box,
           LATERAL (SELECT ST_MakeEnvelope(w::float8, s::float8, e::float8, n::float8) AS part
                     WHERE w::float8 <= e::float8
                     UNION ALL SELECT ST_MakeEnvelope(w::float8, s::float8, 180, n::float8)
                     WHERE w::float8 > e::float8
                     UNION ALL SELECT ST_MakeEnvelope(-180, s::float8, e::float8, n::float8)
                     WHERE w::float8 > e::float8) parts);
EXCEPTION WHEN OTHERS THEN -- an extent that is none
  RETURN NULL;
END $$;

CREATE FUNCTION collection_times(doc jsonb) RETURNS tstzmultirange LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN (SELECT range_agg(tstzrange(cql2_time(i ->> 0), cql2_time(i ->> 1), '[]'))
            FROM jsonb_array_elements(doc #> '{extent,temporal,interval}') AS i);
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;

CREATE FUNCTION collections_read() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.doc := NEW.body::jsonb;
  NEW.boxes := collection_boxes(NEW.doc);
  NEW.times := collection_times(NEW.doc);
  NEW.words := cql2_casei(concat_ws(E'\n', NEW.id, NEW.doc ->> 'title', NEW.doc ->> 'description',
                                    NEW.doc ->> 'keywords'));
  RETURN NEW;
END $$;
CREATE TRIGGER collections_read BEFORE INSERT OR UPDATE OF body ON collections
  FOR EACH ROW EXECUTE FUNCTION collections_read();
