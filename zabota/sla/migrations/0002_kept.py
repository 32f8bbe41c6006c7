from typing import ClassVar

from django.db import migrations

from zabota.events.kept import watch

TABLES = ("sla_target", "sla_need", "sla_load")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("sla", "0001_initial"),
        ("events", "0004_kept"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(*watch("sla", table)) for table in TABLES
    ]
