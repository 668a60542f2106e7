-- The catalogue. An item is kept as the text that clients get, beside the columns that searches ask
-- for. In the text two marks stand for what is only known when it is sent: the address of the server
-- and the links that every item has (store/stac_text.h).

CREATE TABLE collections(
  number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  id text COLLATE "C" PRIMARY KEY,
  body text NOT NULL,
  owner uuid REFERENCES users ON DELETE CASCADE, -- NULL: the service's own
  public boolean NOT NULL DEFAULT true,
  split boolean NOT NULL DEFAULT false,          -- has partitions of its own, one a year
  count bigint NOT NULL DEFAULT 0,               -- of its items
  longest interval NOT NULL DEFAULT '0',         -- largest distance of a start or an end from its datetime
  created timestamptz NOT NULL DEFAULT now(),
  updated timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE items(
  collection integer NOT NULL,
  datetime timestamptz NOT NULL,   -- start_datetime where datetime is null
  id text COLLATE "C" NOT NULL,
  start_at timestamptz NOT NULL,
  end_at timestamptz NOT NULL,
  geom geometry(Geometry, 4326),
  cloud real,
  grid text COLLATE "C",
  orbit integer,                   -- relative
  orbit_state text COLLATE "C",
  platform text COLLATE "C",
  product_type text COLLATE "C",
  polarizations text[],
  updated timestamptz NOT NULL DEFAULT now(),
  body text COMPRESSION lz4 NOT NULL,
  PRIMARY KEY (collection, datetime, id)
) PARTITION BY LIST (collection);

-- Small collections share this one.
CREATE TABLE items_small PARTITION OF items DEFAULT;

CREATE INDEX items_newest ON items(datetime DESC, id DESC, collection DESC);
CREATE INDEX items_id ON items(id, collection);
CREATE INDEX items_where_when ON items USING gist(geom, datetime);
CREATE INDEX items_grid ON items(grid, datetime DESC) WHERE grid IS NOT NULL;
CREATE INDEX items_orbit ON items(orbit, datetime DESC) WHERE orbit IS NOT NULL;
CREATE INDEX items_cloud ON items(cloud) WHERE cloud IS NOT NULL;
CREATE INDEX items_kind ON items(platform, product_type, orbit_state);
CREATE INDEX items_polarizations ON items USING gin(polarizations);

-- Where the bytes of an asset lie: here, elsewhere, on tape. Not in the item, which stays as it is.
CREATE TABLE locations(
  collection integer NOT NULL REFERENCES collections(number) ON DELETE CASCADE,
  item text COLLATE "C" NOT NULL,
  asset text COLLATE "C" NOT NULL,
  site text COLLATE "C" NOT NULL DEFAULT 'local',
  href text NOT NULL,              -- an absolute path, or /vsizip/... into an archive
  media_type text,
  PRIMARY KEY (collection, item, asset, site)
);

-- Years from..to of a split collection.
CREATE FUNCTION items_make_years(of_collection integer, from_year integer, to_year integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text := format('items_c%s', of_collection);
BEGIN
  FOR y IN from_year .. to_year LOOP
    IF to_regclass(format('%s_y%s', parent, y)) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                     format('%s_y%s', parent, y), parent, format('%s-01-01 00:00:00Z', lpad(y::text, 4, '0')),
                     format('%s-01-01 00:00:00Z', lpad((y + 1)::text, 4, '0')));
    END IF;
  END LOOP;
END $$;

-- Gives a collection that has grown partitions of its own and moves its items there.
CREATE FUNCTION items_split(of_collection integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text := format('items_c%s', of_collection);
  first_year integer;
  last_year integer;
BEGIN
  LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE;
  IF (SELECT split FROM collections WHERE number = of_collection) THEN
    RETURN;
  END IF;
  SELECT extract(year FROM min(datetime)), extract(year FROM max(datetime))
    INTO first_year, last_year FROM items_small WHERE collection = of_collection;
  EXECUTE format('CREATE TABLE %I (LIKE items INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
                 ' INCLUDING COMPRESSION) PARTITION BY RANGE (datetime)', parent);
  PERFORM items_make_years(of_collection, first_year, last_year);
  EXECUTE format('WITH moved AS (DELETE FROM items_small WHERE collection = %s RETURNING *)'
                 ' INSERT INTO %I SELECT * FROM moved', of_collection, parent);
  EXECUTE format('ALTER TABLE items ATTACH PARTITION %I FOR VALUES IN (%s)', parent, of_collection);
  UPDATE collections SET split = true WHERE number = of_collection;
END $$;
