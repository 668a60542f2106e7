-- Steps that tell at the same time how far they are see one another's numbers: the workflow is locked first.
CREATE OR REPLACE FUNCTION job_add_up_steps(workflow uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM jobs WHERE id = workflow FOR UPDATE;
  UPDATE jobs p SET updated = now(), blocks_done = (
    SELECT coalesce(sum(CASE WHEN c.state = 3 THEN 100 WHEN c.blocks > 0 THEN least(99, 100 * c.blocks_done / c.blocks) ELSE 0 END), 0)
      FROM jobs c WHERE c.parent = p.id)
   WHERE p.id = workflow AND p.state IN (1, 2);
END
$$;
