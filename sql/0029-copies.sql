-- Products of other servers are fetched into a cache of the site before jobs read them.
CREATE TABLE copies(
  key text COLLATE "C" PRIMARY KEY,              -- digest of addresses, checksums or versions
  source text COLLATE "C" NOT NULL,              -- digest of addresses and checksums alone
  folder text NOT NULL,                          -- its own, in the cache
  bytes bigint NOT NULL,                         -- when it is whole
  whole boolean NOT NULL DEFAULT false,
  used timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX copies_source ON copies(source);

-- Tasks (of kind 3) that fetch one. Of those with the same source one works, the others wait for it.
CREATE TABLE fetches(
  task bigint PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
  item text NOT NULL,
  source text COLLATE "C" NOT NULL,
  what json NOT NULL,                            -- {"files", "restoration", "credentials"}
  since timestamptz NOT NULL DEFAULT now(),
  token bigint,                                  -- of the try that works
  copy text COLLATE "C"                          -- which the job uses
);
CREATE INDEX fetches_source ON fetches(source);
CREATE INDEX fetches_copy ON fetches(copy) WHERE copy IS NOT NULL;
