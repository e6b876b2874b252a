"""The operations of RocketMQ 2022-08-01 that keylease uses, one method each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from keylease.adapters.alibaba.client import JSON, AlibabaClient, Answer, Arguments, Operation, Wire
from keylease.adapters.alibaba.paging import PAGE_SIZE, whole_list
from keylease.adapters.alibaba.rocketmq_wire import (
    Account,
    AccountSecret,
    Acl,
    ConsumerGroup,
    Done,
    Found,
    Instance,
    Topic,
    found,
    page_of,
)
from keylease.adapters.alibaba.sign import QueryValue
from keylease.domain.secret import Secret
from keylease.errors import InvariantBroken, ProviderTransient

PRODUCT = "rocketmq"
VERSION = "2022-08-01"
T = TypeVar("T", bound=Wire)
M = TypeVar("M", bound=Answer)


def _reads(action: str) -> Operation:
    return Operation(PRODUCT, VERSION, action, method="GET")


def _writes(action: str, method: str) -> Operation:
    return Operation(PRODUCT, VERSION, action, method=method, is_write=True)


CREATE_ACCOUNT = _writes("CreateInstanceAccount", "POST")
GET_ACCOUNT = _reads("GetInstanceAccount")
UPDATE_ACCOUNT = _writes("UpdateInstanceAccount", "PATCH")
DELETE_ACCOUNT = _writes("DeleteInstanceAccount", "DELETE")
LIST_ACCOUNTS = _reads("ListInstanceAccount")
CREATE_ACL = _writes("CreateInstanceAcl", "POST")
GET_ACL = _reads("GetInstanceAcl")
UPDATE_ACL = _writes("UpdateInstanceAcl", "PATCH")
DELETE_ACL = _writes("DeleteInstanceAcl", "DELETE")
LIST_ACLS = _reads("ListInstanceAcl")
GET_INSTANCE = _reads("GetInstance")
GET_TOPIC = _reads("GetTopic")
GET_GROUP = _reads("GetConsumerGroup")


@dataclass(frozen=True, slots=True)
class AclRule:
    """A whole row, as it is written: omitted fields have no documented meaning (2.1.8)."""

    username: str
    resource_type: str
    resource_name: str
    actions: tuple[str, ...]
    ip_whitelists: tuple[str, ...] = ()
    decision: str = "Allow"


@dataclass(frozen=True, slots=True)
class RocketMq:
    """One instance."""

    client: AlibabaClient
    region: str
    instance: str

    async def create_instance_account(
        self, username: str, /, *, password: Secret, remark: str = ""
    ) -> None:
        fields = {"password": password.reveal(), "username": username}
        if remark:
            fields["remark"] = remark
        await self._call(CREATE_ACCOUNT, Done, path=("accounts",), document=fields)

    async def get_instance_account(self, username: str, /) -> AccountSecret:
        """The account with its password. Without a name it would be the instance's own account."""
        if not username:
            msg = "GetInstanceAccount without a user name gives the instance's default account"
            raise InvariantBroken(msg)
        query: dict[str, QueryValue] = {"username": username}
        answer = await self._call(GET_ACCOUNT, found(AccountSecret), path=("account",), query=query)
        return _present(answer)

    async def update_instance_account(
        self, username: str, /, *, password: Secret | None = None, account_status: str | None = None
    ) -> None:
        """Change what is given. The service wants the password in the query (2.1.3)."""
        query: dict[str, QueryValue] = {
            "accountStatus": account_status,
            "password": password.reveal() if password else None,
        }
        await self._call(UPDATE_ACCOUNT, Done, path=("accounts", username), query=query)

    async def delete_instance_account(self, username: str, /) -> None:
        await self._call(DELETE_ACCOUNT, Done, path=("accounts", username))

    async def list_instance_accounts(
        self, *, username: str | None = None, account_type: str | None = None
    ) -> tuple[Account, ...]:
        """All accounts. Whether `username` is matched exactly is unknown: look again."""

        async def fetch(number: int) -> tuple[tuple[Account, ...], int | None]:
            query = _paged(number, username=username, accountType=account_type)
            answer = await self._call(
                LIST_ACCOUNTS, page_of(Account), path=("accounts",), query=query
            )
            page = _present(answer)
            return page.items, page.total

        return await whole_list(fetch, provider=PRODUCT)

    async def create_instance_acl(self, rule: AclRule, /) -> None:
        await self._call(
            CREATE_ACL, Done, path=("acl", "account", rule.username), document=_row(rule)
        )

    async def get_instance_acl(
        self, username: str, /, *, resource_type: str, resource_name: str
    ) -> Acl:
        query: dict[str, QueryValue] = {
            "resourceType": resource_type,
            "resourceName": resource_name,
        }
        return _present(
            await self._call(GET_ACL, found(Acl), path=("acl", "account", username), query=query)
        )

    async def update_instance_acl(self, rule: AclRule, /) -> None:
        """Send the whole row."""
        await self._call(
            UPDATE_ACL, Done, path=("acl", "account", rule.username), document=_row(rule)
        )

    async def delete_instance_acl(
        self, username: str, /, *, resource_type: str, resource_name: str
    ) -> None:
        query: dict[str, QueryValue] = {
            "resourceType": resource_type,
            "resourceName": resource_name,
        }
        await self._call(DELETE_ACL, Done, path=("acl", "account", username), query=query)

    async def list_instance_acls(self) -> tuple[Acl, ...]:
        """All rows of all accounts: what `filter` matches is unknown, so none is sent."""

        async def fetch(number: int) -> tuple[tuple[Acl, ...], int | None]:
            answer = await self._call(LIST_ACLS, page_of(Acl), path=("acl",), query=_paged(number))
            page = _present(answer)
            return page.items, page.total

        return await whole_list(fetch, provider=PRODUCT)

    async def get_instance(self) -> Instance:
        return _present(await self._call(GET_INSTANCE, found(Instance)))

    async def get_topic(self, name: str, /) -> Topic:
        return _present(await self._call(GET_TOPIC, found(Topic), path=("topics", name)))

    async def get_consumer_group(self, id_: str, /) -> ConsumerGroup:
        return _present(
            await self._call(GET_GROUP, found(ConsumerGroup), path=("consumerGroups", id_))
        )

    async def _call(
        self,
        operation: Operation,
        answer: type[M],
        *,
        path: tuple[str, ...] = (),
        query: dict[str, QueryValue] | None = None,
        document: Mapping[str, object] | None = None,
    ) -> M:
        arguments = Arguments(
            region=self.region,
            instance=self.instance,
            path=("instances", self.instance, *path),
            query=query or {},
            body=_json(document) if document is not None else b"",
            content_type=JSON if document is not None else "",
        )
        return await self.client.call(operation, arguments=arguments, answer=answer)


def _row(rule: AclRule) -> Mapping[str, object]:
    return {
        "actions": rule.actions,
        "decision": rule.decision,
        "ipWhitelists": rule.ip_whitelists,
        "resourceName": rule.resource_name,
        "resourceType": rule.resource_type,
    }


def _json(document: Mapping[str, object]) -> bytes:
    """As the vendor's SDK writes it: compact, keys in order, raw UTF-8 (1.4)."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def _paged(number: int, **filters: QueryValue) -> dict[str, QueryValue]:
    return {**filters, "pageNumber": number, "pageSize": PAGE_SIZE}


def _present(answer: Found[T]) -> T:
    """The object of a successful read; without one the answer proves nothing."""
    if answer.data is None:
        raise ProviderTransient(PRODUCT, "AnswerWithoutData", request_id=answer.request_id)
    return answer.data
