"""Random lives of keylease against a model: whatever happens, the cloud holds what leases say."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keylease.domain.access import Permission
from keylease.domain.events import RotationDue
from keylease.domain.intake import Ask, AskClaim, GiveReview, Release
from keylease.domain.lease import Lease, LeaseStatus
from keylease.domain.outcome import Outcome
from keylease.domain.request import Request, RequestStatus, Verdict
from keylease.domain.rotation import Rotation
from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.emulator.world import AclUpdate
from keylease.ports.handover import Shown as Revealed
from keylease.runtime.process import Process
from tests.simulation import oracle
from tests.support.build import BOTH_ORDERS, PUB_ORDERS, READ, READ_WRITE, SUB_ORDERS, permission
from tests.support.simulation import Simulation, simulation

WHATS = (
    SUB_ORDERS,
    PUB_ORDERS,
    BOTH_ORDERS,
    permission("topic:orders", "Sub", oracle.NETS[0]),
    permission("topic:orders", "Pub", oracle.NETS[1]),
    permission("topic:payments", "Sub"),
    permission("group:GID_orders", "Sub"),
)
CACHES = (READ, READ_WRITE)
DURATIONS = tuple(timedelta(minutes=m) for m in (1, 10, 120, 240))
SURVIVABLE = (
    FaultKind.REFUSE,
    FaultKind.SERVER_ERROR,
    FaultKind.THROTTLE,
    FaultKind.LOST_RESPONSE,
    FaultKind.TRUNCATED_JSON,
    FaultKind.STALE_READ,
)
LEADS = {"bo", "cy"}
ORDERS = {"ana", "bo"}


class Lives(RuleBasedStateMachine):
    """The model is small: who may have what, who said what, and when it is over."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.requests: list[str] = []
        self.released: set[str] = set()
        self.revealed: list[str] = []

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(
        mode=st.sampled_from(AclUpdate), workers=st.sampled_from([1, 2]), seed=st.integers(0, 99)
    )
    def begin(self, mode: AclUpdate, workers: int, seed: int) -> None:
        self.world: Simulation = simulation(seed=seed, acl_update=mode)
        self.workers = workers
        self.crash()

    @rule()
    def crash(self) -> None:
        """Every process dies and starts anew."""
        self.processes: list[Process] = [self.run(self.world.boot()) for _ in range(self.workers)]

    @rule(
        who=st.sampled_from(["ana", "bo", "dee"]),
        what=st.lists(st.sampled_from(WHATS), min_size=1, max_size=3, unique_by=lambda p: p.key),
        account=st.sampled_from([None, "svc_orders"]),
        duration=st.sampled_from(DURATIONS),
    )
    def ask(
        self, who: str, what: list[Permission], account: str | None, duration: timedelta
    ) -> None:
        said = Ask(
            target="rmq-demo",
            permissions=tuple(what),
            account=account,
            duration=duration,
            reason="x",
        )
        self.request(who, said)

    @rule(
        who=st.sampled_from(["ana", "dee"]),
        what=st.sampled_from(CACHES),
        account=st.sampled_from([None, "svc_cache"]),
        duration=st.sampled_from(DURATIONS),
    )
    def ask_for_a_cache(
        self, who: str, what: Permission, account: str | None, duration: timedelta
    ) -> None:
        said = Ask(
            target="cache-demo", permissions=(what,), account=account, duration=duration, reason="x"
        )
        self.request(who, said)

    def request(self, who: str, said: Ask) -> None:
        message = self.world.arrived(who, said)
        reply = self.run(self.processes[0].receive(message))
        again = self.run(self.processes[-1].receive(message))
        assert again.request_id == reply.request_id
        if reply.request_id:
            self.requests.append(reply.request_id)
        self.calm()

    @precondition(lambda self: self.requests)
    @rule(
        nth=st.integers(0, 50),
        who=st.sampled_from(["ana", "bo", "cy", "dee"]),
        verdict=st.sampled_from(Verdict),
    )
    def review(self, nth: int, who: str, verdict: Verdict) -> None:
        before = self.load(nth)
        said = GiveReview(request_id=before.id, verdict=verdict, digest=before.digest)
        message = self.world.arrived(who, said)
        self.run(self.processes[0].receive(message))
        self.run(self.processes[-1].receive(self.world.arrived(who, said)))
        self.calm()

        after = self.load(nth)
        counts = who in LEADS and who != before.asked.requester
        if before.status is RequestStatus.IN_REVIEW and not counts:
            assert after.status in (RequestStatus.IN_REVIEW, RequestStatus.LAPSED)
        if before.status is RequestStatus.IN_REVIEW and counts and verdict is Verdict.DENY:
            assert after.status in (RequestStatus.DENIED, RequestStatus.LAPSED)

    @precondition(lambda self: self.requests)
    @rule(nth=st.integers(0, 50), who=st.sampled_from(["ana", "bo", "cy", "dee"]))
    def release(self, nth: int, who: str) -> None:
        request = self.load(nth)
        if request.asked.requester == who:
            self.released.add(request.id)
        self.run(self.processes[0].receive(self.world.arrived(who, Release(request_id=request.id))))
        self.calm()

    @precondition(lambda self: self.requests)
    @rule(nth=st.integers(0, 50))
    def claim(self, nth: int) -> None:
        request = self.load(nth)
        who = request.asked.requester
        self.run(
            self.processes[0].receive(self.world.arrived(who, AskClaim(request_id=request.id)))
        )
        self.calm()
        for token in self.world.links(who):
            answer = self.run(self.world.claim(self.processes[-1], token))
            if isinstance(answer, Revealed):
                self.revealed.append(answer.password.reveal())

    @rule(account=st.sampled_from(["rmq-demo/svc_orders", "cache-demo/svc_cache"]))
    def rotate(self, account: str) -> None:
        due = RotationDue(account_id=account, asked_by="bo")
        self.run(self.processes[0].commits.commit(Outcome(events=(due,))))
        self.calm()

    @rule(by=st.sampled_from([timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1)]))
    def pass_time(self, by: timedelta) -> None:
        self.run(self.world.pass_time(self.processes[0], by, step=by / 4))

    @rule(
        kind=st.sampled_from(SURVIVABLE),
        times=st.integers(1, 4),
        skip=st.integers(0, 6),
    )
    def misfortune(self, kind: FaultKind, times: int, skip: int) -> None:
        self.world.cloud.faults.plan(FaultPlan(kind=kind, times=times, skip=skip))

    def load(self, nth: int) -> Request:
        id_ = self.requests[nth % len(self.requests)]
        request: Request = self.run(self.world.store.load(Request, id_))
        return request

    def calm(self) -> None:
        """All workers at once, for a while."""
        self.run(self._calm(timedelta(seconds=20)))

    async def _calm(self, within: timedelta) -> None:
        end = self.world.clock.now() + within
        while self.world.clock.now() < end:
            async with asyncio.TaskGroup() as group:
                for process in self.processes:
                    group.create_task(self._work(process))
            self.world.clock.advance(timedelta(seconds=2))

    async def _work(self, process: Process) -> None:
        await process.tick()
        while await process.relay():
            pass

    @invariant()
    def nothing_is_given_that_no_open_lease_allows(self) -> None:
        if not hasattr(self, "world"):
            return
        leases = [lease for lease in self.world.records(Lease) if lease.is_open]
        given = oracle.shown(self.world)

        assert given.rights <= oracle.entitled(leases)
        names = {lease.account_id.partition("/")[2] for lease in leases}
        assert given.dedicated <= names

    @invariant()
    def nobody_outside_the_rules_holds_anything(self) -> None:
        if not hasattr(self, "world"):
            return
        assert all(lease.holder in ORDERS for lease in self.world.records(Lease))
        assert len(self.revealed) == len(set(self.revealed))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.cloud.faults.clear()
            self.crash()
            self.rest()
            self.compare()
            self.run(
                self.world.pass_time(
                    self.processes[0], timedelta(hours=26), step=timedelta(minutes=20)
                )
            )
            self.rest()
            self.finish()
        self.loop.close()

    def rest(self) -> None:
        """Long enough for every retry and every turn that a crash left behind."""
        for _ in range(12):
            self.run(
                self.world.pass_time(
                    self.processes[0], timedelta(minutes=1), step=timedelta(seconds=5)
                )
            )
            self.calm()

    def compare(self) -> None:
        """The cloud equals the fold of the live leases, and the live leases are the right ones."""
        now: datetime = self.world.clock.now()
        leases = self.world.records(Lease)
        live = oracle.live(leases, now)
        assert all(lease.status is LeaseStatus.ACTIVE for lease in live), live
        assert oracle.shown(self.world).rights == oracle.entitled(live)
        assert all(oracle.fits_one_row(oracle.of_leases([lease])) for lease in live)
        for request in self.world.records(Request):
            if request.id in self.released:
                assert request.lease_id not in {lease.id for lease in live}

    def finish(self) -> None:
        """A day later nothing is left but what stood there before, and every end is an end."""
        assert all(not lease.is_open for lease in self.world.records(Lease))
        assert all(not request.is_open for request in self.world.records(Request))
        assert all(not rotation.is_open for rotation in self.world.records(Rotation))
        assert oracle.shown(self.world) == oracle.Shown(oracle.entitled([]), set())
        assert self.run(self.world.store.parked(limit=10)) == ()
        kept = "\n".join(self.world.texts())
        assert not [secret for secret in self.revealed if secret in kept]


TestLives = Lives.TestCase
TestLives.settings = settings(settings(), stateful_step_count=20)
