"""Settings of the test run: the real ones over a throw-away data folder.

pytest-django reads settings before any conftest runs, and xdist's workers inherit the environment:
so the folder is made here, once, in the first process, and everything else is computed from it.
"""

import atexit
import os
import shutil
import tempfile

if "ZABOTA_TEST_DATA" not in os.environ:
    os.environ["ZABOTA_TEST_DATA"] = tempfile.mkdtemp(prefix="zabota-tests-")
    # The account that runs PostgreSQL for root must be able to pass through.
    os.chmod(os.environ["ZABOTA_TEST_DATA"], 0o711)
    atexit.register(shutil.rmtree, os.environ["ZABOTA_TEST_DATA"], ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("ZABOTA_")]:
    if _name != "ZABOTA_TEST_DATA":
        del os.environ[_name]
os.environ["ZABOTA_DATA"] = os.environ["ZABOTA_TEST_DATA"]

from zabota.config.settings import *  # noqa: E402, F403
from zabota.config.settings import DATABASES  # noqa: E402

# Threads of a pool would keep connections to a database that is about to be dropped.
DATABASES["default"]["OPTIONS"].pop("pool", None)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# No daily backup is missed here; tests of that set the time.
BACKUP_AT = None
