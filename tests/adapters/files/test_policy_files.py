"""Policy files are read as written, and each mistake is named with its line."""

from pathlib import Path

import pytest

from keylease.adapters.files.policy import load_policy, policy_files
from keylease.errors import Misconfigured

GOOD = """\
rules:
  - name: orders-on-call
    who: {groups: [orders]}
    may:
      target: rmq-demo
      topics: ["orders*"]
      actions: [Pub, Sub]
    when:
      ticket: required
      hours: "Mon-Fri 08:00-20:00 Asia/Shanghai"
      ip_within: [10.0.0.0/8]
    terms:
      max_duration: 8h
      approvals: {from: [leads], count: 1}
      tell: ["slack:#mq"]
"""


def refusal(path: Path) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load_policy(path)
    return [line.removeprefix(f"{path.parent}/") for line in str(caught.value).splitlines()]


def write(folder: Path, text: str, /, name: str = "policy.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_rule_knows_its_file_and_line(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, GOOD))

    assert [str(placed.ref) for placed in policy.rules] == ["orders-on-call (policy.yaml:2)"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "ticket: required",
            "max_duratoin: 8h",
            (
                "9: rule orders-on-call: when.max_duratoin: unknown field;"
                " did you mean terms.max_duration?"
            ),
        ),
        (
            "ticket: required",
            "tiket: required",
            "9: rule orders-on-call: when.tiket: unknown field; did you mean ticket?",
        ),
        (
            "ticket: required",
            "zzz: 1",
            (
                "9: rule orders-on-call: when.zzz: unknown field;"
                " known are ticket, hours, ip_within, labels, entitlement"
            ),
        ),
        (
            "[Pub, Sub]",
            "[Pub, reed]",
            (
                "7: rule orders-on-call: may.actions[1]: 'reed' is none of Pub, Sub, read, write;"
                " did you mean read?"
            ),
        ),
        (
            "[Pub, Sub]",
            "[Pub, zzz]",
            "7: rule orders-on-call: may.actions[1]: 'zzz' is none of Pub, Sub, read, write",
        ),
        (
            "max_duration: 8h",
            "max_duration: 8",
            (
                "13: rule orders-on-call: terms.max_duration: a duration is text;"
                " write it like 8h, 90m or 1d12h"
            ),
        ),
        (
            "max_duration: 8h",
            "max_duration: P1W",
            (
                "13: rule orders-on-call: terms.max_duration: 'P1W' is no duration;"
                " write it like 8h, 90m or 1d12h"
            ),
        ),
        (
            "count: 1",
            'count: "1"',
            (
                "14: rule orders-on-call: terms.approvals.count:"
                ' input should be a valid integer, not "1"'
            ),
        ),
        (
            "count: 1",
            "count: 0",
            (
                "14: rule orders-on-call: terms.approvals.count:"
                " input should be greater than or equal to 1, not 0"
            ),
        ),
        (
            "from: [leads]",
            "from: []",
            (
                "14: rule orders-on-call: terms.approvals: from: is empty;"
                " name something or leave it out"
            ),
        ),
        (
            "from: [leads], ",
            "",
            "14: rule orders-on-call: terms.approvals.from: is missing; add it",
        ),
        (
            "ticket: required",
            "ticket: optional",
            "9: rule orders-on-call: when.ticket: 'optional' is none of required",
        ),
        (
            "    who:",
            "    deny: alow\n    who:",
            '3: rule orders-on-call: deny: input should be a valid boolean, not "alow"',
        ),
        (
            "    who:",
            "    deny: NO\n    who:",
            (
                "3: rules[0].deny: NO: YAML reads it as true or false; write true or false,"
                " or put it in quotes"
            ),
        ),
        (
            "    who:",
            "    effect: alow\n    who:",
            (
                "3: rule orders-on-call: effect: unknown field;"
                " known are name, deny, who, may, when, terms, because"
            ),
        ),
        (
            "    who: {groups: [orders]}",
            "    who: {groups: [orders]}\n    who: {anyone: true}",
            "4: rules[0].who: is written twice, first in line 3; keep one of them",
        ),
        (
            "max_duration: 8h",
            "max_duration: 0755",
            (
                "13: rules[0].terms.max_duration: 0755: YAML reads it as another number;"
                " write a plain decimal, or put it in quotes"
            ),
        ),
        (
            "10.0.0.0/8",
            "10.0.0.1/8",
            (
                "11: rule orders-on-call: when.ip_within[0]: '10.0.0.1/8' is no address block"
                " (10.0.0.1/8 has host bits set); write it like 10.0.0.0/8"
            ),
        ),
        (
            "Asia/Shanghai",
            "Asia/Shanghia",
            (
                "10: rule orders-on-call: when.hours[0]: no time zone 'Asia/Shanghia';"
                " use a name such as Asia/Shanghai"
            ),
        ),
        (
            "orders*",
            "orders?",
            (
                "6: rule orders-on-call: may.topics[0]: 'orders?' holds ?;"
                " only * has a meaning in a pattern"
            ),
        ),
        (
            "groups: [orders]",
            'groups: [" orders"]',
            (
                "3: rule orders-on-call: who.groups[0]:"
                " ' orders' is empty or holds blanks at its ends or invisible characters"
            ),
        ),
        (
            "slack:#mq",
            "somewhere",
            (
                "15: rule orders-on-call: terms.tell[0]: 'somewhere' is nowhere to tell;"
                " write it like slack:#mq-approvals"
            ),
        ),
        (
            "name: orders-on-call",
            "name: Orders On Call",
            (
                "2: rule Orders On Call: name: string should match pattern"
                " '^[a-z0-9][a-z0-9_-]{0,62}$', not \"Orders On Call\""
            ),
        ),
        (
            "who: {groups: [orders]}",
            "who: {}",
            (
                "3: rule orders-on-call: who: names nobody;"
                " give groups, people, workloads or only anyone: true"
            ),
        ),
        (
            "who: {groups: [orders]}",
            "who: {groups: [orders], anyone: true}",
            (
                "3: rule orders-on-call: who: names nobody;"
                " give groups, people, workloads or only anyone: true"
            ),
        ),
        (
            "    who: {groups: [orders]}\n",
            "",
            (
                "2: rule orders-on-call: who: missing; a permit says for whom it is,"
                " anyone: true for all"
            ),
        ),
        (
            "      target: rmq-demo\n",
            "",
            (
                "2: rule orders-on-call: may.target: missing; name targets or their labels,"
                ' "*" for all'
            ),
        ),
        (
            '      topics: ["orders*"]\n',
            "",
            "2: rule orders-on-call: may: names no resource; give topics, groups or cache: true",
        ),
        (
            "      actions: [Pub, Sub]\n",
            "",
            "2: rule orders-on-call: may.actions: missing; give some of Pub, Sub, read, write",
        ),
        (
            '      topics: ["orders*"]\n      actions: [Pub, Sub]',
            "      cache: true\n      actions: [read]",
            (
                "2: rule orders-on-call: when.ip_within: cannot hold for a cache;"
                " make a rule of its own for it"
            ),
        ),
        (
            "[Pub, Sub]",
            "[Pub, read]",
            "4: rule orders-on-call: may: actions: read is no action of topic",
        ),
        (
            "    who: {groups: [orders]}",
            "    deny: true",
            "2: rule orders-on-call: terms: a deny rule has no terms; remove them",
        ),
    ],
)
def test_a_mistake_names_file_line_and_field(
    tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in GOOD

    path = write(tmp_path, GOOD.replace(right, wrong))

    assert f"policy.yaml:{message}" in refusal(path)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "when: {ticket: required}",
            "when.ticket: a deny rule cannot ask for a ticket; a permit can",
        ),
        (
            "may: {accounts: svc}",
            "may.accounts: a deny rule cannot name accounts; remove it",
        ),
    ],
)
def test_a_deny_rule_refuses_what_only_a_permit_has(
    tmp_path: Path, section: str, message: str
) -> None:
    path = write(tmp_path, f"rules:\n  - name: never\n    deny: true\n    {section}\n")

    assert refusal(path) == [f"policy.yaml:2: rule never: {message}"]


def test_a_permit_without_terms_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD[: GOOD.index("    terms:")])

    assert refusal(path) == [
        "policy.yaml:2: rule orders-on-call: terms: missing; a permit says at least max_duration"
    ]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("8h", "8x").replace("[Pub, Sub]", "[Pub, Sb]"))

    assert refusal(path) == [
        (
            "policy.yaml:7: rule orders-on-call: may.actions[1]:"
            " 'Sb' is none of Pub, Sub, read, write; did you mean Sub?"
        ),
        (
            "policy.yaml:13: rule orders-on-call: terms.max_duration:"
            " '8x' is no duration; write it like 8h, 90m or 1d12h"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: []\n", "policy.yaml:1: rules: is empty; name something or leave it out"),
        ("rule: []\n", "policy.yaml:1: rules: is missing; add it"),
        ("- name: x\n", "policy.yaml:1: input should be an object, not"),
        ("rules: [5]\n", "policy.yaml:1: rule 1: input should be an object, not 5"),
    ],
)
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert any(line.startswith(message) for line in refusal(write(tmp_path, text)))


def test_a_name_used_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.yaml")
    write(tmp_path, GOOD, "b.yaml")

    with pytest.raises(Misconfigured) as caught:
        load_policy(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/b.yaml:2: rule orders-on-call: name:"
        " is also the name of the rule at a.yaml:2; rename one"
    )


def test_a_folder_is_one_policy_in_the_order_of_its_file_names(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("orders-on-call", "second"), "20-b.yaml")
    write(tmp_path, GOOD.replace("orders-on-call", "first"), "10-a.yaml")
    for other in ("catalog.yaml", "directory.yaml", "10-a.cases.yaml"):
        write(tmp_path, "not: read", other)

    assert [placed.rule.name for placed in load_policy(tmp_path).rules] == ["first", "second"]
    assert [path.name for path in policy_files(tmp_path)] == ["10-a.yaml", "20-b.yaml"]


def test_a_folder_without_a_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="holds no policy file"):
        load_policy(tmp_path)


def test_a_compiled_policy_is_the_same_policy(tmp_path: Path) -> None:
    written = load_policy(write(tmp_path, GOOD))
    compiled = load_policy(write(tmp_path, written.to_json(), "policy.json"))

    assert compiled.digest == written.digest
    assert [str(placed.ref) for placed in compiled.rules] == ["orders-on-call (policy.yaml:2)"]


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"keylease_policy": 2, "rules": []}'])
def test_a_file_that_is_no_compiled_policy_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured, match="is no compiled policy"):
        load_policy(write(tmp_path, text, "policy.json"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_policy(tmp_path / "policy.yaml")
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_policy(tmp_path / "policy.json")
