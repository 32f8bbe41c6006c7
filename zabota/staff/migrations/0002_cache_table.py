from typing import ClassVar

from django.db import migrations

# The table of settings.CACHES: limits of sign-in and used one-time codes must be known to all web
# processes. It has the columns that `createcachetable` makes, without that extra command.
FORWARD = """
CREATE TABLE IF NOT EXISTS zabota_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS zabota_cache_expires ON zabota_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("staff", "0001_initial")]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(FORWARD, "DROP TABLE zabota_cache")
    ]
