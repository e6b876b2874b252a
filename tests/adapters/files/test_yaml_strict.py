"""YAML means what it looks like, or is refused."""

from pathlib import Path

import pytest

from keylease.adapters.files.yaml_strict import Flaw, parse_yaml, read_yaml


def flaw(text: str) -> Flaw:
    with pytest.raises(Flaw) as caught:
        parse_yaml(text, file="it.yaml")
    return caught.value


def test_plain_values_are_read_with_their_lines() -> None:
    text = """\
# a comment
name: orders
count: 2
share: 0.5
is_open: true
nothing: null
empty:
list:
  - {a: -1}
  - [b, "2", 'no']
"""
    document = parse_yaml(text, file="it.yaml")

    assert document.value == {
        "name": "orders",
        "count": 2,
        "share": 0.5,
        "is_open": True,
        "nothing": None,
        "empty": None,
        "list": [{"a": -1}, ["b", "2", "no"]],
    }
    assert document.line(("count",)) == 3
    assert document.line(("list", 0, "a")) == 9
    assert document.line(("list", 1, 2)) == 10
    assert document.line(("list", 1, 2, "unknown")) == 10
    assert document.line(("unknown",)) == 2


@pytest.mark.parametrize(
    ("scalar", "advice"),
    [
        ("NO", "write true or false, or put it in quotes"),
        ("on", "write true or false, or put it in quotes"),
        ("Yes", "write true or false, or put it in quotes"),
        ("True", "write true or false, or put it in quotes"),
        ("0755", "write a plain decimal, or put it in quotes"),
        ("0x1F", "write a plain decimal, or put it in quotes"),
        ("1_000", "write a plain decimal, or put it in quotes"),
        ("+1", "write a plain decimal, or put it in quotes"),
        ("12:30:00", "write a plain decimal, or put it in quotes"),
        ("08:30.5", "write a plain decimal, or put it in quotes"),
        (".inf", "write a plain decimal, or put it in quotes"),
        (".NaN", "write a plain decimal, or put it in quotes"),
        ("2026-11-23", "YAML reads it as a date; put it in quotes"),
        ("NULL", "write null, or put it in quotes"),
        ("=", "put it in quotes"),
    ],
)
def test_a_scalar_that_means_something_else_is_refused(scalar: str, advice: str) -> None:
    found = flaw(f"a: 1\nb: {{c: {scalar}}}\n")

    assert (found.line, found.path) == (2, ("b", "c"))
    assert found.message.startswith(f"{scalar}: ")
    assert advice in found.message


@pytest.mark.parametrize("quoted", ['"NO"', "'0755'", '"2026-11-23"', "!!str 0755"])
def test_quotes_make_it_text(quoted: str) -> None:
    value = parse_yaml(f"a: {quoted}", file="it.yaml").value

    assert isinstance(value, dict)
    assert isinstance(value["a"], str)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "is written twice, first in line 1; keep one of them"),
        ("a: &x [1]\nb: *x\n", 1, "anchors and aliases are not allowed; write it out"),
        ("a: 1\n<<: {b: 2}\n", 2, "key <<: merge keys are not allowed; write it out"),
        ("on: push\n", 1, "key on: YAML reads it as true or false"),
        ("1: x\n", 1, "key 1: YAML reads it as another number"),
        ("!!set a: x\n", 1, "put it in quotes"),
        ("[a]: x\n", 1, "a key must be a word"),
        ("a: !!python/object:os.system x\n", 1, "is not allowed; remove it"),
        ("a: !!set {b, c}\n", 1, "is not allowed; remove it"),
        ("a: !!binary aGk=\n", 1, "is not allowed; remove it"),
        ("a: [1\nb: 2\n", 2, "is no YAML"),
        ("a: 1\n---\nb: 2\n", 2, "is no YAML"),
        ("a: \x07\n", 1, "is no YAML"),
        ("", 1, "is empty"),
        ("# only a comment\n", 1, "is empty"),
        ("[" * 30 + "]" * 30, 1, "is nested deeper than 20 levels"),
    ],
)
def test_what_is_no_strict_yaml_is_refused(text: str, line: int, message: str) -> None:
    found = flaw(text)

    assert message in found.message
    assert found.line == line


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
    )

    assert "anchors and aliases" in flaw(bomb).message


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(Flaw, match="cannot be read"):
        read_yaml(tmp_path / "missing.yaml")


def test_a_file_that_is_not_utf8_says_on_which_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: caf\xe9\n")

    with pytest.raises(Flaw, match="is not UTF-8") as caught:
        read_yaml(file)
    assert caught.value.line == 2


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_bytes(b"#" * (4 * 1024 * 1024 + 1))

    with pytest.raises(Flaw, match="split it into several files"):
        read_yaml(file)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")

    assert read_yaml(file).value == {"a": 1}


def test_json_is_read_without_yaml(tmp_path: Path) -> None:
    file = tmp_path / "it.json"
    file.write_text('{"a": [1, "NO"]}')

    assert read_yaml(file).value == {"a": [1, "NO"]}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [('{"a": 1,\n "a": 2}', 1, "a key is written twice"), ('{"a":\n}', 2, "is no JSON")],
)
def test_wrong_json_is_refused(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "it.json"
    file.write_text(text)

    with pytest.raises(Flaw, match=message) as caught:
        read_yaml(file)
    assert caught.value.line == line
