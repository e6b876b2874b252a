"""A process that commits for ever and prints each id once it is acknowledged; to be killed."""

import asyncio
import sys

from keylease.adapters.sqlite.store import open_sqlite
from keylease.domain.audit import AuditEntry
from keylease.domain.events import Event, RequestCancelled
from keylease.ports.store import Batch, InboxId, Outgoing, Store
from tests.support.build import NOW, lease

WORKERS = 8


def batch(id_: str, /) -> Batch:
    """One of everything, all about `id_`."""
    event = Event.of(RequestCancelled(request_id=id_), id=f"evt-{id_}", time=NOW)
    return Batch(
        inbox=InboxId(source="test", key=id_),
        records=(lease(id_),),
        outgoing=(Outgoing(event=event, destination="sink:bus"),),
        audit=(AuditEntry(at=NOW, action="lease.approved", subject=id_, actor="ana"),),
    )


async def _commit_for_ever(store: Store, run: str, worker: int) -> None:
    number = 0
    while True:
        id_ = f"{run}-{worker}-{number}"
        await store.commit(batch(id_))
        sys.stdout.write(f"{id_}\n")
        sys.stdout.flush()
        number += 1


async def main(path: str, run: str) -> None:
    async with open_sqlite(path) as store, asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(_commit_for_ever(store, run, worker))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))  # noqa: TID251  # a program of its own
