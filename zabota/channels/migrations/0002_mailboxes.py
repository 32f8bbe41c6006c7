from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="folder",
            name="mailbox",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name="importrun",
            name="mailbox",
            field=models.CharField(blank=True, max_length=12),
        ),
    ]
