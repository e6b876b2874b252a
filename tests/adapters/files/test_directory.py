"""A directory file is read as written, and each mistake is named with its line."""

from pathlib import Path

import pytest

from keylease.adapters.files.directory import FileDirectory, load_directory
from keylease.domain.people import ExternalId
from keylease.errors import Misconfigured
from keylease.ports.directory import Directory

GOOD = """\
people:
  ana:
    name: Ana
    groups: [orders, leads]
    slack: [{team: T0DEMO, user: U0REQ0001}]
    webhook: [{tenant: tickets, subject: ana@example.com}]
    cli: [{tenant: local, subject: ana}]
  bo:
    groups: [leads]
workloads:
  billing:
    groups: [orders]
    cloudevents: [{tenant: billing, subject: "urn:billing"}]
"""


def load(folder: Path, text: str) -> FileDirectory:
    path = folder / "directory.yaml"
    path.write_text(text)
    return load_directory(path)


async def test_outside_ids_are_resolved(tmp_path: Path) -> None:
    directory: Directory = load(tmp_path, GOOD)

    ana = await directory.resolve(
        ExternalId(platform="slack", tenant="T0DEMO", subject="U0REQ0001")
    )
    assert ana is not None
    assert (ana.id, ana.name, ana.is_workload) == ("ana", "Ana", False)
    assert ana.groups == frozenset({"orders", "leads"})
    assert [str(address) for address in ana.addresses] == [
        "slack:T0DEMO:U0REQ0001",
        "webhook:tickets:ana@example.com",
        "cli:local:ana",
    ]


@pytest.mark.parametrize(
    "unknown",
    [
        ExternalId(platform="slack", tenant="T0OTHER", subject="U0REQ0001"),
        ExternalId(platform="webhook", tenant="T0DEMO", subject="U0REQ0001"),
        ExternalId(platform="slack", tenant="T0DEMO", subject="u0req0001"),
        ExternalId(platform="slack", tenant="T0DEMO", subject="Ana"),
    ],
)
async def test_an_unknown_outside_id_is_nobody(tmp_path: Path, unknown: ExternalId) -> None:
    assert await load(tmp_path, GOOD).resolve(unknown) is None


async def test_principals_are_known_by_id(tmp_path: Path) -> None:
    directory = load(tmp_path, GOOD)

    billing = await directory.principal("billing")
    assert billing is not None
    assert billing.is_workload
    assert billing.name == "billing"
    assert await directory.principal("eve") is None


async def test_members_of_a_group_and_of_one_principal(tmp_path: Path) -> None:
    directory = load(tmp_path, GOOD)

    assert [p.id for p in await directory.members("leads")] == ["ana", "bo"]
    assert [p.id for p in await directory.members("orders")] == ["ana", "billing"]
    assert [p.id for p in await directory.members("bo")] == ["bo"]
    assert await directory.members("ghosts") == ()


def test_the_digest_is_of_what_the_file_says(tmp_path: Path) -> None:
    first = load(tmp_path, GOOD).digest

    assert load(tmp_path, "# the same\n" + GOOD).digest == first
    assert load(tmp_path, GOOD.replace("name: Ana", "name: Anna")).digest != first


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "  bo:\n",
            "  bo:\n    slack: [{team: T0DEMO, user: U0REQ0001}]\n",
            (
                "9: person bo: slack[0]: slack:T0DEMO:U0REQ0001 is also an id of ana;"
                " one outside id is one principal"
            ),
        ),
        (
            "user: U0REQ0001",
            "user: ana",
            "5: person ana: slack[0].user: string should match pattern",
        ),
        (
            "team: T0DEMO",
            "tenant: T0DEMO",
            "5: person ana: slack[0].tenant: unknown field; did you mean team?",
        ),
        ("slack:", "slak:", "5: person ana: slak: unknown field; did you mean slack?"),
        (
            "  billing:",
            "  bo:",
            "11: workload bo: is also the id of a person; rename one",
        ),
        (
            "groups: [leads]",
            "groups: [ana]",
            "9: person bo: groups[0]: ana is the id of a principal; rename it",
        ),
        (
            "subject: ana}",
            'subject: ""}',
            "7: person ana: cli[0].subject: string should have at least 1 character",
        ),
        ("  bo:", "  ana:", "8: people.ana: is written twice, first in line 2"),
    ],
)
def test_a_mistake_names_file_line_and_field(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in GOOD

    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, GOOD.replace(right, wrong, 1))

    assert f"{tmp_path}/directory.yaml:{message}" in str(caught.value)
