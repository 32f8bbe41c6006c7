from typing import ClassVar

from django.db import migrations

# As tickets/search.py had it when this was written.
FORWARD = """
INSERT INTO tickets_searchtext (ticket_id, words)
SELECT t.id, strip(to_tsvector('russian', translate(
       coalesce(t.subject, '') || ' ' || coalesce(c.name, '') || ' ' || coalesce(a.name, '') || ' '
       || coalesce((SELECT string_agg(i.value, ' ') FROM customers_identity i
                     WHERE i.contact_id = t.contact_id), '') || ' '
       || coalesce((SELECT string_agg(left(m.text || ' ' || coalesce(m.call->>'topic', ''), 100000),
                                      ' ')
                      FROM tickets_message m WHERE m.ticket_id = t.id AND m.purpose = ''), ''),
       'ёЁ@._-/:+', 'еЕ       ')))
  FROM tickets_ticket t LEFT JOIN customers_contact c ON c.id = t.contact_id
  LEFT JOIN customers_account a ON a.id = t.account_id
    ON CONFLICT (ticket_id) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("tickets", "0004_search")]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(FORWARD, "DELETE FROM tickets_searchtext")
    ]
