"""Is this process able to work? Asked by supervisors, proxies and `doctor`, without a session."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zabota import __version__


def report() -> dict[str, Any]:
    """`ok`, `database` ("ok" or "away") and `migrations` ("done", "missing" or "unknown")."""
    told = {"ok": False, "version": __version__, "database": "away", "migrations": "unknown"}
    try:
        close_old_connections()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        told["database"] = "ok"
        told["migrations"] = "done" if _is_migrated() else "missing"
    except DatabaseError:
        return told
    finally:
        close_old_connections()
    told["ok"] = told["migrations"] == "done"
    return told


_migrated = False


def _is_migrated() -> bool:
    """Remembered once it is true: migrations never go back under a running process."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


async def healthz(request: Request) -> Response:
    """`/healthz`: 200 when it works, 503 when not; JSON."""
    told = await sync_to_async(report, thread_sensitive=False)()
    return JSONResponse(
        told, status_code=200 if told["ok"] else 503, headers={"Cache-Control": "no-store"}
    )
