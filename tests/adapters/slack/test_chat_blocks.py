"""What people typed can neither mention anybody, nor link, nor look like ours; limits hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from keylease.adapters.slack.blocks import clean, render
from keylease.adapters.slack.door import APPROVE, DENY
from keylease.domain.secret import Secret
from keylease.ports.chat import Button, Message

BUTTONS = (
    Button(action="approve", label="Approve", value="req-1:abc"),
    Button(action="deny", label="Deny", value="req-1:abc", is_danger=True),
)


def validated(message: Message) -> list[dict[str, Any]]:
    """The blocks, as far as Slack's own classes accept them."""
    blocks = render(message)["blocks"]
    assert isinstance(blocks, list)
    parsed = Block.parse_all(blocks)  # type: ignore[arg-type]  # JSON values are what it takes
    return [block.to_dict() for block in parsed]


def test_buttons_carry_what_the_door_reads() -> None:
    blocks = validated(Message(text="question", buttons=BUTTONS))

    approve, deny = blocks[-1]["elements"]
    assert (approve["action_id"], approve["style"]) == (APPROVE, "primary")
    assert (deny["action_id"], deny["style"]) == (DENY, "danger")
    assert approve["value"] == deny["value"] == "req-1:abc"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U0REQ0001>", "&lt;@U0REQ0001&gt;"),
        ("<https://evil.example|click>", "&lt;https://evil.example|click&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;", "&amp;lt;"),
        ("@here and @Channel", "@\u2060here and @\u2060Channel"),
        ("ana@hereford.example", "ana@hereford.example"),
        ("paid\u202etxt.exe", "paidtxt.exe"),
        ("a\x00b\x1b[31mc\u2066d\u200be", "ab[31mcde"),
        ("回放 ✓ 👩\u200d💻", "回放 ✓ 👩\u200d💻"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_text_is_shown_as_it_is_and_does_nothing(typed: str, shown: str) -> None:
    assert clean(typed, longest=3000) == shown


def test_a_value_cannot_start_a_line_of_its_own() -> None:
    blocks = validated(Message(text="question", fields=(("Why", "x\n*Rule*\nanything"),)))

    assert blocks[1]["fields"][0]["text"] == "*Why*\nx *Rule* anything"


def test_an_entity_is_never_cut_in_two() -> None:
    assert clean("&" * 10, longest=50) == "&amp;" * 10
    assert clean("&" * 11, longest=50) == "&amp;" * 9 + "…"
    assert clean("x" * 11, longest=10) == "x" * 9 + "…"


def test_a_link_cannot_be_broken_out_of() -> None:
    message = Message(text="x", link=Secret("https://k.example/claim/a>b|c d"), link_label="<A|b>")

    assert validated(message)[1]["text"]["text"] == "<https://k.example/claim/abcd|&lt;A b&gt;>"


@given(
    text=st.text(min_size=1, max_size=5000),
    fields=st.lists(st.tuples(st.text(max_size=90), st.text(max_size=2500)), max_size=25),
)
def test_anything_typed_gives_blocks_that_slack_takes(
    text: str, fields: list[tuple[str, str]]
) -> None:
    message = Message(text=text, fields=tuple(fields), buttons=BUTTONS)

    blocks = validated(message)

    assert len(blocks) <= 50
    for block in blocks:
        for one in [block.get("text"), *block.get("fields", [])]:
            assert one is None or "<" not in one["text"]
            assert one is None or len(one["text"]) <= (2000 if block.get("fields") else 3000)
