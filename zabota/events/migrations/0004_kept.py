from typing import ClassVar

from django.db import migrations

# Not a model: nobody reads or writes it but the trigger and `events.kept`.
FORWARD = """
CREATE TABLE events_kept (name varchar(40) NOT NULL PRIMARY KEY, version uuid NOT NULL);
CREATE FUNCTION zabota_renew_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_kept (name, version) VALUES (TG_ARGV[0], gen_random_uuid())
        ON CONFLICT (name) DO UPDATE SET version = excluded.version;
    RETURN NULL;
END $$;
"""
BACKWARD = "DROP FUNCTION zabota_renew_kept(); DROP TABLE events_kept;"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("events", "0003_job_indexes")]
    operations: ClassVar[list[migrations.RunSQL]] = [migrations.RunSQL(FORWARD, BACKWARD)]
