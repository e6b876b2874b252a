"""R-kvstore operations: the exact bytes that go out, and what comes back."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from keylease.adapters.alibaba.tair import Tair
from keylease.domain.secret import Secret
from keylease.errors import ProviderAmbiguous, ProviderNotFound, ProviderTransient
from tests.adapters.alibaba.parts import REDIS, client_over, quick
from tests.support.respx_http import RespxHttp

INSTANCE = "r-bp1probe00000001"
PASSWORD = Secret("Aa1!@#$%^&*()_+-= z")
ENCODED = "Aa1%21%40%23%24%25%5E%26%2A%28%29_%2B-%3D%20z"
BODY = f"AccountPassword={ENCODED}".encode()
DONE = {"RequestId": "R-1"}
NOBODY = {"RequestId": "R-1", "Accounts": {"Account": []}}

Act = Callable[[Tair], Awaitable[object]]


def tair_over(http: RespxHttp, *, passwords_in_query: bool = False) -> Tair:
    return Tair(
        client=client_over(http, limits=quick()),
        region="cn-hangzhou",
        instance=INSTANCE,
        passwords_in_query=passwords_in_query,
    )


CALLS: list[tuple[str, Act, str, bytes, object]] = [
    (
        "CreateAccount",
        lambda t: t.create_account(
            "app_probe", password=PASSWORD, privilege="RoleReadWrite", description="订单-svc_1"
        ),
        (
            "AccountDescription=%E8%AE%A2%E5%8D%95-svc_1&AccountName=app_probe"
            f"&AccountPrivilege=RoleReadWrite&AccountType=Normal&InstanceId={INSTANCE}"
        ),
        BODY,
        {**DONE, "AcountName": "app_probe"},
    ),
    (
        "DescribeAccounts",
        lambda t: t.describe_accounts(name="app_probe"),
        f"AccountName=app_probe&InstanceId={INSTANCE}",
        b"",
        NOBODY,
    ),
    (
        "DescribeAccounts",
        lambda t: t.describe_accounts(),
        f"InstanceId={INSTANCE}&PageNumber=1&PageSize=100",
        b"",
        NOBODY,
    ),
    (
        "DeleteAccount",
        lambda t: t.delete_account("app_probe"),
        f"AccountName=app_probe&InstanceId={INSTANCE}",
        b"",
        DONE,
    ),
    (
        "ResetAccountPassword",
        lambda t: t.reset_account_password("app_probe", password=PASSWORD),
        f"AccountName=app_probe&InstanceId={INSTANCE}",
        BODY,
        DONE,
    ),
    (
        "GrantAccountPrivilege",
        lambda t: t.grant_account_privilege("app_probe", privilege="RoleReadOnly"),
        f"AccountName=app_probe&AccountPrivilege=RoleReadOnly&InstanceId={INSTANCE}",
        b"",
        DONE,
    ),
    (
        "ModifyAccountDescription",
        lambda t: t.modify_account_description("app_probe", description="a b"),
        f"AccountDescription=a%20b&AccountName=app_probe&InstanceId={INSTANCE}",
        b"",
        DONE,
    ),
    (
        "DescribeInstanceAttribute",
        lambda t: t.describe_instance_attribute(),
        f"InstanceId={INSTANCE}",
        b"",
        {"RequestId": "R", "Instances": {"DBInstanceAttribute": [{"InstanceId": INSTANCE}]}},
    ),
]


@pytest.mark.parametrize(
    ("action", "act", "query", "body", "answer"),
    CALLS,
    ids=[f"{call[0]}-{number}" for number, call in enumerate(CALLS)],
)
async def test_an_operation_goes_out_as_the_vendor_documents_it(
    action: str, act: Act, query: str, body: bytes, answer: object
) -> None:
    http = RespxHttp()
    http.router.post(path="/").mock(return_value=httpx.Response(200, json=answer))

    await act(tair_over(http))

    (sent,) = http.sent
    assert (sent.method, sent.url, sent.body) == ("POST", f"{REDIS}/?{query}", body)
    assert sent.headers["x-acs-action"] == action
    assert sent.headers["x-acs-version"] == "2015-01-01"
    content_type = "application/x-www-form-urlencoded" if body else None
    assert sent.headers.get("content-type") == content_type


async def test_passwords_travel_in_the_query_when_that_is_chosen() -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=httpx.Response(200, json=DONE))

    tair = tair_over(http, passwords_in_query=True)
    await tair.reset_account_password("app_probe", password=PASSWORD)

    (sent,) = http.sent
    query = f"AccountName=app_probe&AccountPassword={ENCODED}&InstanceId={INSTANCE}"
    assert (sent.url, sent.body) == (f"{REDIS}/?{query}", b"")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"AcountName": "old"}, "old"),
        ({"AccountName": "new"}, "new"),
        ({"AccountName": "new", "AcountName": "old"}, "new"),
        ({}, "asked"),
    ],
)
async def test_both_spellings_of_the_created_name_are_read(
    answer: dict[str, str], expected: str
) -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=httpx.Response(200, json={**DONE, **answer}))

    name = await tair_over(http).create_account(
        "asked", password=PASSWORD, privilege="RoleReadOnly"
    )

    assert name == expected


async def test_an_account_is_read_with_its_status_and_privilege() -> None:
    row = {
        "AccountName": "app_probe",
        "AccountStatus": "Unavailable",
        "AccountType": "Normal",
        "DatabasePrivileges": {"DatabasePrivilege": [{"AccountPrivilege": "RoleReadOnly"}]},
        "PrivExceeded": "0",
    }
    http = RespxHttp()
    answer = {"RequestId": "R", "Accounts": {"Account": [row]}}
    http.router.post().mock(return_value=httpx.Response(200, json=answer))

    (account,) = await tair_over(http).describe_accounts(name="app_probe")

    assert (account.account_status, account.privileges) == ("Unavailable", ("RoleReadOnly",))


async def test_a_write_that_is_answered_by_something_else_is_ambiguous() -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=httpx.Response(200, json={}))

    with pytest.raises(ProviderAmbiguous):
        await tair_over(http).delete_account("app_probe")


@pytest.mark.parametrize("answer", [{}, {"RequestId": "R"}, {"RequestId": "R", "Accounts": {}}])
async def test_a_list_that_is_not_there_is_not_an_empty_one(answer: object) -> None:
    http = RespxHttp()
    http.router.post().mock(return_value=httpx.Response(200, json=answer))

    with pytest.raises(ProviderTransient):
        await tair_over(http).describe_accounts(name="app_probe")


async def test_an_instance_that_is_not_listed_does_not_exist() -> None:
    http = RespxHttp()
    answer = {"RequestId": "R", "Instances": {"DBInstanceAttribute": []}}
    http.router.post().mock(return_value=httpx.Response(200, json=answer))

    with pytest.raises(ProviderNotFound):
        await tair_over(http).describe_instance_attribute()
