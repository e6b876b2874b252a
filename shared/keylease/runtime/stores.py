"""Which adapter keeps the store, from its address; each is loaded when it is the one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from keylease.domain.secret import Secret
from keylease.errors import Misconfigured
from keylease.ports.store import Store
from keylease.runtime.references import placed
from keylease.runtime.sections import Postgres
from keylease.runtime.settings import Settings
from keylease.runtime.store_address import SQLITE

if TYPE_CHECKING:
    from keylease.adapters.postgres.connection import Server
    from keylease.ports.moving import Copy, Origin

COUNTING = timedelta(hours=1)
PASSWORD = "PGPASSWORD"  # noqa: S105  # a variable's name


def open_store(
    settings: Settings, /, *, variables: Mapping[str, str], wake: Callable[[], None] | None = None
) -> AbstractAsyncContextManager[Store]:
    """The store that settings name; `wake` is called when another process left something to do.

    Raises:
        Misconfigured: its driver is not installed, or its password cannot be read.
    """
    if settings.store.startswith(SQLITE):
        from keylease.adapters.sqlite.store import open_sqlite  # noqa: PLC0415  # as said above

        return open_sqlite(settings.store_path)
    at = server(settings, variables=variables)
    from keylease.adapters.postgres.store import open_postgres  # noqa: PLC0415  # as said above

    return open_postgres(at, wake=wake)


def server(settings: Settings, /, *, variables: Mapping[str, str]) -> "Server":
    """Where PostgreSQL is, and how it is used."""
    try:
        from keylease.adapters.postgres.connection import Server  # noqa: PLC0415  # as said above
    except ModuleNotFoundError as e:
        msg = "store: PostgreSQL needs one more package; run: pip install 'keylease[postgres]'"
        raise Misconfigured(msg) from e
    section, password = settings.postgres or Postgres(), None
    if section.password is not None:
        with placed("postgres.password"):
            password = section.password.secret()
    elif variables.get(PASSWORD):
        password = Secret(variables[PASSWORD])
    return Server(
        url=settings.store,
        password=password,
        pool=section.pool,
        statement_timeout=section.statement_timeout,
    )


def open_origin(
    address: str, /, settings: Settings, *, variables: Mapping[str, str]
) -> "AbstractAsyncContextManager[Origin]":
    """A store to copy from."""
    if address.startswith(SQLITE):
        from keylease.adapters.sqlite.moving import sqlite_origin  # noqa: PLC0415  # as said above

        return sqlite_origin(Path(address.removeprefix(SQLITE)))
    at = _patient(address, settings, variables)
    from keylease.adapters.postgres.moving import postgres_origin  # noqa: PLC0415  # as said above

    return postgres_origin(at)


def open_copy(
    address: str, /, settings: Settings, *, variables: Mapping[str, str]
) -> "AbstractAsyncContextManager[Copy]":
    """A store to copy into."""
    if address.startswith(SQLITE):
        from keylease.adapters.sqlite.moving import sqlite_copy  # noqa: PLC0415  # as said above

        return sqlite_copy(Path(address.removeprefix(SQLITE)))
    at = _patient(address, settings, variables)
    from keylease.adapters.postgres.moving import postgres_copy  # noqa: PLC0415  # as said above

    return postgres_copy(at)


def _patient(address: str, settings: Settings, variables: Mapping[str, str]) -> "Server":
    """A server that may count a big table."""
    at = server(settings.model_copy(update={"store": address}), variables=variables)
    return replace(at, statement_timeout=COUNTING)
