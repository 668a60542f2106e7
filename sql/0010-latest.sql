-- The items of a collection that came or changed last: for its feed.
CREATE INDEX items_updated ON items(collection, updated DESC);
