"""What one emulated instance holds: accounts and rows, and how each step changes them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from keylease.domain.access import Action, Permission, Product, ResourceType, RowKey
from keylease.domain.secret import Secret
from keylease.domain.steps import Observed

EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
CACHE: RowKey = (ResourceType.CACHE, "*")
PRIVILEGES = (frozenset({Action.READ}), frozenset({Action.READ, Action.WRITE}))

_RowId = tuple[str, RowKey]


@dataclass(frozen=True, slots=True)
class Holding:
    """One account."""

    password: Secret
    enabled: bool = True
    settles_at: datetime | None = None
    """Redis: worked on until then."""
    leaving: bool = False
    """Redis: gone once settled."""


@dataclass(frozen=True, slots=True)
class Row:
    """One ACL row, or the one privilege of a Redis account."""

    permission: Permission
    is_deny: bool = False

    @property
    def shown(self) -> Permission:
        """A whitelist that lets everybody in is shown as the empty set."""
        if self.permission.whitelist.isdisjoint(EVERYWHERE):
            return self.permission
        return self.permission.evolve(whitelist=frozenset[str]())


@dataclass(frozen=True, slots=True)
class Instance:
    """One moment of one instance."""

    product: Product
    accounts: Mapping[str, Holding] = field(default_factory=dict)
    rows: Mapping[_RowId, Row] = field(default_factory=dict)

    def settled(self, now: datetime, /) -> "Instance":
        """The same, with the work that is over by `now` done."""
        accounts, rows = dict(self.accounts), dict(self.rows)
        for username, holding in self.accounts.items():
            if holding.settles_at is None or holding.settles_at > now:
                continue
            if holding.leaving:
                del accounts[username]
                rows.pop((username, CACHE), None)
            else:
                accounts[username] = replace(holding, settles_at=None)
        return replace(self, accounts=accounts, rows=rows)

    def observed(self, username: str, /) -> Observed:
        """What a read shows."""
        holding = self.accounts.get(username)
        if holding is None and self.product is Product.REDIS:
            return Observed(exists=False)
        mine = [row for (owner, _), row in sorted(self.rows.items()) if owner == username]
        return Observed(
            exists=holding is not None,
            settled=holding is None or holding.settles_at is None,
            enabled=holding is not None and holding.enabled,
            permissions=tuple(row.shown for row in mine if not row.is_deny),
            denies=tuple(row.shown for row in mine if row.is_deny),
        )

    def with_account(self, username: str, holding: Holding, /) -> "Instance":
        return replace(self, accounts={**self.accounts, username: holding})

    def without_account(self, username: str, /) -> "Instance":
        """Its rows stay: whether the vendor removes them is not known."""
        others = {name: each for name, each in self.accounts.items() if name != username}
        return replace(self, accounts=others)

    def with_row(self, username: str, row: Row, /) -> "Instance":
        return replace(self, rows={**self.rows, (username, row.permission.key): row})

    def without_row(self, username: str, key: RowKey, /) -> "Instance":
        others = {id_: row for id_, row in self.rows.items() if id_ != (username, key)}
        return replace(self, rows=others)
