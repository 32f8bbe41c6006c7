"""Changes the table of that row, which PostgreSQL refuses while its check waits; and an index on
rows that are changed twice, whose checks then wait although no foreign key of theirs changes."""

from django.db import migrations

TWICE = "UPDATE tickets_ticket SET subject = subject || '!'"


class Migration(migrations.Migration):
    dependencies = [("later", "0001_row")]
    operations = [
        migrations.RunSQL("ALTER TABLE staff_topic ADD COLUMN later integer"),
        migrations.RunSQL([TWICE, TWICE]),
        migrations.RunSQL("CREATE INDEX later_subject ON tickets_ticket (subject)"),
    ]
