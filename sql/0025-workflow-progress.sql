-- How far a workflow is: the mean of its steps.
CREATE FUNCTION job_add_up_steps(workflow uuid) RETURNS void LANGUAGE sql AS $$
  UPDATE jobs p SET updated = now(), blocks_done = (
    SELECT coalesce(sum(CASE WHEN c.state = 3 THEN 100 WHEN c.blocks > 0 THEN least(99, 100 * c.blocks_done / c.blocks) ELSE 0 END), 0)
      FROM jobs c WHERE c.parent = p.id)
   WHERE p.id = workflow AND p.state IN (1, 2)
$$;
