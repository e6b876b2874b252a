"""Requests of machines: a ticket tool's signed webhook, and CloudEvents from a queue's producer."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_structured_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook

from tests.e2e.playing import ANA, Play, eventually, playing

FORM = {"entitlement": "orders-consumer", "duration": "5m", "reason": "INC-4711 replay"}


async def file_ticket(play: Play, message: dict[str, Any], *, message_id: str) -> tuple[int, Any]:
    """Send it as the ticket tool's library signs it."""
    body = json.dumps(message)
    now = datetime.now(UTC)  # noqa: TID251  # the sender's own clock
    signature = Webhook(play.stage.variables["DEMO_TICKETS_SECRET"]).sign(message_id, now, body)
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    url = f"{play.served.url}/hooks/webhook/tickets"
    async with play.session.post(url, data=body, headers=headers) as response:
        return response.status, await response.json()


async def test_a_ticket_filed_for_a_person_gives_that_person_access() -> None:
    async with playing() as play:
        requester = {"platform": "slack", "tenant": "T0DEMO", "subject": ANA}
        message = {"type": "access.request", "data": {**FORM, "requester": requester}}

        status, answer = await file_ticket(play, message, message_id="msg_1")

        assert status == 200
        await play.told(ANA, answer["request_id"], "is active")


async def test_a_ticket_that_is_sent_twice_is_one_request() -> None:
    async with playing() as play:
        message = {"type": "access.request", "data": FORM}

        first = await file_ticket(play, message, message_id="msg_2")
        second = await file_ticket(play, message, message_id="msg_2")

        assert first == second
        assert first[0] == 200


async def test_a_ticket_with_a_wrong_signature_is_refused_without_a_word() -> None:
    async with playing() as play:
        headers = {
            "content-type": "application/json",
            "webhook-id": "msg_3",
            "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),  # noqa: TID251  # as above
            "webhook-signature": "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        }
        url = f"{play.served.url}/hooks/webhook/tickets"
        body = json.dumps({"type": "access.request", "data": FORM})
        async with play.session.post(url, data=body, headers=headers) as response:
            assert response.status == 401
            assert await response.read() == b""


@pytest.mark.parametrize("source", ["urn:billing", "urn:somebody-else"])
async def test_a_cloud_event_is_believed_from_its_own_source_only(source: str) -> None:
    async with playing() as play:
        event = CloudEvent(
            attributes={
                "id": "evt-1",
                "source": source,
                "type": "io.keylease.access.request.v1",
                "specversion": "1.0",
                "datacontenttype": "application/json",
            },
            data=FORM,
        )
        message = to_structured_event(event)
        token = play.stage.variables["DEMO_BILLING_TOKEN"]
        headers = {**message.headers, "authorization": f"Bearer {token}"}
        url = f"{play.served.url}/events"
        async with play.session.post(url, data=message.body, headers=headers) as response:
            status, text = response.status, await response.text()

        if source != "urn:billing":
            assert (status, text) == (401, "")
            return
        assert status == 202
        (reply,) = json.loads(text)["replies"]
        receiver = play.stage.receiver
        await eventually(lambda: "lease.activated" in receiver.about(reply["request_id"]))
