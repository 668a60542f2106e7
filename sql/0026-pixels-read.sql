-- How much of the files a job has read.
ALTER TABLE jobs ADD COLUMN pixels_read bigint NOT NULL DEFAULT 0; -- decoded by the tries that count, so far
