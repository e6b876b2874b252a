"""RocketMQ operations: the exact bytes that go out, and what comes back."""

import json
from collections.abc import Awaitable, Callable, Mapping

import httpx
import pytest

from keylease.adapters.alibaba.rocketmq import AclRule, RocketMq
from keylease.domain.secret import Secret
from keylease.errors import (
    InvariantBroken,
    ProviderAmbiguous,
    ProviderConflict,
    ProviderRefused,
    ProviderTransient,
)
from tests.adapters.alibaba.parts import MQ, client_over, quick
from tests.support.respx_http import RespxHttp

INSTANCE = "rmq-cn-probe00001"
BASE = f"{MQ}/instances/{INSTANCE}"
DONE = {"requestId": "R-1", "success": True, "data": True, "code": "200"}
ROW = AclRule(
    username="app_probe",
    resource_type="Topic",
    resource_name="orders",
    actions=("Pub", "Sub"),
    ip_whitelists=("10.0.0.0/8", "192.168.0.1"),
)
ROW_BODY = (
    b'{"actions":["Pub","Sub"],"decision":"Allow","ipWhitelists":["10.0.0.0/8","192.168.0.1"],'
    b'"resourceName":"orders","resourceType":"Topic"}'
)
PASSWORD = Secret("Aa1!@#$%^&*()_+-=z")
ENCODED = "Aa1%21%40%23%24%25%5E%26%2A%28%29_%2B-%3Dz"
PAGING = "pageNumber=1&pageSize=100"

Act = Callable[[RocketMq], Awaitable[object]]


def mq_over(http: RespxHttp) -> RocketMq:
    return RocketMq(
        client=client_over(http, limits=quick()), region="cn-hangzhou", instance=INSTANCE
    )


def found(data: object) -> dict[str, object]:
    return {"requestId": "R-1", "success": True, "data": data}


def page(*rows: Mapping[str, object]) -> dict[str, object]:
    return found({"pageNumber": 1, "pageSize": 100, "totalCount": len(rows), "list": list(rows)})


ACL = {
    "username": "app_probe",
    "resourceType": "Topic",
    "resourceName": "orders",
    "decision": "Allow",
    "actions": ["Pub|Sub"],
    "ipWhitelists": None,
    "aclType": "apache_acl",
}

CALLS: list[tuple[str, Act, str, str, bytes, object]] = [
    (
        "CreateInstanceAccount",
        lambda mq: mq.create_instance_account("app_probe", password=PASSWORD, remark="probe 订单"),
        "POST",
        f"{BASE}/accounts",
        '{"password":"Aa1!@#$%^&*()_+-=z","remark":"probe 订单","username":"app_probe"}'.encode(),
        DONE,
    ),
    (
        "GetInstanceAccount",
        lambda mq: mq.get_instance_account("app_probe"),
        "GET",
        f"{BASE}/account?username=app_probe",
        b"",
        found({"username": "app_probe", "password": "p", "accountStatus": "ENABLE"}),
    ),
    (
        "UpdateInstanceAccount",
        lambda mq: mq.update_instance_account("app_probe", password=PASSWORD),
        "PATCH",
        f"{BASE}/accounts/app_probe?password={ENCODED}",
        b"",
        DONE,
    ),
    (
        "UpdateInstanceAccount",
        lambda mq: mq.update_instance_account("app_probe", account_status="DISABLE"),
        "PATCH",
        f"{BASE}/accounts/app_probe?accountStatus=DISABLE",
        b"",
        DONE,
    ),
    (
        "DeleteInstanceAccount",
        lambda mq: mq.delete_instance_account("user@a b|c*d~é/f(1)"),
        "DELETE",
        f"{BASE}/accounts/user%40a%20b%7Cc%2Ad~%C3%A9%2Ff%281%29",
        b"",
        DONE,
    ),
    (
        "ListInstanceAccount",
        lambda mq: mq.list_instance_accounts(username="app_probe", account_type="CUSTOMER"),
        "GET",
        f"{BASE}/accounts?accountType=CUSTOMER&{PAGING}&username=app_probe",
        b"",
        page({"username": "app_probe", "accountType": "CUSTOMER", "accountStatus": "ENABLE"}),
    ),
    (
        "CreateInstanceAcl",
        lambda mq: mq.create_instance_acl(ROW),
        "POST",
        f"{BASE}/acl/account/app_probe",
        ROW_BODY,
        DONE,
    ),
    (
        "GetInstanceAcl",
        lambda mq: mq.get_instance_acl("app_probe", resource_type="Topic", resource_name="a/b"),
        "GET",
        f"{BASE}/acl/account/app_probe?resourceName=a%2Fb&resourceType=Topic",
        b"",
        found(ACL),
    ),
    (
        "UpdateInstanceAcl",
        lambda mq: mq.update_instance_acl(ROW),
        "PATCH",
        f"{BASE}/acl/account/app_probe",
        ROW_BODY,
        DONE,
    ),
    (
        "DeleteInstanceAcl",
        lambda mq: mq.delete_instance_acl("u", resource_type="Group", resource_name="GID_orders"),
        "DELETE",
        f"{BASE}/acl/account/u?resourceName=GID_orders&resourceType=Group",
        b"",
        DONE,
    ),
    (
        "ListInstanceAcl",
        lambda mq: mq.list_instance_acls(),
        "GET",
        f"{BASE}/acl?{PAGING}",
        b"",
        page(ACL),
    ),
    (
        "GetInstance",
        lambda mq: mq.get_instance(),
        "GET",
        BASE,
        b"",
        found({"instanceId": INSTANCE, "status": "RUNNING"}),
    ),
    (
        "GetTopic",
        lambda mq: mq.get_topic("orders"),
        "GET",
        f"{BASE}/topics/orders",
        b"",
        found({"topicName": "orders"}),
    ),
    (
        "GetConsumerGroup",
        lambda mq: mq.get_consumer_group("GID_orders"),
        "GET",
        f"{BASE}/consumerGroups/GID_orders",
        b"",
        found({"consumerGroupId": "GID_orders"}),
    ),
]


@pytest.mark.parametrize(
    ("action", "act", "method", "url", "body", "answer"),
    CALLS,
    ids=[f"{call[0]}-{number}" for number, call in enumerate(CALLS)],
)
async def test_an_operation_goes_out_as_the_vendor_documents_it(
    action: str, act: Act, *, method: str, url: str, body: bytes, answer: object
) -> None:
    http = RespxHttp()
    http.router.route(method=method).mock(return_value=httpx.Response(200, json=answer))

    await act(mq_over(http))

    (sent,) = http.sent
    assert (sent.method, sent.url, sent.body) == (method, url, body)
    headers = dict(sent.headers)
    assert headers["x-acs-action"] == action
    assert headers["x-acs-version"] == "2022-08-01"
    assert headers["host"] == "rocketmq.cn-hangzhou.aliyuncs.com"
    signed = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
    assert f"SignedHeaders={'content-type;' if body else ''}{signed}," in headers["authorization"]
    assert ("content-type" in headers) == bool(body)


async def test_what_reaches_the_router_is_byte_for_byte_what_was_signed() -> None:
    http = RespxHttp()
    route = http.router.delete().mock(return_value=httpx.Response(200, json=DONE))

    await mq_over(http).delete_instance_account("a b/é@*")

    assert route.calls.last.request.url.raw_path == (
        b"/instances/rmq-cn-probe00001/accounts/a%20b%2F%C3%A9%40%2A"
    )


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["Pub", "Sub"], ("Pub", "Sub")),
        (["Pub|Sub"], ("Pub", "Sub")),
        ("Pub|Sub", ("Pub", "Sub")),
        ("SUB", ("Sub",)),
        (["pub | sub"], ("Pub", "Sub")),
        (None, ()),
    ],
)
async def test_actions_are_read_as_a_list_or_a_string_in_any_case(
    actions: object, expected: tuple[str, ...]
) -> None:
    http = RespxHttp()
    http.router.get().mock(
        return_value=httpx.Response(200, json=found({**ACL, "actions": actions}))
    )

    row = await mq_over(http).get_instance_acl("u", resource_type="Topic", resource_name="orders")

    assert row.actions == expected


async def test_a_list_is_read_to_its_end() -> None:
    http = RespxHttp()

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["pageNumber"])
        names = [f"u{n}" for n in range((number - 1) * 100, min(number * 100, 230))]
        rows = [{"username": name} for name in names]
        return httpx.Response(200, json=found({"list": rows, "totalCount": 230}))

    http.router.get().mock(side_effect=answer)

    accounts = await mq_over(http).list_instance_accounts()

    assert [account.username for account in accounts] == [f"u{n}" for n in range(230)]
    assert len(http.sent) == 3


async def test_a_list_that_changes_while_it_is_read_is_read_again() -> None:
    http = RespxHttp()
    totals = iter([150, 149, 149, 149])

    def answer(request: httpx.Request) -> httpx.Response:
        total = next(totals)
        start = (int(request.url.params["pageNumber"]) - 1) * 100
        rows = [{"username": f"u{n}"} for n in range(start, min(start + 100, total))]
        return httpx.Response(200, json=found({"list": rows, "totalCount": total}))

    http.router.get().mock(side_effect=answer)

    accounts = await mq_over(http).list_instance_accounts()

    assert len(accounts) == 149
    assert len(http.sent) == 4


async def test_a_list_that_never_holds_still_is_no_proof() -> None:
    http = RespxHttp()
    http.router.get().mock(
        return_value=httpx.Response(200, json=found({"list": [], "totalCount": 5}))
    )

    with pytest.raises(ProviderTransient, match="ListKeptChanging"):
        await mq_over(http).list_instance_accounts()


@pytest.mark.parametrize("data", [{}, {"totalCount": 3}, {"list": "no"}, None, [], "text"])
async def test_a_list_that_is_not_there_is_not_an_empty_one(data: object) -> None:
    http = RespxHttp()
    http.router.get().mock(return_value=httpx.Response(200, json=found(data)))

    with pytest.raises(ProviderTransient):
        await mq_over(http).list_instance_acls()


async def test_the_default_account_is_never_asked_for() -> None:
    http = RespxHttp()

    with pytest.raises(InvariantBroken):
        await mq_over(http).get_instance_account("")

    assert http.sent == []


async def test_an_account_with_its_password_does_not_print_it() -> None:
    http = RespxHttp()
    answer = found({"username": "u", "password": "canary-9f2c"})
    http.router.get().mock(return_value=httpx.Response(200, json=answer))

    account = await mq_over(http).get_instance_account("u")

    assert account.password.get_secret_value() == "canary-9f2c"
    assert "canary" not in repr(account) + str(account) + account.model_dump_json()


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_would_climb_to_another_resource_is_not_sent(name: str) -> None:
    http = RespxHttp()

    with pytest.raises(ProviderRefused, match="UnsafePath"):
        await mq_over(http).delete_instance_account(name)

    assert http.sent == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"success": False, "code": "InstanceAccount.Existed", "httpStatusCode": 409}, "Conflict"),
        ({"success": False, "code": "Something.New"}, "Refused"),
        ({"success": False}, "Ambiguous"),
        ({"requestId": "R", "success": True, "data": False}, "Ambiguous"),
        ({"requestId": "R"}, "Ambiguous"),
        ({}, "Ambiguous"),
        ([], "Ambiguous"),
    ],
)
async def test_success_is_believed_only_when_it_is_said(answer: object, error: str) -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=httpx.Response(200, content=json.dumps(answer)))

    with pytest.raises((ProviderConflict, ProviderRefused, ProviderAmbiguous)) as raised:
        await mq_over(http).create_instance_account("u", password=PASSWORD)

    assert type(raised.value).__name__ == f"Provider{error}"
    assert len(http.sent) == 1
