"""One active lease with a sealed password, and everything that claim and notify need."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from functions.claim.handler import ClaimCredential
from functions.notify.handler import Notify
from keylease.adapters.memory.accounts import MemoryCloud
from keylease.adapters.memory.chat import MemoryChat, MemoryChats
from keylease.adapters.memory.clock import ManualClock
from keylease.adapters.memory.directory import MemoryCatalog, MemoryDirectory
from keylease.adapters.memory.ids import SeededIds
from keylease.adapters.memory.secrets import MemorySecrets
from keylease.adapters.memory.store import MemoryStore
from keylease.converge.settle import about_lease
from keylease.domain.account import Account
from keylease.domain.credential import Claim, Credential, CredentialStatus
from keylease.domain.events import Event, EventData, LeaseActivated
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.people import ExternalId, Principal
from keylease.domain.post import Post
from keylease.domain.record import Record
from keylease.domain.request import Request
from keylease.domain.secret import Secret
from keylease.domain.telling import Telling
from keylease.ports.accounts import Accounts
from keylease.ports.store import Batch, Store
from keylease.runtime.process import Commits, Router
from tests.support import build

PASSWORD = "Canary-Passw0rd-7f3a"
URL = "https://keylease.example.com"
OPS = "slack:#ops"


def person(id_: str, *groups: str, **fields: Any) -> Principal:
    """Somebody in Slack; Ana is `UANA`."""
    address = ExternalId(platform="slack", tenant="T1", subject=f"U{id_.upper()}")
    return Principal(id=id_, groups=frozenset(groups), **({"addresses": (address,)} | fields))


ANA, BO, CY = person("ana"), person("bo", "leads"), person("cy", "leads")


@dataclass
class Handover:
    """A store in memory and the functions that work on it."""

    store: Store = field(default_factory=MemoryStore)
    clock: ManualClock = field(default_factory=lambda: ManualClock(build.NOW))
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    directory: MemoryDirectory = field(default_factory=lambda: MemoryDirectory((ANA, BO, CY)))
    chat: MemoryChat = field(default_factory=MemoryChat)
    telling: Telling = field(default_factory=lambda: Telling(public_url=URL, operators=(OPS,)))
    catalog: MemoryCatalog = field(
        default_factory=lambda: MemoryCatalog(targets=(build.ROCKETMQ, build.REDIS))
    )
    accounts: Accounts = field(default_factory=lambda: MemoryCloud(ManualClock(build.NOW)))
    ids: SeededIds = field(default_factory=SeededIds)
    events: int = 0

    @property
    def journal(self) -> Commits:
        """Every event goes to a sink, where tests read it."""
        return Commits(
            store=self.store, clock=self.clock, ids=self.ids, router=Router(sinks=("all",))
        )

    @property
    def claim(self) -> ClaimCredential:
        return ClaimCredential(
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            secrets=self.secrets,
            accounts=self.accounts,
            catalog=self.catalog,
        )

    @property
    def notify(self) -> Notify:
        return Notify(
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            secrets=self.secrets,
            directory=self.directory,
            chats=MemoryChats(chat=self.chat),
            telling=self.telling,
        )

    async def put(self, *records: Record) -> None:
        await self.store.commit(Batch(records=records))

    async def hear(self, content: EventData, /, *, id_: str = "") -> Event:
        """Notify gets an event, and what it decides is committed."""
        self.events += 1
        event = Event.of(content, id=id_ or f"evt-{self.events}", time=self.clock.now())
        await self.journal.commit(await self.notify(event))
        return event

    async def lease(self, **fields: Any) -> Lease:
        """Ana's active lease, with its account, request and sealed, current credential."""
        lease = build.lease(status=LeaseStatus.ACTIVE, **fields)
        sealed = self.secrets.seal(Secret(PASSWORD), context="rmq-demo/kl1#1")
        credential = build.credential(
            sealed=sealed, status=CredentialStatus.CURRENT, lease_id=lease.id
        )
        account = build.account(lock=None, credential_id=credential.id, credentials=1)
        await self.put(
            lease, credential, account, build.request(lease.request_id, lease_id=lease.id)
        )
        return lease

    async def token(self, credential_id: str = "rmq-demo/kl1#1", /) -> Secret:
        """A link's token, as notify gives one out."""
        credential = await self.credential(credential_id)
        token, now = self.secrets.token(), self.clock.now()
        by = now + timedelta(minutes=15)
        claim = Claim(token_hash=self.secrets.digest(token), issued_at=now, claim_by=by)
        await self.put(credential.evolve(claim=claim))
        return token

    async def credential(self, id_: str = "rmq-demo/kl1#1", /) -> Credential:
        found = await self.store.load(Credential, id_)
        assert found is not None
        return found

    async def account(self) -> Account:
        found = await self.store.load(Account, "rmq-demo/kl1")
        assert found is not None
        return found

    async def request(self, id_: str = "req-lease-1", /) -> Request:
        found = await self.store.load(Request, id_)
        assert found is not None
        return found

    async def said(self) -> list[Event]:
        """Every event that was emitted, in order per subject."""
        found = []
        while parcels := await self.store.parcels(before=self.clock.now(), limit=1000):
            for parcel in parcels:
                found.append(parcel.outgoing.event)
                await self.store.delivered(parcel)
        return found

    async def posts(self, about: str, /) -> tuple[Post, ...]:
        return await self.store.children(Post, about, only_open=False)

    def link(self, place: str = "slack:T1:UANA", /) -> Secret:
        """The token in the last link that somebody got."""
        links = [h.message.link for h in self.chat.heard if h.place == place and h.message.link]
        return Secret(links[-1].reveal().removeprefix(f"{URL}/claim/"))


def activated(lease: Lease, /) -> LeaseActivated:
    return LeaseActivated(
        **about_lease(lease), not_after=lease.not_after, credential_id="rmq-demo/kl1#1"
    )
