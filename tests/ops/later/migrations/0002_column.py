"""Changes the table of that row, which PostgreSQL refuses while its check waits."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("later", "0001_row")]
    operations = [migrations.RunSQL("ALTER TABLE staff_topic ADD COLUMN later integer")]
