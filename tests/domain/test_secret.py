"""A secret shows itself to `reveal` and to nobody else."""

import copy
import dataclasses
import json
import logging
import pickle
import traceback

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic_core import to_json

from keylease.domain.secret import REDACTED, Secret

CANARY = "canary-9f2c"


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    secret: Secret


class Model(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    secret: Secret


def test_reveal_is_the_one_way_in() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(CANARY)),
        str(Secret(CANARY)),
        f"{Secret(CANARY)}",
        f"{Secret(CANARY)!r:>40}",
        f"{Secret(CANARY):>40}",
        "%s %r" % (Secret(CANARY), Secret(CANARY)),  # noqa: UP031  # the older way is shown too
        "{}".format(Secret(CANARY)),  # noqa: UP032  # as above
        repr([Secret(CANARY)]),
        repr(Holder(Secret(CANARY))),
        repr(Model(secret=Secret(CANARY))),
        str(Model(secret=Secret(CANARY)).model_dump()),
        ascii(Secret(CANARY)),
    ],
)
def test_no_text_shows_it(shown: str) -> None:
    assert CANARY not in shown
    assert REDACTED in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY), protocol)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_it_is_not_copied(duplicate: object) -> None:
    with pytest.raises(TypeError):
        duplicate(Secret(CANARY))  # type: ignore[operator]  # one of the two above


def test_dataclasses_do_not_take_it_apart() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(Holder(Secret(CANARY)))


def test_no_json_shows_it() -> None:
    with pytest.raises(TypeError):
        json.dumps({"secret": Secret(CANARY)})
    with pytest.raises(ValueError, match="Unable to serialize"):
        to_json(Secret(CANARY))
    assert CANARY not in json.dumps([Secret(CANARY)], default=str)
    with pytest.raises(ValueError, match="Unable to serialize"):
        Model(secret=Secret(CANARY)).model_dump_json()


def test_a_validation_error_does_not_show_it() -> None:
    with pytest.raises(ValueError, match="int_type") as e:
        TypeAdapter(int).validate_python(Secret(CANARY))

    assert CANARY not in str(e.value)


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def fail(secret: Secret) -> None:
        held = [secret]
        raise ValueError(len(held))

    try:
        fail(Secret(CANARY))
    except ValueError as e:
        shown = "".join(
            traceback.TracebackException.from_exception(e, capture_locals=True).format()
        )

    assert "held" in shown
    assert CANARY not in shown.replace(repr(CANARY), "")  # the source line of this test names it


def test_a_log_line_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("got %s", Secret(CANARY))

    assert REDACTED in caplog.text
    assert CANARY not in caplog.text


def test_nothing_can_be_hung_onto_it() -> None:
    with pytest.raises(AttributeError):
        Secret(CANARY).other = CANARY  # type: ignore[attr-defined]  # that is the point
    with pytest.raises(TypeError):
        vars(Secret(CANARY))


def test_equal_secrets_are_equal() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert hash(Secret(CANARY)) == hash(Secret(CANARY))
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY
