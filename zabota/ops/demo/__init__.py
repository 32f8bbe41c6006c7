"""Demonstration data: ninety days of a hosting company's customer care, and its mail server."""

from zabota.ops.demo.loading import Refused, is_loaded, load, way_in, welcome
from zabota.ops.demo.removal import remove

__all__ = ["Refused", "is_loaded", "load", "remove", "way_in", "welcome"]
