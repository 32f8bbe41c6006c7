"""The settings of a version that is to come."""

from zabota.config.settings import *  # noqa: F403
from zabota.config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.ops.later"]
