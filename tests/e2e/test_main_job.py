"""The main job over real HTTP: a signed chat command becomes a credential that works and ends."""

import asyncio
import re
from html import unescape

import pytest
import redis.exceptions
from standardwebhooks import Webhook

from tests.e2e.playing import ANA, BO, Play, eventually, playing

SAME_SITE = {"sec-fetch-site": "same-origin"}


async def claimed(play: Play, link: str) -> tuple[str, str]:
    """Username and password from the page."""
    async with play.session.post(link, headers=SAME_SITE) as response:
        assert response.status == 200
        page = await response.text()
    username, password, *_ = re.findall(r'<code class="value">([^<]*)</code>', page)
    return unescape(username), unescape(password)


async def approved_by_bo(play: Play, text: str) -> str:
    request_id = await play.asks(text)
    await play.slack.presses(BO, await play.button_of(BO, "access_approve"))
    return request_id


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
async def test_a_reviewed_redis_lease_works_for_its_time_and_not_after(
    kind: str, postgres_url: str
) -> None:
    async with playing(store=postgres_url if kind == "PostgreSQL" else None) as play:
        request_id = await approved_by_bo(play, "cache-reader for 6s because INC-1")
        link = await play.link_to(ANA, request_id, "is active")
        username, password = await claimed(play, link)

        assert await play.login(username, password, "GET", "nothing") is None
        with pytest.raises(redis.exceptions.NoPermissionError):
            await play.login(username, password, "SET", "a", "b")

        await play.told(ANA, request_id, "ended")
        with pytest.raises(redis.exceptions.AuthenticationError):
            await play.login(username, password, "GET", "nothing")
        assert play.accounts() == set()


async def test_a_link_shows_nothing_before_it_is_used_and_nothing_after() -> None:
    async with playing() as play:
        request_id = await approved_by_bo(play, "cache-reader for 60s because INC-2")
        link = await play.link_to(ANA, request_id, "is active")
        async with play.session.get(link) as response:
            before = await response.text()
        username, password = await claimed(play, link)

        async with play.session.post(link, headers=SAME_SITE) as response:
            status, after = response.status, await response.text()

        assert password not in before
        assert username not in before
        assert status == 410
        assert password not in after
        alarm = await eventually(
            lambda: next((m for m in play.stage.slack.messages if "ALARM" in m.text), None)
        )
        assert alarm.channel == "#keylease-ops"


async def test_of_64_hands_on_one_link_exactly_one_sees_the_credential() -> None:
    async with playing() as play:
        request_id = await play.asks("orders-consumer for 60s because INC-5")
        link = await play.link_to(ANA, request_id, "is active")

        async def press() -> tuple[int, str]:
            async with play.session.post(link, headers=SAME_SITE) as response:
                return response.status, await response.text()

        pages = await asyncio.gather(*(press() for _ in range(64)))

        shown = [text for status, text in pages if status == 200]
        spent = [text for status, text in pages if status == 410]
        assert (len(shown), len(spent)) == (1, 63)
        _, password, *_ = re.findall(r'<code class="value">([^<]*)</code>', shown[0])
        assert not any(unescape(password) in unescape(text) for text in spent)
        assert len({re.findall(r"was shown on <b>([^<]*)</b>", text)[0] for text in spent}) == 1


async def test_a_released_lease_leaves_nothing_on_rocketmq() -> None:
    async with playing() as play:
        request_id = await play.asks("orders-consumer for 5m because INC-3")
        await play.told(ANA, request_id, "is active")
        instance = play.stage.emulator.world.rocketmq.all()[0]
        held = {(rule.resource_type, rule.resource_name, rule.actions) for rule in instance.rules}

        await play.slack.types(ANA, f"release {request_id}")
        await play.told(ANA, request_id, "ended", "you gave it back")

        left = play.stage.emulator.world.rocketmq.all()[0]
        assert held == {("Topic", "orders", ("Sub",)), ("Group", "GID_orders", ("Sub",))}
        assert left.rules == ()
        assert not [one for one in left.accounts if one.username.startswith("kl")]


async def test_a_refusal_names_every_unmet_condition() -> None:
    async with playing() as play:
        request_id = await play.asks("payments-producer for 8h because INC-4")

        told = await play.told(ANA, request_id, "is denied")

        reasons = [line for line in told.splitlines() if line.startswith("- ")]
        assert reasons == [
            "- you are in none of the groups payments",
            "- 8h is longer than the 1h that rule payments-write allows",
            "- a ticket is required; name it in the request",
        ]


async def test_nobody_approves_their_own_request() -> None:
    async with playing() as play:
        request_id = await play.asks("cache-reader for 60s because INC-5")
        pressed = await play.button_of(BO, "access_approve")

        await play.slack.presses(ANA, pressed)

        await play.told(ANA, request_id, "nobody reviews their own request")
        assert play.accounts() == set()


async def test_a_repeated_command_is_one_request_and_double_clicks_are_one_lease() -> None:
    async with playing() as play:
        text = "request cache-reader for 60s because INC-6"
        answers = [await play.slack.types(ANA, text, trigger="1.2.3") for _ in range(3)]
        pressed = await play.button_of(BO, "access_approve")

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(play.slack.presses(BO, pressed))
        await play.told(ANA, "is active")

        assert len({answer["text"] for answer in answers}) == 1
        assert len(play.accounts()) == 1


async def test_every_result_event_is_signed_as_the_receivers_library_expects() -> None:
    async with playing() as play:
        request_id = await play.asks("orders-consumer for 3s because INC-7")
        await eventually(lambda: "lease.ended" in play.stage.receiver.about(request_id))

        verifier = Webhook(play.stage.variables["DEMO_SINK_SECRET"])
        for headers, body in play.stage.receiver.calls:
            verifier.verify(body, dict(headers))
        assert play.stage.receiver.about(request_id) == (
            "request.submitted",
            "request.approved",
            "lease.activated",
            "lease.ended",
        )
