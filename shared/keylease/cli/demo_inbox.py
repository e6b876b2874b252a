"""What stands in somebody's Slack, read from the stand-in: texts, buttons, links."""

import re
from collections.abc import Iterator
from typing import Any

from keylease.emulator.slack import FakeSlack, StandingMessage

_LINK = re.compile(r"<(https?://[^|>]+)\|")


def direct(slack: FakeSlack, user: str, /) -> list[StandingMessage]:
    """Messages that this person alone sees."""
    return [one for one in slack.messages if one.channel == f"D{user[1:]}"]


def text_with(slack: FakeSlack, user: str, /, *words: str) -> str | None:
    """The latest direct message that holds all these words."""
    found = (one.text for one in reversed(direct(slack, user)))
    return next((text for text in found if all(word in text for word in words)), None)


def button(slack: FakeSlack, user: str, action: str, /) -> dict[str, str] | None:
    """A button that this person can press now, as Slack would send it back."""
    for element in _elements(direct(slack, user)):
        if element.get("action_id") == action:
            return {"action_id": action, "value": element["value"]}
    return None


def link(slack: FakeSlack, user: str, /, *words: str) -> str | None:
    """The link in a direct message that holds all these words."""
    for message in reversed(direct(slack, user)):
        if all(word in message.text for word in words):
            found = _LINK.search(str(message.blocks))
            if found:
                return found[1]
    return None


def _elements(messages: list[StandingMessage]) -> Iterator[dict[str, Any]]:
    for message in messages:
        for block in message.blocks:
            yield from block.get("elements", ())
