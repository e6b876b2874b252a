"""Catalog and directory as plain values, so that questions about a policy need no port."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keylease.domain.access import Entitlement, StandingAccount, Target
from keylease.domain.people import Principal
from keylease.domain.request import Asked
from keylease.policy.evaluate import Policy
from keylease.policy.facts import Facts


@dataclass(frozen=True, slots=True)
class World:
    """Everything that facts are taken from."""

    targets: Mapping[str, Target] = field(default_factory=dict[str, Target])
    entitlements: Mapping[str, Entitlement] = field(default_factory=dict[str, Entitlement])
    standing: tuple[StandingAccount, ...] = ()
    principals: Mapping[str, Principal] = field(default_factory=dict[str, Principal])

    def members(self, group: str, /) -> tuple[Principal, ...]:
        """Everybody in a group; a principal's id is the group of that one."""
        return tuple(
            principal
            for principal in self.principals.values()
            if group == principal.id or group in principal.groups
        )

    def facts(self, asked: Asked, /, *, policy: Policy) -> Facts:
        """What there is to know about one request."""
        accounts = (a for a in self.standing if a.target == asked.target)
        return Facts(
            principal=self.principals.get(asked.requester),
            target=self.targets.get(asked.target),
            entitlement=self.entitlements.get(asked.entitlement or ""),
            standing=next((a for a in accounts if a.username == asked.account), None),
            members={group: self.members(group) for group in policy.approver_groups},
        )
