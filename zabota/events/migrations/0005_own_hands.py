from typing import ClassVar

from django.db import migrations

# One statement ends jobs and takes the next, several at once and each with its event. Its commit
# need not reach the disk at once: what a crash of the server undoes is done again, and every consumer
# may run twice. Who ended a job looks for the next himself, so that nobody has to be notified when a
# lock gets free; of a job's history only when it came and how it ended is kept.
#
# The library's own statement joins waiting jobs with waiting jobs: with 2,000 of them, which came
# after the last statistics, one take cost 29 ms. Here jobs are looked at in their order, whatever the
# planner believes; the first of a lock stands before all that wait for it, so it is found at once.
#
# Three indexes of the library answer questions that only its own worker asks; each would be written
# three times in the life of a job.
FORWARD = """
CREATE FUNCTION zabota_take_jobs(p_worker bigint, p_done bigint[], p_most integer)
    RETURNS TABLE (job bigint, consumer text, attempts integer, priority integer, id bigint,
                   at timestamptz, kind varchar, stream varchar, actor varchar, cause bigint,
                   depth smallint, facts jsonb)
    LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
    SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    IF p_done <> '{}' THEN
        UPDATE procrastinate_jobs SET status = 'succeeded', attempts = attempts + 1
         WHERE id = ANY(p_done) AND status = 'doing';
    END IF;
    RETURN QUERY
    WITH taken AS (
        UPDATE procrastinate_jobs SET status = 'doing', worker_id = p_worker
         WHERE id = ANY(ARRAY(
            SELECT job.id FROM procrastinate_jobs job
             WHERE job.status = 'todo'
               AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
               AND (job.lock IS NULL OR job.id = (
                    SELECT first.id FROM procrastinate_jobs first
                     WHERE first.status = 'todo' AND first.lock = job.lock
                     ORDER BY first.priority DESC, first.id LIMIT 1))
               AND (SELECT 1 FROM procrastinate_jobs other
                     WHERE other.status = 'doing' AND other.lock = job.lock LIMIT 1) IS NULL
             ORDER BY job.priority DESC, job.id LIMIT p_most
               FOR UPDATE OF job SKIP LOCKED))
        RETURNING id, args, attempts, priority)
    SELECT taken.id, taken.args->>'consumer', taken.attempts, taken.priority, event.id, event.at,
           event.kind, event.stream, event.actor, event.cause, event.depth, event.facts
      FROM taken LEFT JOIN events_event event ON event.id = (taken.args->>'event_id')::bigint;
END $$;
DROP INDEX procrastinate_jobs_queue_name_idx_v1;
DROP INDEX procrastinate_jobs_id_lock_idx_v1;
DROP INDEX procrastinate_jobs_queueing_lock_idx_v1;
DROP TRIGGER zabota_lock_is_free ON procrastinate_jobs;
DROP TRIGGER zabota_lock_is_free_on_delete ON procrastinate_jobs;
DROP FUNCTION zabota_lock_is_free();
DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_trigger_status_events_update_v1
    AFTER UPDATE OF status ON procrastinate_jobs FOR EACH ROW WHEN (NEW.status <> 'doing')
    EXECUTE FUNCTION procrastinate_trigger_function_status_events_update_v1();
"""
BACKWARD = """
DROP FUNCTION zabota_take_jobs(bigint, bigint[], integer);
CREATE INDEX procrastinate_jobs_queue_name_idx_v1 ON procrastinate_jobs (queue_name);
CREATE INDEX procrastinate_jobs_id_lock_idx_v1 ON procrastinate_jobs (id, lock)
    WHERE status = ANY (ARRAY['todo'::procrastinate_job_status, 'doing'::procrastinate_job_status]);
CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON procrastinate_jobs (queueing_lock)
    WHERE status = 'todo';
CREATE FUNCTION zabota_lock_is_free() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('procrastinate_any_queue_v1',
        json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER zabota_lock_is_free AFTER UPDATE OF status ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION zabota_lock_is_free();
CREATE TRIGGER zabota_lock_is_free_on_delete AFTER DELETE ON procrastinate_jobs
    FOR EACH ROW WHEN (OLD.status = 'doing' AND OLD.lock IS NOT NULL)
    EXECUTE FUNCTION zabota_lock_is_free();
DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_trigger_status_events_update_v1
    AFTER UPDATE OF status ON procrastinate_jobs FOR EACH ROW
    EXECUTE FUNCTION procrastinate_trigger_function_status_events_update_v1();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("events", "0004_kept")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(FORWARD, BACKWARD)]
