from typing import ClassVar

from django.db import migrations

# One statement ends a job and takes the next. Its commit need not reach the disk at once: what a
# crash of the server undoes is done again, and every consumer may run twice. A hand that ended a
# job looks for the next itself, so that nobody has to be notified when a lock gets free; of a job's
# history only when it came and how it ended is kept.
FORWARD = """
CREATE FUNCTION zabota_take_job(p_worker bigint, p_done bigint)
    RETURNS TABLE (id bigint, args jsonb, attempts integer) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    IF p_done IS NOT NULL THEN
        UPDATE procrastinate_jobs job SET status = 'succeeded', attempts = job.attempts + 1
         WHERE job.id = p_done AND job.status = 'doing';
    END IF;
    RETURN QUERY
    UPDATE procrastinate_jobs taken SET status = 'doing', worker_id = p_worker
     WHERE taken.id = (
        SELECT job.id FROM procrastinate_jobs job
         WHERE job.status = 'todo'
           AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
           AND (job.lock IS NULL OR job.id = (
                SELECT first.id FROM procrastinate_jobs first
                 WHERE first.status = 'todo' AND first.lock = job.lock
                 ORDER BY first.priority DESC, first.id LIMIT 1))
           AND (SELECT 1 FROM procrastinate_jobs other
                 WHERE other.status = 'doing' AND other.lock = job.lock LIMIT 1) IS NULL
         ORDER BY job.priority DESC, job.id LIMIT 1
           FOR UPDATE OF job SKIP LOCKED)
    RETURNING taken.id, taken.args, taken.attempts;
END $$;
DROP TRIGGER zabota_lock_is_free ON procrastinate_jobs;
DROP TRIGGER zabota_lock_is_free_on_delete ON procrastinate_jobs;
DROP FUNCTION zabota_lock_is_free();
DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON procrastinate_jobs;
CREATE TRIGGER procrastinate_trigger_status_events_update_v1
    AFTER UPDATE OF status ON procrastinate_jobs FOR EACH ROW WHEN (NEW.status <> 'doing')
    EXECUTE FUNCTION procrastinate_trigger_function_status_events_update_v1();
"""
BACKWARD = """
DROP FUNCTION zabota_take_job(bigint, bigint);
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
