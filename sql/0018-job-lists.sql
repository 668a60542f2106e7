-- Lists of jobs of one status or one process, however many others there are between.
CREATE INDEX jobs_owner_state ON jobs(owner, state, created DESC, id DESC);
CREATE INDEX jobs_owner_process ON jobs(owner, process_id, created DESC, id DESC) WHERE process_id IS NOT NULL;
