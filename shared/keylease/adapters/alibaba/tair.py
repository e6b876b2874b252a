"""The operations of R-kvstore 2015-01-01 (Redis/Tair) that keylease uses, one method each."""

from dataclasses import dataclass
from typing import TypeVar

from keylease.adapters.alibaba.client import (
    FORM,
    AlibabaClient,
    Answer,
    Arguments,
    Operation,
    form_encoded,
)
from keylease.adapters.alibaba.paging import PAGE_SIZE, whole_list
from keylease.adapters.alibaba.sign import QueryValue
from keylease.adapters.alibaba.tair_wire import (
    Account,
    Accounts,
    Created,
    Done,
    Instance,
    Instances,
)
from keylease.domain.secret import Secret
from keylease.errors import ProviderNotFound

PRODUCT = "r-kvstore"
VERSION = "2015-01-01"
M = TypeVar("M", bound=Answer)


def _reads(action: str) -> Operation:
    return Operation(PRODUCT, VERSION, action)


def _writes(action: str) -> Operation:
    return Operation(PRODUCT, VERSION, action, is_write=True)


CREATE_ACCOUNT = _writes("CreateAccount")
DESCRIBE_ACCOUNTS = _reads("DescribeAccounts")
DELETE_ACCOUNT = _writes("DeleteAccount")
RESET_PASSWORD = _writes("ResetAccountPassword")
GRANT_PRIVILEGE = _writes("GrantAccountPrivilege")
MODIFY_DESCRIPTION = _writes("ModifyAccountDescription")
DESCRIBE_INSTANCE = _reads("DescribeInstanceAttribute")


@dataclass(frozen=True, slots=True)
class Tair:
    """One instance."""

    client: AlibabaClient
    region: str
    instance: str
    passwords_in_query: bool = False
    """As the vendor's SDK sends them; in the form body they stay out of URLs (2.2)."""

    async def create_account(
        self, name: str, /, *, password: Secret, privilege: str, description: str | None = None
    ) -> str:
        """The name that the service says it created, or ours when it says none."""
        query: dict[str, QueryValue] = {
            "AccountDescription": description,
            "AccountName": name,
            "AccountPrivilege": privilege,
            "AccountType": "Normal",
        }
        created = await self._call(CREATE_ACCOUNT, Created, query, password=password)
        return created.account_name or name

    async def describe_accounts(self, *, name: str | None = None) -> tuple[Account, ...]:
        """All accounts, or those of exactly this name."""
        if name is not None:
            found = await self._call(DESCRIBE_ACCOUNTS, Accounts, {"AccountName": name})
            return found.wrapped.items

        async def fetch(number: int) -> tuple[tuple[Account, ...], int | None]:
            query: dict[str, QueryValue] = {"PageNumber": number, "PageSize": PAGE_SIZE}
            page = await self._call(DESCRIBE_ACCOUNTS, Accounts, query)
            return page.wrapped.items, page.total

        return await whole_list(fetch, provider=PRODUCT)

    async def delete_account(self, name: str, /) -> None:
        await self._call(DELETE_ACCOUNT, Done, {"AccountName": name})

    async def reset_account_password(self, name: str, /, *, password: Secret) -> None:
        await self._call(RESET_PASSWORD, Done, {"AccountName": name}, password=password)

    async def grant_account_privilege(self, name: str, /, *, privilege: str) -> None:
        await self._call(
            GRANT_PRIVILEGE, Done, {"AccountName": name, "AccountPrivilege": privilege}
        )

    async def modify_account_description(self, name: str, /, *, description: str) -> None:
        await self._call(
            MODIFY_DESCRIPTION, Done, {"AccountName": name, "AccountDescription": description}
        )

    async def describe_instance_attribute(self) -> Instance:
        found = await self._call(DESCRIBE_INSTANCE, Instances, {})
        if not found.wrapped.items:
            raise ProviderNotFound(PRODUCT, "InvalidInstanceId.NotFound")
        return found.wrapped.items[0]

    async def _call(
        self,
        operation: Operation,
        answer: type[M],
        query: dict[str, QueryValue],
        *,
        password: Secret | None = None,
    ) -> M:
        query = {**query, "InstanceId": self.instance}
        body = b""
        if password is not None and self.passwords_in_query:
            query["AccountPassword"] = password.reveal()
        elif password is not None:
            body = form_encoded({"AccountPassword": password.reveal()})
        arguments = Arguments(
            region=self.region, instance=self.instance, query=query, body=body, content_type=FORM
        )
        return await self.client.call(operation, arguments=arguments, answer=answer)
