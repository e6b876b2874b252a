"""What a target tells a doctor: accounts nobody knows, accounts that hold the wrong thing."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

from keylease.converge.fold import ask_ends, baselined, fold
from keylease.converge.plan import plan
from keylease.converge.situation import Situation
from keylease.domain.access import Target, account_id
from keylease.domain.account import Account
from keylease.domain.credential import Credential, Sealed
from keylease.domain.lease import Lease, LeaseStatus
from keylease.errors import InvariantBroken, Misconfigured
from keylease.ports.accounts import Accounts
from keylease.ports.clock import Clock
from keylease.ports.secrets import Secrets
from keylease.ports.store import Store
from keylease.runtime.filling import Parts

OURS = re.compile(r"kl[a-z0-9]{12}")
"""The form of a dedicated account's name (domain/account.py)."""
MOST = 10_000
AT_REST = frozenset({LeaseStatus.ACTIVE, LeaseStatus.STUCK})
"""Other open leases are being worked on right now."""


async def orphans(target: Target, parts: Parts, /) -> tuple[str, ...]:
    """Accounts with a name of ours and no record: access that nobody would ever take back."""
    store, accounts = await parts.get(Store), await parts.get(Accounts)
    found = []
    for username in await accounts.usernames(target):
        if not OURS.fullmatch(username):
            continue
        known = await store.load(Account, account_id(target=target.id, username=username))
        if known is None or not known.is_open:
            found.append(f"{username} is ours by name, and no open record knows it")
    return (*found, "remove it at the cloud after a look at its rules") if found else ()


async def compared(target: Target, parts: Parts, /) -> tuple[str, ...]:
    """Accounts at rest on which converge would still change something."""
    store = await parts.get(Store)
    found = []
    for account in await store.children(Account, target.id, limit=MOST):
        situation = await _situation(account, target, parts)
        if situation is None:
            continue
        steps = plan(situation, fold(situation))
        found += [f"{account.username}: converge would {step}" for step in steps]
    return tuple(found)


async def _situation(account: Account, target: Target, parts: Parts) -> Situation | None:
    """As converge would see it; None while it is being worked on."""
    store, now = await parts.get(Store), (await parts.get(Clock)).now()
    leases = await store.children(Lease, account.id)
    if not account.is_free(now) or any(lease.status not in AT_REST for lease in leases):
        return None
    accounts = await parts.get(Accounts)
    observed = await accounts.observe(target, username=account.username)
    if not observed.settled:
        return None
    seen = Situation(
        account=account,
        target=target,
        loaded=leases,
        leases=ask_ends(leases, now=now),
        now=now,
        observed=observed,
    )
    return replace(seen, account=baselined(seen))


async def unopenable(target: Target, parts: Parts, /) -> tuple[str, ...]:
    """Sealed secrets that nobody could be given; opening is tried, nothing is shown."""
    secrets = await parts.get(Secrets)
    found = []
    async for id_, sealed in _sealed(target, parts):
        try:
            secrets.open(sealed, context=id_)
        except (Misconfigured, InvariantBroken) as e:
            found.append(str(e))
    return tuple(found)


async def seals(target: Target, parts: Parts, /) -> Counter[str]:
    """How many secrets each sealing key is still needed for."""
    return Counter([sealed.key_id async for _, sealed in _sealed(target, parts)])


async def _sealed(target: Target, parts: Parts) -> AsyncIterator[tuple[str, Sealed]]:
    store = await parts.get(Store)
    for account in await store.children(Account, target.id, limit=MOST):
        for credential in await store.children(Credential, account.id, limit=MOST):
            if credential.sealed is not None:
                yield credential.id, credential.sealed
