"""Any value of the domain, made from the types of its fields."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from pydantic import JsonValue

from keylease.domain.access import ACTIONS_OF, Permission, ResourceType
from keylease.domain.record import Value
from keylease.domain.schedule import Schedule

V = TypeVar("V", bound=Value)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is given beside them
lengths = st.timedeltas(timedelta(0), timedelta(days=3660))
words = st.text(max_size=12)
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
whitelists = st.frozensets(
    st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.0.0/16", "fd00::/8"]),
    max_size=3,
)
schedules = st.builds(
    Schedule, cron=st.sampled_from(["0 3 * * 1", "*/5 * * * *"]), time_zone=st.just("Asia/Shanghai")
) | st.builds(Schedule, every_days=st.integers(1, 90), jitter=lengths)


@st.composite
def permissions(draw: st.DrawFn) -> Permission:
    resource = draw(st.sampled_from(list(ResourceType)))
    actions = st.frozensets(st.sampled_from(sorted(ACTIONS_OF[resource])), min_size=1)
    return Permission(
        resource=resource,
        name=draw(st.sampled_from(["orders", "payments", "*"])),
        actions=draw(actions),
        whitelist=draw(whitelists),
    )


st.register_type_strategy(datetime, instants)
st.register_type_strategy(timedelta, lengths)
st.register_type_strategy(str, words)
st.register_type_strategy(Permission, permissions())
st.register_type_strategy(Schedule, schedules)


def any_of(kind: type[V], /) -> st.SearchStrategy[V]:
    """A value of `kind`, each field anything that its type allows."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        name: _of(field.annotation) for name, field in kind.model_fields.items()
    }
    return st.builds(kind, **fields)


def _of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation == dict[str, JsonValue]:
        return st.dictionaries(words, json_values, max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Value):
        return _value(annotation)
    arguments: tuple[Any, ...] = getattr(annotation, "__args__", ())
    if type(None) in arguments:
        (inner,) = (each for each in arguments if each is not type(None))
        return st.none() | _of(inner)
    if getattr(annotation, "__origin__", None) is tuple and arguments[1:] == (...,):
        return st.lists(_of(arguments[0]), max_size=2).map(tuple)
    return st.from_type(annotation)


def _value(kind: type[Value]) -> st.SearchStrategy[Any]:
    made = {Permission: permissions(), Schedule: schedules}
    return made[kind] if kind in made else any_of(kind)
