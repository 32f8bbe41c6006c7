from typing import ClassVar

from django.db import migrations

# The count of failed jobs stands on every page of an administrator, and crashed jobs are looked for
# every few seconds; a day's finished jobs must not be read for either.
FORWARD = """
CREATE INDEX zabota_jobs_failed ON procrastinate_jobs (id) WHERE status = 'failed';
CREATE INDEX zabota_jobs_doing ON procrastinate_jobs (id) WHERE status = 'doing';
"""
BACKWARD = "DROP INDEX zabota_jobs_failed; DROP INDEX zabota_jobs_doing;"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("events", "0002_wakeups")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(FORWARD, BACKWARD)]
