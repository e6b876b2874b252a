"""The glossary knows the words of the code."""

import re
from enum import StrEnum

import pytest

from keylease.domain import account, credential, decision, lease, request, rotation
from tests.docs.pages import DOCS, rows
from tests.domain.test_records import EVENTS, RECORDS

WORDS = {
    word.strip()
    for row in rows((DOCS / "glossary.md").read_text())
    for word in re.split(r"[,;]", row[0])
}
CLOSED = [
    lease.LeaseStatus,
    lease.EndReason,
    request.RequestStatus,
    request.Verdict,
    account.AccountKind,
    credential.CredentialStatus,
    rotation.RotationStep,
    decision.Effect,
]


def test_every_kind_of_record_is_in_the_glossary() -> None:
    assert {kind.kind for kind in RECORDS} - WORDS == set()


@pytest.mark.parametrize("closed", CLOSED, ids=lambda kind: kind.__name__)
def test_every_status_is_in_the_glossary(closed: type[StrEnum]) -> None:
    assert {str(one).replace("_", " ") for one in closed} - WORDS == set()


def test_every_noun_and_participle_of_an_event_is_in_the_glossary() -> None:
    parts = [kind.type.split(".") for kind in EVENTS]
    said = {word.replace("_", " ") for part in parts for word in part[2:4]}

    assert len(said) > 20
    assert said - WORDS == set()
