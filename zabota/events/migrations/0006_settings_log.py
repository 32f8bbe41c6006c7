"""Who changed which setting, without reading the facts of all tickets."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("events", "0005_own_hands")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX settings_log ON events_event (id) "
            "WHERE (actor NOT LIKE 'system:%' OR actor = 'system:console') "
            "AND stream NOT LIKE 'ticket:%'",
            "DROP INDEX settings_log",
        )
    ]
