"""What a rule says, as its author writes it. Everything that is not understood is refused."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from keylease.domain.access import ACTIONS_OF, Action, ResourceType
from keylease.domain.decision import RuleRef
from keylease.domain.duration import Duration
from keylease.domain.record import Value
from keylease.policy.hours import EXAMPLE, read_window

_SPECIAL = set("?[]{}!\\")


def _as_tuple(given: object) -> object:
    """One text stands for a list of one."""
    if isinstance(given, str):
        return (given,)
    return tuple(given) if isinstance(given, list) else given


def _word(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable():
        msg = f"{text!r} is empty or holds blanks at its ends or invisible characters"
        raise ValueError(msg)
    return text


def _pattern(text: str) -> str:
    if special := _SPECIAL & set(text):
        msg = f"{text!r} holds {' '.join(sorted(special))}; only * has a meaning in a pattern"
        raise ValueError(msg)
    return _word(text)


def _window(text: str) -> str:
    read_window(text)
    return text


def _cidr(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as e:
        msg = f"{text!r} is no address block ({e}); write it like 10.0.0.0/8"
        raise ValueError(msg) from e
    return text


def _address(text: str) -> str:
    kind, colon, rest = text.partition(":")
    if not (colon and kind.isalnum() and rest.strip()):
        msg = f"{text!r} is nowhere to tell; write it like slack:#mq-approvals"
        raise ValueError(msg)
    return _word(text)


def _listed(example: str) -> WithJsonSchema:
    """One text or a list of texts, for editors."""
    text: JsonValue = {"type": "string", "minLength": 1}
    many: JsonValue = {"type": "array", "items": text, "minItems": 1}
    return WithJsonSchema({"anyOf": [text, many], "examples": [example]})


_AsTuple = BeforeValidator(_as_tuple)
Words = Annotated[tuple[Annotated[str, AfterValidator(_word)], ...], _AsTuple, _listed("orders")]
Patterns = Annotated[
    tuple[Annotated[str, AfterValidator(_pattern)], ...], _AsTuple, _listed("orders*")
]
Windows = Annotated[tuple[Annotated[str, AfterValidator(_window)], ...], _AsTuple, _listed(EXAMPLE)]
Blocks = Annotated[
    tuple[Annotated[str, AfterValidator(_cidr)], ...], _AsTuple, _listed("10.0.0.0/8")
]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...],
    _AsTuple,
    _listed("slack:#mq-approvals"),
]
Actions = Annotated[
    tuple[Action, ...],
    _AsTuple,
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "enum": [str(a) for a in Action]},
            "minItems": 1,
            "uniqueItems": True,
        }
    ),
]
Labels = dict[Annotated[str, AfterValidator(_word)], Patterns]


class Section(Value):
    """A part of a rule. A list that is written down and empty is a mistake, never `everything`."""

    @model_validator(mode="after")
    def _nothing_is_empty(self) -> Self:
        for name, field in type(self).model_fields.items():
            if name in self.model_fields_set and getattr(self, name) in ((), {}):
                msg = f"{field.alias or name}: is empty; name something or leave it out"
                raise ValueError(msg)
        return self


class Who(Section):
    """The principals that a rule is for: any one of these is enough."""

    groups: Words = ()
    people: Words = ()
    """Principal ids of persons."""
    workloads: Words = ()
    """Principal ids of workloads."""
    anyone: bool = False
    """Everybody whom the directory knows."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        named = bool(self.groups or self.people or self.workloads)
        if named == self.anyone:
            msg = "names nobody; give groups, people, workloads or only anyone: true"
            raise ValueError(msg)
        return self


class May(Section):
    """What a rule is about. `*` stands for any characters."""

    target: Patterns = ()
    labels: Labels = Field(default_factory=dict)
    """Labels that the target must have."""
    topics: Patterns = ()
    groups: Patterns = ()
    """Consumer groups."""
    cache: bool = False
    """The whole Redis/Tair instance."""
    actions: Actions = ()
    accounts: Patterns = ()
    """Standing accounts that may receive the access; without it: dedicated accounts, the
    requester's own standing accounts, and those of an entitlement that `when` names."""

    @property
    def resources(self) -> dict[ResourceType, tuple[str, ...]]:
        """Name patterns by kind of resource; empty: the rule names no resource."""
        named = {
            ResourceType.TOPIC: self.topics,
            ResourceType.GROUP: self.groups,
            ResourceType.CACHE: ("*",) if self.cache else (),
        }
        return {kind: patterns for kind, patterns in named.items() if patterns}

    @model_validator(mode="after")
    def _actions_fit(self) -> Self:
        kinds = tuple(self.resources) or tuple(ResourceType)
        possible = frozenset[Action]().union(*(ACTIONS_OF[kind] for kind in kinds))
        if wrong := sorted(set(self.actions) - possible):
            msg = f"actions: {wrong[0]} is no action of {' or '.join(kinds)}"
            raise ValueError(msg)
        return self


class When(Section):
    """Circumstances that must hold when the request is decided."""

    ticket: Literal["required"] | None = None
    hours: Windows = ()
    """Windows in one of which the request must be decided; a lease may end after it."""
    ip_within: Blocks = ()
    """Blocks within which the requested addresses must lie."""
    labels: Labels = Field(default_factory=dict)
    entitlement: Words = ()
    """The request must name one of these entitlements."""


class Approvals(Section):
    """How many of whom must say yes."""

    approvers: Words = Field(alias="from")
    """Groups and principal ids; the requester never counts."""
    count: int = Field(default=1, ge=1, le=20)


class Terms(Section):
    """Obligations of a permit."""

    max_duration: Duration
    approvals: Approvals | None = None
    tell: Addresses = ()


class Rule(Value):
    """One rule of a policy: a permit, or with `deny: true` a deny."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    deny: bool = False
    who: Who | None = None
    may: May = May.model_construct()
    when: When = When.model_construct()
    terms: Terms | None = None
    because: str = ""
    """What a refused requester reads."""

    @property
    def granted(self) -> Terms:
        """The terms; a rule without any grants no time at all."""
        return self.terms or Terms(max_duration=timedelta(0))

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for message in self._denial_flaws() if self.deny else self._permit_flaws():
            raise ValueError(message)
        return self

    def _denial_flaws(self) -> list[str]:
        flaws = []
        if self.terms is not None:
            flaws.append("terms: a deny rule has no terms; remove them")
        if self.when.ticket is not None:
            flaws.append("when.ticket: a deny rule cannot ask for a ticket; a permit can")
        if self.may.accounts:
            flaws.append("may.accounts: a deny rule cannot name accounts; remove it")
        return flaws

    def _permit_flaws(self) -> list[str]:
        flaws = []
        if self.who is None:
            flaws.append("who: missing; a permit says for whom it is, anyone: true for all")
        if not (self.may.target or self.may.labels):
            flaws.append('may.target: missing; name targets or their labels, "*" for all')
        if not self.may.resources:
            flaws.append("may: names no resource; give topics, groups or cache: true")
        if not self.may.actions:
            flaws.append(f"may.actions: missing; give some of {', '.join(Action)}")
        if self.may.cache and self.when.ip_within:
            flaws.append("when.ip_within: cannot hold for a cache; make a rule of its own for it")
        if self.terms is None:
            flaws.append("terms: missing; a permit says at least max_duration")
        return flaws


class RuleFile(Section):
    """A policy file."""

    rules: tuple[Rule, ...]


class PlacedRule(Value):
    """A rule and where it stands."""

    rule: Rule
    ref: RuleRef


class CompiledPolicy(Value):
    """`policy.json`: rules that were read from YAML at build time, so that no YAML is needed."""

    keylease_policy: Literal[1]
    """Version of this form."""
    rules: tuple[PlacedRule, ...]
