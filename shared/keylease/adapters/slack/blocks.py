"""Messages as Block Kit: plain text made harmless, within Slack's limits; pure."""

import re
import unicodedata

from pydantic import JsonValue

from keylease.ports.chat import Button, Message

MOST_BLOCKS = 50
LONGEST_SECTION = 3000
LONGEST_FIELD = 2000
FIELDS_PER_SECTION = 10
BUTTONS_PER_ROW = 25
LONGEST_LABEL = 75
LONGEST_VALUE = 2000
LONGEST_TEXT = 4000
"""Of the text beside the blocks, which notifications show."""

_SHOUT = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_JOINER = "\u2060"
_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_KEPT = frozenset({"\n", "\t", "\u200d"})
"""A zero-width joiner holds emoji and some scripts together."""


def render(message: Message, /) -> dict[str, JsonValue]:
    """The content of a call: `text` for notifications, `blocks` for the screen.

    The link stands in the blocks only, so that no notification shows it.
    """
    blocks: list[JsonValue] = [_section(message.text)]
    if message.fields:
        blocks.extend(_fields(message.fields))
    if message.link is not None:
        label = clean(message.link_label or "Open", longest=LONGEST_LABEL).replace("|", " ")
        url = message.link.reveal()
        blocks.append({"type": "section", "text": _mrkdwn(f"<{_url(url)}|{label}>")})
    if message.buttons:
        elements: list[JsonValue] = [_button(one) for one in message.buttons[:BUTTONS_PER_ROW]]
        blocks.append({"type": "actions", "elements": elements})
    return {
        "text": clean(message.text, longest=LONGEST_TEXT),
        "blocks": blocks[:MOST_BLOCKS],
    }


def clean(text: str, /, *, longest: int) -> str:
    """Text that Slack shows as it is: no mention, no link, no control or bidi character."""
    if text.isascii() and text.isprintable():
        visible = text  # the rule, looked at as a whole
    else:
        visible = "".join(
            char for char in text if char in _KEPT or unicodedata.category(char) not in _HARMFUL
        )
    return escape(_SHOUT.sub(f"@{_JOINER}", visible), longest=longest)


def escape(text: str, /, *, longest: int) -> str:
    """The three characters that Slack's markup reads, within a length and never cut in two."""
    whole = text.translate(_ESCAPED)
    if len(whole) <= longest:
        return whole
    pieces: list[str] = []
    room = longest
    for char in text:
        piece = _ENTITIES.get(char, char)
        if len(piece) > room - 1:  # keep room for the mark that something is missing
            break
        pieces.append(piece)
        room -= len(piece)
    return "".join(pieces) + "…"


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPED = str.maketrans(_ENTITIES)


def _section(text: str) -> JsonValue:
    return {"type": "section", "text": _mrkdwn(clean(text, longest=LONGEST_SECTION))}


def _fields(fields: tuple[tuple[str, str], ...]) -> list[JsonValue]:
    """One line per field: what somebody typed cannot start a line that looks like another one."""
    rendered: list[JsonValue] = [_mrkdwn(_field(name, value)) for name, value in fields]
    return [
        {"type": "section", "fields": rendered[at : at + FIELDS_PER_SECTION]}
        for at in range(0, len(rendered), FIELDS_PER_SECTION)
    ]


def _field(name: str, value: str) -> str:
    bold = clean(name, longest=LONGEST_LABEL)
    return f"*{bold}*\n{clean(' '.join(value.split()), longest=LONGEST_FIELD - LONGEST_LABEL - 3)}"


def _mrkdwn(text: str) -> JsonValue:
    # Verbatim: Slack links and mentions nothing by itself, only what is marked up.
    return {"type": "mrkdwn", "text": text or " ", "verbatim": True}


def _url(text: str) -> str:
    """Only what cannot end the markup that it stands in."""
    return re.sub(r"[<>|\s]", "", text)


def _button(button: Button) -> JsonValue:
    label = button.label[:LONGEST_LABEL]
    return {
        "type": "button",
        "action_id": f"access_{button.action}",
        "text": {"type": "plain_text", "text": label, "emoji": False},
        "value": button.value[:LONGEST_VALUE],
        "style": "danger" if button.is_danger else "primary",
    }
