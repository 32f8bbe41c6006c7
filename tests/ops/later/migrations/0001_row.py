"""A row whose foreign key is checked at the end of the transaction."""

from typing import Any

from django.db import migrations


def add(apps: Any, editor: Any) -> None:
    queue = apps.get_model("staff", "Queue").objects.first()
    apps.get_model("staff", "Topic").objects.create(
        name_ru="Позже", name_en="Later", queue_id=queue.pk
    )


class Migration(migrations.Migration):
    # Whatever the present state is, it is there.
    dependencies = [("staff", "__latest__")]
    operations = [migrations.RunPython(add)]
