-- The catalogue. An item is kept as the text that clients get, beside the columns that searches ask
-- for. In the text two marks stand for what is only known when it is sent: the address of the server
-- and the links that every item has (store/stac_text.h).

CREATE TABLE collections(
  number integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  id text COLLATE "C" PRIMARY KEY,
  body text NOT NULL,
  owner uuid REFERENCES users ON DELETE CASCADE, -- NULL: the service's own
  public boolean NOT NULL DEFAULT true,
  shelves integer[] NOT NULL DEFAULT '{0}',      -- where its items lie: see items.shelf
  count bigint NOT NULL DEFAULT 0,               -- of its items
  longest interval NOT NULL DEFAULT '0',         -- largest distance of a start or an end from its datetime
  created timestamptz NOT NULL DEFAULT now(),
  updated timestamptz NOT NULL DEFAULT now()
);

-- Items lie on shelves. Small collections share shelf 0; a collection that has grown has a shelf with
-- its own number, one partition a year. The shelf is a column of its own rather than the collection,
-- because a collection's rows can then move to their own shelf a few at a time: each row is on one
-- shelf in every snapshot, and nobody is locked out. While they move, collections.shelves is {0,N};
-- readers look on all of them (shelf = ANY(shelves), read in the same statement), writers put on the
-- last.
CREATE TABLE items(
  shelf integer NOT NULL DEFAULT 0,
  collection integer NOT NULL,
  datetime timestamptz NOT NULL,   -- start_datetime where datetime is null
  id text COLLATE "C" NOT NULL,
  start_at timestamptz NOT NULL,
  end_at timestamptz NOT NULL,
  geom geometry(Geometry, 4326),
  cloud double precision,
  grid text COLLATE "C",
  orbit integer,                   -- relative
  orbit_state text COLLATE "C",
  platform text COLLATE "C",
  product_type text COLLATE "C",
  polarizations text[],
  updated timestamptz NOT NULL DEFAULT now(),
  body text COMPRESSION lz4 NOT NULL,
  PRIMARY KEY (datetime, id, collection, shelf) -- read backwards: the newest first
) PARTITION BY LIST (shelf);

CREATE TABLE items_small PARTITION OF items FOR VALUES IN (0);

-- An id is unique in its collection although its partition depends on its date: writers of one
-- collection take turns (store/items.c).
CREATE INDEX items_id ON items(id, collection);
CREATE INDEX items_where_when ON items USING gist(geom, datetime);
CREATE INDEX items_grid ON items(grid, datetime DESC) WHERE grid IS NOT NULL;
CREATE INDEX items_orbit ON items(orbit, datetime DESC) WHERE orbit IS NOT NULL;
CREATE INDEX items_cloud ON items(cloud) WHERE cloud IS NOT NULL;

-- What happened to items and collections, written by the transactions that did it, which also NOTIFY
-- catalog. Numbers are given before commits, so a reader that must not miss any reads only rows whose
-- transaction is older than all that still run: tx < pg_snapshot_xmin(pg_current_snapshot()).
CREATE TABLE changes(
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL CHECK (kind IN ('create', 'update', 'delete')),
  collection integer NOT NULL,     -- its number, also when it is gone
  item text COLLATE "C"            -- NULL: the collection itself
);

-- The partitions of these years of a collection with a shelf of its own; years before 1970 share one, as
-- do those from 2100. Attaching an empty table locks neither readers nor writers of the others.
CREATE FUNCTION items_make_years(of_collection integer, years integer[]) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '100ms' AS $$
DECLARE
  parent text := format('items_c%s', of_collection);
  part text;
  y integer;
BEGIN
  FOR y IN SELECT DISTINCT least(greatest(n, 1969), 2100) FROM unnest(years) AS n LOOP
    part := format('%s_y%s', parent, y);
    CONTINUE WHEN to_regclass(part) IS NOT NULL;
    PERFORM pg_advisory_xact_lock(730101, of_collection);
    CONTINUE WHEN to_regclass(part) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
                   ' INCLUDING COMPRESSION)', part, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, part,
                   CASE WHEN y < 1970 THEN 'MINVALUE' ELSE quote_literal(y || '-01-01Z') END,
                   CASE WHEN y >= 2100 THEN 'MAXVALUE' ELSE quote_literal((y + 1) || '-01-01Z') END);
  END LOOP;
END $$;

-- Gives a collection a shelf of its own, where new items go from now on. The old ones follow by
-- items_move().
CREATE FUNCTION items_make_shelf(of_collection integer) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '100ms' AS $$
DECLARE
  parent text := format('items_c%s', of_collection);
  this_year integer := extract(year FROM now());
BEGIN
  IF to_regclass(parent) IS NULL THEN
    EXECUTE format('CREATE TABLE %I (LIKE items INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
                   ' INCLUDING COMPRESSION, CHECK (collection = %s)) PARTITION BY RANGE (datetime)',
                   parent, of_collection);
    PERFORM items_make_years(of_collection, ARRAY[this_year, this_year + 1]);
    EXECUTE format('ALTER TABLE items ATTACH PARTITION %I FOR VALUES IN (%s)', parent, of_collection);
  END IF;
END $$;

-- Moves those items of a collection that lie in `blocks` blocks of the common shelf from `block` on.
CREATE FUNCTION items_move(of_collection integer, block bigint, blocks bigint) RETURNS bigint
LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(730100, of_collection);
  WITH moved AS (DELETE FROM items_small
                  WHERE ctid >= format('(%s,0)', block)::tid
                    AND ctid < format('(%s,0)', block + blocks)::tid AND collection = of_collection
                  RETURNING *),
       put AS (INSERT INTO items
               SELECT of_collection, collection, datetime, id, start_at, end_at, geom, cloud, grid,
                      orbit, orbit_state, platform, product_type, polarizations, updated, body
                 FROM moved RETURNING 1)
  SELECT count(*) FROM put;
$$;

-- Part of the transaction that deletes a collection. Readers wait for it only as long as it takes, and
-- it gives up when it would have to wait for them.
CREATE FUNCTION items_drop_shelf(of_collection integer) RETURNS void LANGUAGE plpgsql
SET lock_timeout = '100ms' AS $$
BEGIN
  EXECUTE format('DROP TABLE IF EXISTS %I', format('items_c%s', of_collection));
END $$;

-- How far a long intake has come; see store/progress.h.
CREATE TABLE progress(
  source text PRIMARY KEY,
  state text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
