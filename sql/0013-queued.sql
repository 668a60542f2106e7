-- When a job was started by its user: openEO 1.3 tells it.
ALTER TABLE jobs ADD COLUMN queued timestamptz;
