-- What is told about a job when its state changes: calls to addresses and e-mails that its request asked for. They are
-- noted by the transaction that changes the state, so none is lost and none is told of a job that did not end.
CREATE TABLE notices(
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  job uuid NOT NULL,              -- it may be deleted before it was told of
  event text NOT NULL,            -- inProgress, success, failed
  mail boolean NOT NULL,          -- target is an address of e-mail, else a URL
  target text NOT NULL,
  base_url text NOT NULL,         -- address of the service, for links
  created timestamptz NOT NULL DEFAULT now(),
  next_at timestamptz DEFAULT now(), -- not before; NULL: it is done
  attempts int NOT NULL DEFAULT 0,
  last_at timestamptz,
  last_status int,                -- HTTP status of the last attempt; NULL: no answer
  last_error text,
  delivered boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX notices_due ON notices(next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_owner ON notices(owner, created);
CREATE INDEX notices_job ON notices(job);

CREATE FUNCTION note_job_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wish json := NEW.request -> 'notify';
  event text := CASE NEW.state WHEN 2 THEN 'inProgress' WHEN 3 THEN 'success' ELSE 'failed' END;
BEGIN
  IF event <> 'inProgress' THEN
    UPDATE notices SET next_at = NULL, last_error = 'The job has ended meanwhile.'
     WHERE job = NEW.id AND notices.event = 'inProgress' AND next_at IS NOT NULL;
  END IF;
  INSERT INTO notices(owner, job, event, mail, target, base_url)
  SELECT NEW.owner, NEW.id, event, w.mail, w.target, wish ->> 'base_url'
    FROM (VALUES (false, wish ->> (event || 'Uri')),
                 (true, CASE WHEN event <> 'inProgress' AND NEW.state <> 5 THEN wish ->> 'mail' END)) w(mail, target)
   WHERE w.target IS NOT NULL;
  IF FOUND THEN
    PERFORM pg_notify('sentier_notices', '');
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_job_state AFTER UPDATE OF state ON jobs FOR EACH ROW
  WHEN (NEW.state IS DISTINCT FROM OLD.state AND NEW.state >= 2 AND NEW.request -> 'notify' IS NOT NULL)
  EXECUTE FUNCTION note_job_state();
