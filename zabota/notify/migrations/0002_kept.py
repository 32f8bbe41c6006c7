from typing import ClassVar

from django.db import migrations

from zabota.events.kept import watch

# Not the columns in which the calls are noted.
COLUMNS = ("agent_id", "kinds", "queues", "is_active", "off_reason", "off_at")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("notify", "0001_initial"),
        ("events", "0004_kept"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(*watch("webhooks", "notify_webhook", COLUMNS))
    ]
