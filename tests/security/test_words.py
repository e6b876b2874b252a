"""What people type goes into logs, chats and the cloud: it is shown as it is, and does nothing."""

import json
from datetime import timedelta

import pytest

from keylease.adapters.slack.blocks import render
from keylease.adapters.slack.command import parse
from keylease.domain.intake import Ask, GiveReview
from keylease.domain.people import Principal
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.errors import BadInput
from tests.support.acting import ask, request_of, review
from tests.support.build import PUB_ORDERS, permission
from tests.support.simulation import Simulation, simulation, slack

HOUR = timedelta(hours=1)
ZERO_WIDTH, RTL, NEWLINE = "\u200b", "\u202e", "\n"
SHOUTS = ("<!channel>", "<!here>", "<!everyone>", "<@U1>", "<#C1>", "<https://evil.example|ok>")
HOSTILE = (
    *SHOUTS,
    "@channel @here @everyone",
    f"INC-1{RTL}gnihtemos",
    f"INC{ZERO_WIDTH}-1",
    f"INC-1{NEWLINE}request.approved requester=ceo",
    "INC-1\r\nApprove: bo",
    "=HYPERLINK(1)",
    "*bold* _it_ ~no~ `code` ```block```",
    "\x00\x1b[31mred",
    "x" * 500,
)


def rendered(world: Simulation) -> list[str]:
    """All that was ever said, as Slack gets it."""
    return [json.dumps(render(heard.message), ensure_ascii=False) for heard in world.chat.heard]


@pytest.mark.parametrize("reason", HOSTILE)
async def test_a_reason_mentions_nobody_and_starts_no_line(reason: str) -> None:
    world = simulation()
    process = await world.boot()

    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,), reason=reason)

    assert request.status is RequestStatus.IN_REVIEW
    assert not set(request.asked.reason) & {ZERO_WIDTH, RTL, "\n", "\r", "\x00", "\x1b"}
    said = rendered(world)
    assert said
    for shout in (*SHOUTS, "@channel", "@here", "@everyone"):
        assert [text for text in said if shout in text] == []


async def test_a_reviewers_reason_is_as_harmless() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))
    said = GiveReview(
        request_id=request.id,
        verdict=Verdict.DENY,
        digest=request.digest,
        reason=f"<!channel> no{RTL}{NEWLINE}approved by ceo",
    )

    await process.receive(world.arrived("bo", said))
    await world.calm(process)

    denied = await request_of(world, request.id)
    assert denied.status is RequestStatus.DENIED
    assert denied.settled_because == ("<!channel> no approved by ceo",)
    assert [text for text in rendered(world) if "<!channel>" in text or RTL in text] == []


async def test_an_approver_reads_in_the_message_what_the_digest_binds() -> None:
    world = simulation()
    process = await world.boot()
    reason = "routine check *Resources*\ntopic:payments Sub"

    await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,), reason=reason)

    (message,) = [m for m in world.chat.standing(str(slack("cy"))) if m.buttons]
    fields = dict(message.fields)
    assert "Pub on topic orders" in " ".join(fields.values())
    assert [value for value in fields.values() if "\n" in value] == []


LOOKALIKES = (
    f"orders{ZERO_WIDTH}",
    f"orders.paid{RTL}",
    "оrders",  # noqa: RUF001  # a Cyrillic letter, on purpose
    "orders\u0301",
    "orders ",
    "orders\n",
    "",
    "*",
    "../orders",
    "orders/../payments",
    "o" * 128,
)


@pytest.mark.parametrize("name", LOOKALIKES)
async def test_a_name_that_only_looks_like_one_is_refused(name: str) -> None:
    world = simulation()
    process = await world.boot()
    wanted = permission("topic:x", "Sub").evolve(name=name)
    said = Ask(target="rmq-demo", permissions=(wanted,), duration=HOUR, reason="INC-1")

    reply = await process.receive(world.arrived("ana", said))

    assert reply.refused
    assert world.records(Request) == []
    assert world.cloud.journal.entries == []


@pytest.mark.parametrize(
    "words",
    ["9999999999h", "-1h", "1e9", "0h", "P1D", "8", "8h8h", "1h30", "inf"],
)
def test_a_duration_that_means_two_things_is_none(words: str) -> None:
    with pytest.raises(BadInput):
        parse(f"request orders for {words} because INC-1")


async def test_a_name_to_show_is_not_who_somebody_is() -> None:
    world = simulation()
    impostor = Principal(id="mallory", name="bo", addresses=(slack("mallory"),))
    world.directory.put(impostor)
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))

    after = await review(world, process, "mallory", request, Verdict.APPROVE)

    assert after.status is RequestStatus.IN_REVIEW


async def test_what_is_not_there_and_what_is_not_yours_look_alike() -> None:
    world = simulation()
    process = await world.boot()
    request = await ask(world, process, target="rmq-demo", permissions=(PUB_ORDERS,))

    absent = await process.receive(world.arrived("dee", parse("status req-made-up")))
    others = await process.receive(world.arrived("dee", parse(f"status {request.id}")))

    assert absent.refused
    assert others.refused
    assert others.text.replace(request.id, "ID") == absent.text.replace("req-made-up", "ID")
