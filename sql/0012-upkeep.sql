-- Items of a collection that were written or deleted since its properties were last sampled.
ALTER TABLE collections ADD COLUMN unsampled bigint NOT NULL DEFAULT 0;
UPDATE collections SET unsampled = abs(count - coalesce(sampled, 0));
