"""The web server process: Granian with the settings without which it fails."""

from __future__ import annotations

import importlib
import multiprocessing
import signal
from collections.abc import Callable
from typing import Any

from django.conf import settings
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from zabota.lib import log, memory
from zabota.ops.processes import die_with_parent

TARGET = "zabota.config.asgi:app"
KILL_AFTER = 10  # seconds; an open event stream would hold a stop for ever
BACKLOG = 4096
MOST_REQUESTS = 8192  # open at once; every live stream counts, the default 1,024 starves the site
QUIET = {
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "propagate": True},
        "granian.access": {"handlers": [], "propagate": True},
    },
}


def listen_address(listen: str) -> tuple[str, int]:
    """("127.0.0.1", 8100) of "127.0.0.1:8100"; raises ValueError for anything else."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(listen)
    return host.strip("[]"), int(port)


def run() -> None:
    """Serve until SIGTERM."""
    host, port = listen_address(settings.LISTEN)
    log.configure(settings.LOG_LEVEL)
    Server(
        TARGET,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=settings.WEB_PROCESSES,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MOST_REQUESTS,
        workers_kill_timeout=KILL_AFTER,
        respawn_failed_workers=True,
        log_dictconfig=QUIET,
        log_level=LogLevels.warning,
    ).serve(target_loader=load)


def load(target: str) -> Callable[..., Any]:
    """Load the application inside a server process, which must not outlive its parent."""
    parent = multiprocessing.parent_process()
    die_with_parent(signal.SIGKILL, parent.pid if parent else None)()
    log.configure(settings.LOG_LEVEL)
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    memory.settle()
    return found
