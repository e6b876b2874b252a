"""The webhook's entrance: forms, trust, and the published schema."""

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest
from jsonschema import Draft202012Validator

from keylease.adapters.webhook.door import WebhookDoor
from keylease.adapters.webhook.schema import schema, schema_text
from keylease.adapters.webhook.signature import StandardWebhooks
from keylease.domain.intake import Arrived, Ask, AskStatus, GiveReview, Release, Reply
from keylease.domain.people import ExternalId
from keylease.domain.request import Verdict
from keylease.domain.secret import Secret
from keylease.domain.trust import Trust
from keylease.errors import BadInput
from keylease.ports.doors import Call
from tests.support.build import permission
from tests.support.doors import CLOCK, WEBHOOK_SECRET, message, webhook_call, with_headers

SCHEMA = Path(__file__).parents[3] / "infra" / "examples" / "webhook" / "request.schema.json"
SELF = ExternalId(platform="webhook", tenant="t1", subject="servicenow")
LIN = {"platform": "slack", "tenant": "T0FAKE001", "subject": "U0REQ0001"}
FILES = Trust(files_for=frozenset({"slack:T0FAKE001", "webhook"}))
REVIEWS = Trust(files_for=frozenset({"slack"}), may_review=True)


def door(trust: Trust | None = None) -> WebhookDoor:
    proof = StandardWebhooks(secrets=(WEBHOOK_SECRET,))
    return WebhookDoor(tenant="t1", proof=proof, subject="servicenow", trust=trust or Trust())


def arrived(body: bytes, *, trust: Trust | None = None) -> Arrived:
    opened = door(trust).open(webhook_call(body), now=CLOCK)
    assert isinstance(opened, tuple)
    return opened[0]


def test_a_machine_asks_for_itself() -> None:
    message_ = arrived(message())

    assert message_ == Arrived(
        source="webhook",
        tenant="t1",
        key="msg_1",
        sender=SELF,
        said=Ask(entitlement="orders-read", duration=timedelta(hours=8), reason="INC-4711 replay"),
    )


def test_a_target_and_permissions_are_read() -> None:
    wanted = [{"resource": "topic", "name": "orders", "actions": ["Pub", "Sub"]}]

    said = arrived(message(entitlement=None, target="rmq-prod", permissions=wanted)).said

    assert isinstance(said, Ask)
    assert said.permissions == (permission("topic:orders", "Pub,Sub"),)


def test_a_trusted_machine_files_for_a_person() -> None:
    message_ = arrived(message(requester=LIN), trust=FILES)

    assert isinstance(message_.said, Ask)
    assert message_.sender == SELF
    assert message_.said.on_behalf_of == ExternalId(**LIN)


def test_a_bare_requester_is_an_id_of_the_tenants_own_directory() -> None:
    said = arrived(message(requester="u0000001"), trust=FILES).said

    assert isinstance(said, Ask)
    assert said.on_behalf_of == ExternalId(platform="webhook", tenant="t1", subject="u0000001")


@pytest.mark.parametrize(
    ("trust", "requester"),
    [
        (Trust(), LIN),
        (Trust(), "u0000001"),
        (FILES, {**LIN, "tenant": "T0OTHER"}),
        (FILES, {"platform": "webhook", "tenant": "t2", "subject": "u1"}),
        (FILES, {"platform": "cli", "tenant": "t1", "subject": "root"}),
        (Trust(files_for=frozenset({"cloudevents"})),
         {"platform": "cloudevents", "tenant": "t2", "subject": "x"}),
    ],
)  # fmt: skip
def test_a_machine_speaks_for_nobody_it_is_not_trusted_with(trust: Trust, requester: Any) -> None:
    with pytest.raises(BadInput) as refused:
        arrived(message(requester=requester), trust=trust)

    assert refused.value.code == "not_allowed"
    assert door().refuse(webhook_call(b""), problem=refused.value).status == 403


def test_a_review_needs_its_own_trust() -> None:
    body = message("access.review", reviewer=LIN, request_id="req-1", verdict="approve")

    reviewed = arrived(body, trust=REVIEWS)

    assert reviewed.said == GiveReview(request_id="req-1", verdict=Verdict.APPROVE)
    assert reviewed.sender == ExternalId(**LIN)
    with pytest.raises(BadInput, match="may not give reviews"):
        arrived(body, trust=FILES)


def test_a_review_names_its_reviewer() -> None:
    with pytest.raises(BadInput, match=r"data\.reviewer"):
        arrived(message("access.review", request_id="req-1", verdict="approve"), trust=REVIEWS)


def test_release_and_status_are_read() -> None:
    release = arrived(message("access.release", request_id="req-1"))
    status = arrived(message("access.status", requester=LIN), trust=FILES)

    assert (release.said, release.sender) == (Release(request_id="req-1"), SELF)
    assert (status.said, status.sender) == (AskStatus(), ExternalId(**LIN))


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[]", "one object"),
        (b'{"type":"access.status","data":{"request_id":"a","request_id":"b"}}', "twice"),
        (b'{"type":"access.request","data":NaN}', "JSON"),
        (b'{"data":{}}', "type"),
        (b'{"type":"access.grant","data":{}}', "no such type"),
        (b'{"type":"access.request","data":{},"extra":1}', "one object"),
        (b'{"type":"access.request"}', "data"),
        (message(surprise=1), "data.surprise"),
        (message(duration="forever"), "data.duration"),
        (message(duration=8), "data.duration"),
        (message(reason=""), "data.reason"),
        (message(permissions=[{"resource": "queue", "actions": ["Sub"]}]), "resource"),
        (message(permissions=[{"resource": "topic", "name": "a", "actions": []}]), "actions"),
        (message("access.release", request_id="../etc"), "data.request_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body: bytes, place: str) -> None:
    with pytest.raises(BadInput) as refused:
        arrived(body)

    assert place in str(refused.value)
    assert door().refuse(webhook_call(b""), problem=refused.value).status == 400


def test_only_json_is_read() -> None:
    with pytest.raises(BadInput) as refused:
        door().open(webhook_call(message(), kind="text/plain"), now=CLOCK)

    assert door().refuse(webhook_call(b""), problem=refused.value).status == 415


def test_a_missing_content_type_is_json() -> None:
    assert door().open(with_headers(webhook_call(message()), ("content-type", None)), now=CLOCK)


def test_the_answer_says_what_came_of_it() -> None:
    call = webhook_call(message())

    done = door().answer(call, replies=(Reply(text="received", request_id="req-1"),))
    refused = door().answer(call, replies=(Reply(text="no such target", refused=True),))

    assert (done.status, refused.status) == (200, 422)
    assert json.loads(done.body) == {"text": "received", "request_id": "req-1", "refused": False}


def test_the_published_schema_is_the_one_in_force() -> None:
    assert SCHEMA.read_text() == schema_text()


@pytest.mark.parametrize(
    ("body", "is_valid"),
    [
        (message(), True),
        (message(requester=LIN), True),
        (message("access.status"), True),
        (message(surprise=1), False),
        (message("access.grant"), False),
    ],
)
def test_the_published_schema_judges_as_the_door_does(body: bytes, *, is_valid: bool) -> None:
    assert Draft202012Validator(schema()).is_valid(json.loads(body)) == is_valid


EXAMPLES = SCHEMA.parent


def test_the_jira_example_makes_a_call_that_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (EXAMPLES / "jira-automation.md").read_text()
    script = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert script
    sent: list[Request] = []

    def keep(request: Request) -> None:
        sent.append(request)
        raise ConnectionRefusedError

    names: dict[str, Any] = {}
    exec(script[1], names)  # noqa: S102  # the published example is what is tested
    monkeypatch.setattr("urllib.request.urlopen", keep)
    monkeypatch.setattr("time.time", CLOCK.timestamp)
    fields = {
        "reporter": {"accountId": "5b10fake0000000000000002"},
        "summary": "Access to topic orders.paid",
        "customfield_10050": "rmq-demo",
        "customfield_10051": "orders.paid",
        "customfield_10052": {"value": "Sub"},
        "customfield_10053": 8,
    }

    with pytest.raises(ConnectionRefusedError):
        names["file"](
            {"id": "10321", "key": "MQA-123", "fields": fields},
            "20456",
            url="http://127.0.0.1/hooks/webhook/t1",
            secret=WEBHOOK_SECRET.reveal(),
        )

    body = sent[0].data
    assert isinstance(body, bytes)
    call = Call(method="POST", path="/", headers=tuple(sent[0].header_items()), body=body)
    opened = door(FILES).open(call, now=CLOCK)
    assert isinstance(opened, tuple)
    assert opened[0].key == "jira_10321_20456"
    said = opened[0].said
    assert isinstance(said, Ask)
    assert said.ticket == "MQA-123"
    assert said.permissions == (permission("topic:orders.paid", "Sub"),)


SERVICENOW = """
const crypto = require('crypto');
const said = {headers: {}};
const gs = {
  getProperty: name => name.endsWith('url') ? 'http://127.0.0.1/' : process.env.SECRET,
  base64Encode: text => Buffer.from(text).toString('base64'),
  error: () => {},
};
class GlideDateTime { getNumericValue() { return 1767225600 * 1000; } }
class CertificateEncryption {
  generateMac(key, _, text) {
    return crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  }
}
const sn_ws = { RESTMessageV2: class {
  setEndpoint() {} setHttpMethod() {}
  setRequestHeader(name, value) { said.headers[name] = value; }
  setRequestBody(body) { said.body = body; }
  execute() { return {getStatusCode: () => 200, getBody: () => '{"text": "received"}'}; }
}};
const current = {
  requested_for: 'u0000001', sys_id: '0a1b2c', sys_mod_count: 7, number: 'RITM0012345',
  variables: {target: 'rmq-demo', topic: 'orders', action: 'Sub', hours: 8, reason: 'INC-4711'},
  update() {},
};
eval(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(said));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the script's own language")
def test_the_servicenow_example_makes_a_call_that_is_let_in() -> None:
    secret = "fake-servicenow-shared-key-0001"
    run = subprocess.run(  # a fixed program and a file of ours
        [shutil.which("node") or "node", "-e", SERVICENOW],
        input=(EXAMPLES / "servicenow.js").read_text(),
        env={"SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    said = json.loads(run.stdout)
    headers = tuple(said["headers"].items())
    call = Call(method="POST", path="/", headers=headers, body=said["body"].encode())
    proof = StandardWebhooks(secrets=(Secret(secret),))

    opened = WebhookDoor(tenant="t1", proof=proof, trust=FILES).open(call, now=CLOCK)

    assert isinstance(opened, tuple)
    assert opened[0].key == "sn_0a1b2c_7"
    ask = opened[0].said
    assert isinstance(ask, Ask)
    assert ask.ticket == "RITM0012345"
