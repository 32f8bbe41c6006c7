"""Static files: names carry a hash of their contents, so browsers keep them for ever."""

from __future__ import annotations

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStatic(ManifestStaticFilesStorage):
    """Hashed names in CSS and in ES module imports; plain names before anything was collected."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The hashed name; the plain one while nothing is collected. ValueError: no such file."""
        known = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        if known is not None:
            return str(known)
        if finders.find(name) is None:
            raise ValueError(f"There is no static file {name!r}")
        return name
