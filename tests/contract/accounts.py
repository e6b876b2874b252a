"""What every adapter of `Accounts` promises, on both products.

Subclass `AccountsContract` with fixtures `accounts`, `target_rocketmq`, `target_redis` (both
targets exist and hold no account of ours; the RocketMQ one has topics `orders` and `payments` and
group `GID_orders`) and `advance`: an async function that lets the target finish what it works on.
"""

from collections.abc import Awaitable, Callable

import pytest

from keylease.domain.access import Permission, Target
from keylease.domain.secret import Secret
from keylease.domain.steps import (
    CreateAccount,
    Disable,
    DropAccount,
    DropRow,
    Enable,
    PutRow,
    Step,
)
from keylease.errors import (
    InvariantBroken,
    ProviderBusy,
    ProviderConflict,
    ProviderNotFound,
    ProviderRefused,
)
from keylease.ports.accounts import Accounts, Login
from tests.support.build import (
    BOTH_ORDERS,
    PUB_ORDERS,
    READ,
    READ_WRITE,
    SUB_ORDERS,
    permission,
)

Advance = Callable[[], Awaitable[None]]

ANN = "klann0000000"
PASSWORD = Secret("Correct_Horse-Battery9st")
OTHER = Secret("Another_Horse-Battery9st")
SUB_GROUP = permission("group:GID_orders", "Sub")


async def made(accounts: Accounts, target: Target, /, *rows: Permission) -> None:
    """A RocketMQ account with these rows."""
    await accounts.apply(target, step=CreateAccount(username=ANN), password=PASSWORD)
    for row in rows:
        await accounts.apply(target, step=PutRow(username=ANN, permission=row, exists=False))


async def born(accounts: Accounts, target: Target, /, *, given: Permission = READ) -> None:
    """A Redis account with this privilege; it is still being worked on."""
    step = CreateAccount(username=ANN, permission=given)
    await accounts.apply(target, step=step, password=PASSWORD)


class RocketMqContract:
    async def test_nobody_is_an_answer(self, accounts: Accounts, target_rocketmq: Target) -> None:
        observed = await accounts.observe(target_rocketmq, username=ANN)

        assert (observed.exists, observed.permissions, observed.denies) == (False, (), ())

    async def test_a_new_account_may_do_nothing(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert (observed.exists, observed.settled, observed.enabled) == (True, True, True)
        assert observed.permissions == ()

    async def test_a_taken_name_is_a_conflict(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        with pytest.raises(ProviderConflict):
            await made(accounts, target_rocketmq)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (SUB_ORDERS,)

    async def test_an_account_needs_a_password(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        with pytest.raises(InvariantBroken):
            await accounts.apply(target_rocketmq, step=CreateAccount(username=ANN))

    async def test_rows_are_shown_as_they_were_put(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        rows = {
            permission("topic:orders", "Pub,Sub", "10.0.0.0/8", "192.168.1.0/24"),
            permission("topic:payments", "Pub"),
            SUB_GROUP,
        }

        await made(accounts, target_rocketmq, *rows)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert set(observed.permissions) == rows
        assert len(observed.permissions) == len(rows)

    async def test_a_replaced_row_holds_exactly_the_new_one(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        wide = permission("topic:orders", "Pub,Sub", "10.0.0.0/8", "192.168.1.0/24")
        narrow = permission("topic:orders", "Sub", "10.1.0.0/16")
        await made(accounts, target_rocketmq, wide)

        step = PutRow(username=ANN, permission=narrow, exists=True)
        await accounts.apply(target_rocketmq, step=step)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (narrow,)

    async def test_a_row_may_be_widened_to_everywhere(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, permission("topic:orders", "Sub", "10.0.0.0/8"))

        step = PutRow(username=ANN, permission=SUB_ORDERS, exists=True)
        await accounts.apply(target_rocketmq, step=step)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (SUB_ORDERS,)

    @pytest.mark.parametrize("exists", [True, False])
    async def test_a_row_put_twice_is_there_once(
        self, accounts: Accounts, target_rocketmq: Target, exists: bool
    ) -> None:
        await made(accounts, target_rocketmq, BOTH_ORDERS)

        step = PutRow(username=ANN, permission=BOTH_ORDERS, exists=exists)
        await accounts.apply(target_rocketmq, step=step)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (BOTH_ORDERS,)

    async def test_creating_a_row_never_changes_one_that_is_there(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        step = PutRow(username=ANN, permission=PUB_ORDERS, exists=False)
        await accounts.apply(target_rocketmq, step=step)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (SUB_ORDERS,)

    async def test_replacing_a_row_that_is_not_there_says_so(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq)

        with pytest.raises(ProviderNotFound):
            await accounts.apply(
                target_rocketmq, step=PutRow(username=ANN, permission=SUB_ORDERS, exists=True)
            )

    @pytest.mark.parametrize("exists", [True, False])
    async def test_a_row_of_nobody_is_not_found(
        self, accounts: Accounts, target_rocketmq: Target, exists: bool
    ) -> None:
        step = PutRow(username=ANN, permission=SUB_ORDERS, exists=exists)

        with pytest.raises(ProviderNotFound):
            await accounts.apply(target_rocketmq, step=step)

    async def test_a_whitelist_of_everywhere_is_shown_as_none(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, permission("topic:orders", "Sub", "0.0.0.0/0"))

        observed = await accounts.observe(target_rocketmq, username=ANN)

        assert observed.permissions == (SUB_ORDERS,)

    async def test_rows_of_others_are_not_shown(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        for near in (ANN[:-1], ANN + "0", "k"):
            observed = await accounts.observe(target_rocketmq, username=near)
            assert (observed.exists, observed.permissions) == (False, ())

    async def test_only_the_named_row_is_dropped(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS, SUB_GROUP)

        step = DropRow(username=ANN, permission=SUB_ORDERS)
        await accounts.apply(target_rocketmq, step=step)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert observed.permissions == (SUB_GROUP,)

    async def test_disabling_and_enabling_show(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        await accounts.apply(target_rocketmq, step=Disable(username=ANN))
        disabled = await accounts.observe(target_rocketmq, username=ANN)
        await accounts.apply(target_rocketmq, step=Enable(username=ANN))
        enabled = await accounts.observe(target_rocketmq, username=ANN)

        assert (disabled.enabled, enabled.enabled) == (False, True)
        assert disabled.permissions == enabled.permissions == (SUB_ORDERS,)

    @pytest.mark.parametrize(
        ("step", "exists", "enabled"),
        [
            (DropRow(username=ANN, permission=SUB_ORDERS), True, True),
            (Disable(username=ANN), True, False),
            (DropAccount(username=ANN), False, False),
        ],
        ids=["row", "disable", "account"],
    )
    async def test_taking_from_what_is_gone_is_success(
        self,
        accounts: Accounts,
        target_rocketmq: Target,
        *,
        step: Step,
        exists: bool,
        enabled: bool,
    ) -> None:
        await accounts.apply(target_rocketmq, step=step)
        before = await accounts.observe(target_rocketmq, username=ANN)
        await made(accounts, target_rocketmq)
        await accounts.apply(target_rocketmq, step=step)
        await accounts.apply(target_rocketmq, step=step)

        after = await accounts.observe(target_rocketmq, username=ANN)
        assert not before.exists
        assert (after.exists, after.exists and after.enabled) == (exists, enabled)
        assert after.permissions == ()

    async def test_enabling_nobody_is_not_found(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        with pytest.raises(ProviderNotFound):
            await accounts.apply(target_rocketmq, step=Enable(username=ANN))

    async def test_the_order_of_removal_leaves_nothing(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        await accounts.apply(target_rocketmq, step=Disable(username=ANN))
        await accounts.apply(target_rocketmq, step=DropRow(username=ANN, permission=SUB_ORDERS))
        await accounts.apply(target_rocketmq, step=DropAccount(username=ANN))

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert (observed.exists, observed.permissions) == (False, ())
        assert ANN not in await accounts.usernames(target_rocketmq)

    async def test_usernames_are_ours_only(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        before = await accounts.usernames(target_rocketmq)

        await made(accounts, target_rocketmq)

        assert set(await accounts.usernames(target_rocketmq)) == {*before, ANN}

    async def test_missing_resources_are_named(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        wanted = (
            SUB_ORDERS,
            permission("topic:nowhere", "Pub"),
            SUB_GROUP,
            permission("group:GID_nobody", "Sub"),
        )

        missing = await accounts.missing(target_rocketmq, permissions=wanted)

        assert sorted(missing) == ["group GID_nobody", "topic nowhere"]
        assert await accounts.missing(target_rocketmq, permissions=(SUB_ORDERS,)) == ()

    async def test_a_password_may_be_set_again(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq, SUB_ORDERS)

        for _ in range(2):
            await accounts.set_password(target_rocketmq, username=ANN, password=OTHER)

        observed = await accounts.observe(target_rocketmq, username=ANN)
        assert (observed.enabled, observed.permissions) == (True, (SUB_ORDERS,))

    async def test_a_password_for_nobody_is_not_found(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        with pytest.raises(ProviderNotFound):
            await accounts.set_password(target_rocketmq, username=ANN, password=OTHER)

    async def test_nobody_can_log_in_to_rocketmq_from_here(
        self, accounts: Accounts, target_rocketmq: Target
    ) -> None:
        await made(accounts, target_rocketmq)

        login = await accounts.login(target_rocketmq, username=ANN, password=PASSWORD)

        assert login is Login.UNREACHABLE


class RedisContract:
    async def test_nobody_is_an_answer_there_too(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        observed = await accounts.observe(target_redis, username=ANN)

        assert (observed.exists, observed.permissions) == (False, ())

    @pytest.mark.parametrize("given", [READ, READ_WRITE], ids=["read", "write"])
    async def test_an_account_is_born_with_its_privilege_and_settles(
        self, accounts: Accounts, target_redis: Target, advance: Advance, given: Permission
    ) -> None:
        await born(accounts, target_redis, given=given)

        early = await accounts.observe(target_redis, username=ANN)
        await advance()
        late = await accounts.observe(target_redis, username=ANN)

        assert (early.exists, early.settled) == (True, False)
        assert (late.exists, late.settled, late.enabled) == (True, True, True)
        assert late.permissions == (given,)

    async def test_a_taken_name_is_a_conflict_there_too(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        with pytest.raises(ProviderConflict):
            await born(accounts, target_redis, given=READ_WRITE)

        observed = await accounts.observe(target_redis, username=ANN)
        assert observed.permissions == (READ,)

    @pytest.mark.parametrize("password", ["shrt_A1", "alllowercase", "Has Space_9", "Ünïcode_99"])
    async def test_a_password_against_the_rules_is_refused_by_name(
        self, accounts: Accounts, target_redis: Target, password: str
    ) -> None:
        step = CreateAccount(username=ANN, permission=READ)
        refused = Secret(password)

        with pytest.raises(ProviderRefused) as e:
            await accounts.apply(target_redis, step=step, password=refused)

        assert e.value.code == "PasswordRefused"
        assert not (await accounts.observe(target_redis, username=ANN)).exists

    async def test_an_account_needs_a_password_and_a_privilege(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        with pytest.raises(InvariantBroken):
            await accounts.apply(target_redis, step=CreateAccount(username=ANN, permission=READ))
        with pytest.raises(InvariantBroken):
            await accounts.apply(target_redis, step=CreateAccount(username=ANN), password=PASSWORD)

    async def test_a_privilege_that_does_not_exist_is_refused(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        only_write = permission("cache", "write")

        with pytest.raises(ProviderRefused):
            await born(accounts, target_redis, given=only_write)

        assert not (await accounts.observe(target_redis, username=ANN)).exists

    async def test_addresses_that_redis_cannot_keep_are_refused(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        with pytest.raises(ProviderRefused):
            await born(accounts, target_redis, given=permission("cache", "read", "10.0.0.0/8"))

        assert not (await accounts.observe(target_redis, username=ANN)).exists

    async def test_a_changed_privilege_replaces_the_old_one(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis, given=READ_WRITE)
        await advance()

        step = PutRow(username=ANN, permission=READ, exists=True)
        await accounts.apply(target_redis, step=step)
        await advance()
        await accounts.apply(target_redis, step=step)
        await advance()

        observed = await accounts.observe(target_redis, username=ANN)
        assert (observed.settled, observed.permissions) == (True, (READ,))

    async def test_a_privilege_of_nobody_is_not_found(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        step = PutRow(username=ANN, permission=READ, exists=True)

        with pytest.raises(ProviderNotFound):
            await accounts.apply(target_redis, step=step)

    async def test_what_is_being_worked_on_is_busy(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)

        with pytest.raises(ProviderBusy):
            await accounts.apply(target_redis, step=DropAccount(username=ANN))

        await advance()
        await accounts.apply(target_redis, step=DropAccount(username=ANN))

    async def test_a_dropped_account_is_gone_in_the_end(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        await accounts.apply(target_redis, step=DropAccount(username=ANN))
        await advance()

        assert not (await accounts.observe(target_redis, username=ANN)).exists
        await accounts.apply(target_redis, step=DropAccount(username=ANN))
        assert ANN not in await accounts.usernames(target_redis)

    @pytest.mark.parametrize(
        "step",
        [Enable(username=ANN), Disable(username=ANN), DropRow(username=ANN, permission=READ)],
        ids=["enable", "disable", "row"],
    )
    async def test_steps_that_redis_does_not_have_are_our_fault(
        self, accounts: Accounts, target_redis: Target, step: Step
    ) -> None:
        with pytest.raises(InvariantBroken):
            await accounts.apply(target_redis, step=step)

    async def test_a_full_instance_is_busy(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        for n in range(18 - len(await accounts.usernames(target_redis))):
            step = CreateAccount(username=f"klfull{n}", permission=READ)
            await accounts.apply(target_redis, step=step, password=PASSWORD)
            await advance()

        with pytest.raises(ProviderBusy):
            await born(accounts, target_redis)

    async def test_usernames_leave_out_what_is_built_in(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        names = await accounts.usernames(target_redis)

        assert ANN in names
        assert not {"default", target_redis.instance_id} & set(names)

    async def test_a_cache_is_never_missing(self, accounts: Accounts, target_redis: Target) -> None:
        assert await accounts.missing(target_redis, permissions=(READ,)) == ()
        assert await accounts.missing(target_redis, permissions=(SUB_ORDERS,)) == ("topic orders",)

    async def test_a_new_password_keeps_the_privilege(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        for _ in range(2):
            await accounts.set_password(target_redis, username=ANN, password=OTHER)
            await advance()

        observed = await accounts.observe(target_redis, username=ANN)
        assert (observed.settled, observed.permissions) == (True, (READ,))

    async def test_a_new_password_against_the_rules_is_refused_by_name(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        with pytest.raises(ProviderRefused) as e:
            await accounts.set_password(target_redis, username=ANN, password=Secret("weak"))

        assert e.value.code == "PasswordRefused"

    async def test_a_new_password_for_nobody_is_not_found(
        self, accounts: Accounts, target_redis: Target
    ) -> None:
        with pytest.raises(ProviderNotFound):
            await accounts.set_password(target_redis, username=ANN, password=OTHER)

    async def test_no_wrong_password_is_accepted(
        self, accounts: Accounts, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        wrong = await accounts.login(target_redis, username=ANN, password=OTHER)
        right = await accounts.login(target_redis, username=ANN, password=PASSWORD)

        assert (wrong, right) in {
            (Login.REFUSED, Login.ACCEPTED),
            (Login.UNREACHABLE, Login.UNREACHABLE),
        }


class BothContract:
    async def test_products_and_instances_do_not_mix(
        self, accounts: Accounts, target_rocketmq: Target, target_redis: Target, advance: Advance
    ) -> None:
        await born(accounts, target_redis)
        await advance()

        assert not (await accounts.observe(target_rocketmq, username=ANN)).exists

    async def test_a_sound_target_has_no_problems(
        self, accounts: Accounts, target_rocketmq: Target, target_redis: Target
    ) -> None:
        assert (await accounts.health(target_rocketmq)).problems == ()
        assert (await accounts.health(target_redis)).problems == ()

    async def test_endpoints_say_where_clients_connect(
        self, accounts: Accounts, target_rocketmq: Target, target_redis: Target
    ) -> None:
        for target in (target_rocketmq, target_redis):
            endpoints = await accounts.endpoints(target)

            assert endpoints
            assert all(e.host and 0 < e.port < 65536 and e.network for e in endpoints)


class AccountsContract(RocketMqContract, RedisContract, BothContract):
    """All of it."""
