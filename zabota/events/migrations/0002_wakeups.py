from typing import ClassVar

from django.db import migrations

# A worker with several jobs at once is not woken when a lock gets free, and a NOTIFY inside
# the business transaction serialises all commits (events/jobs.py notifies after the commit instead).
FORWARD = """
ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
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
"""
BACKWARD = """
DROP TRIGGER zabota_lock_is_free ON procrastinate_jobs;
DROP TRIGGER zabota_lock_is_free_on_delete ON procrastinate_jobs;
DROP FUNCTION zabota_lock_is_free();
ALTER TABLE procrastinate_jobs ENABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("events", "0001_initial"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(FORWARD, BACKWARD)]
