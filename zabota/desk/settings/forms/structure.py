"""Departments, queues and topics."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zabota.channels.models import Inbox
from zabota.staff import asking
from zabota.staff.models import Department, Queue, Topic


class NamedForm(forms.ModelForm):  # type: ignore[type-arg]
    """Something with a name in both languages."""

    def clean(self) -> dict[str, Any]:
        """At least one name is needed."""
        given = super().clean() or self.cleaned_data
        given["name_ru"] = given.get("name_ru", "").strip()
        given["name_en"] = given.get("name_en", "").strip()
        if not self.errors and not (given["name_ru"] or given["name_en"]):
            self.add_error("name_ru", _("Write the name in at least one language."))
        return given

    def _post_clean(self) -> None:
        # The model says the same about names once more, above the form instead of beside the field.
        if not self.errors:
            super()._post_clean()  # type: ignore[misc]


class DepartmentForm(NamedForm):
    """A department; one with queues in use cannot be switched off."""

    class Meta:
        model = Department
        fields = ["name_ru", "name_en", "is_active"]

    def clean_is_active(self) -> bool:
        """No queue in use stands in a department that is switched off."""
        wanted = bool(self.cleaned_data["is_active"])
        if wanted or self.instance.pk is None:
            return wanted
        queues = Queue.objects.filter(department=self.instance, is_active=True).order_by("id")
        if queues:
            names = ", ".join(map(str, queues))
            raise forms.ValidationError(
                _("Put these queues into another department or switch them off first: %(names)s.")
                % {"names": names}
            )
        return wanted


class QueueForm(NamedForm):
    """A queue; the quarantine queue cannot be switched off."""

    class Meta:
        model = Queue
        fields = ["name_ru", "name_en", "department", "line", "takes_recovery", "is_active"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.is_quarantine:
            del self.fields["is_active"]
            del self.fields["takes_recovery"]
        department = self.fields["department"]
        assert isinstance(department, forms.ModelChoiceField)
        present = Department.objects.filter(pk=self.instance.department_id or 0)
        department.queryset = Department.objects.filter(is_active=True) | present

    def clean_is_active(self) -> bool:
        """Nothing may lead to a queue that is switched off."""
        wanted = bool(self.cleaned_data["is_active"])
        if wanted or self.instance.pk is None:
            return wanted
        leading = [
            *Inbox.objects.filter(queue=self.instance, is_active=True),
            *Topic.objects.filter(queue=self.instance, is_active=True),
        ]
        if leading:
            names = ", ".join(getattr(one, "name", None) or str(one) for one in leading)
            raise forms.ValidationError(
                _("Lead these to another queue first: %(names)s.") % {"names": names}
            )
        return wanted

    def clean(self) -> dict[str, Any]:
        """A queue in use stands in a department in use."""
        given = super().clean()
        department = given.get("department")
        if given.get("is_active") and department and not department.is_active:
            self.add_error(
                "department",
                _("The department %(name)s is switched off.") % {"name": str(department)},
            )
        return given


class TopicForm(NamedForm):
    """A topic; it leads to a queue in use. A new one may begin with the fields of a preset."""

    preset = forms.ChoiceField(
        label=gettext_lazy("Fields of the request form"),
        choices=[("", gettext_lazy("none yet")), *asking.PRESETS],
        required=False,
    )

    class Meta:
        model = Topic
        fields = [
            "name_ru", "name_en", "queue", "parent", "is_public", "signal_words", "is_active",
        ]  # fmt: skip
        widgets = {"signal_words": forms.Textarea(attrs={"rows": 8})}
        help_texts = {
            "signal_words": gettext_lazy(
                "One phrase a line. A client who writes so loses money now: his ticket goes before "
                "all others. Other forms of the words are found too, and not what is denied."
            )
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        queue = self.fields["queue"]
        assert isinstance(queue, forms.ModelChoiceField)
        queue.queryset = queues_to_choose(self.instance.queue_id)
        parent = self.fields["parent"]
        assert isinstance(parent, forms.ModelChoiceField)
        parent.queryset = Topic.objects.filter(parent=None).exclude(pk=self.instance.pk)
        if self.instance.pk is not None:
            del self.fields["preset"]

    def clean_parent(self) -> Topic | None:
        """Topics have parts, parts have none: a client chooses in two steps."""
        parent: Topic | None = self.cleaned_data["parent"]
        if parent and self.instance.pk and Topic.objects.filter(parent=self.instance).exists():
            raise forms.ValidationError(_("This topic has parts of its own."))
        return parent

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.cleaned_data.get("preset"):
            self.instance.fields = asking.preset(self.cleaned_data["preset"])


def queues_to_choose(present: int | None) -> Any:
    """Queues in use, and the present one; the quarantine queue is nobody's choice."""
    usable = Queue.objects.filter(is_active=True, is_quarantine=False)
    return (usable | Queue.objects.filter(pk=present or 0)).order_by("department_id", "line", "id")
