from typing import ClassVar

from django.db import migrations

from zabota.events.kept import watch

# Not the columns in which the fetch notes its passes.
COLUMNS = ("address", "is_active")


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("channels", "0002_mailboxes"),
        ("events", "0004_kept"),
    ]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(*watch("inboxes", "channels_inbox", COLUMNS))
    ]
