from typing import ClassVar

from django.db import migrations

from zabota.events.kept import watch

TABLES = ("staff_agent", "staff_grant", "staff_department", "staff_queue", "staff_topic")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("staff", "0002_cache_table"),
        ("events", "0004_kept"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(*watch("staff", table)) for table in TABLES
    ]
