-- What a key of a machine may do (bits of enum key_scope; 0: whatever its owner may), and until when (NULL: for ever).
ALTER TABLE api_keys ADD COLUMN scopes int NOT NULL DEFAULT 0, ADD COLUMN expires timestamptz;
