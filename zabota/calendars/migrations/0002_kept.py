from typing import ClassVar

from django.db import migrations

from zabota.events.kept import watch

TABLES = ("calendars_calendar", "calendars_day", "calendars_queuecalendar")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("calendars", "0001_initial"),
        ("events", "0004_kept"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(*watch("calendars", table)) for table in TABLES
    ]
