"""The story of the demo: each part is one promise of keylease, made and checked."""

import re
from dataclasses import dataclass

from keylease.cli.demo_inbox import button, link, text_with
from keylease.cli.demo_people import Claimed, Person
from keylease.cli.demo_stage import STANDING, Stage
from keylease.cli.demo_timeline import Timeline

CACHE_TIME = "12s"
_REQUEST = re.compile(r"req-[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Story:
    """Ana asks, Bo owns the cache."""

    stage: Stage
    timeline: Timeline
    ana: Person
    bo: Person

    async def play(self) -> None:
        """All parts, in order; each ends with what it showed."""
        await self.refusal()
        early = await self.automatic()
        request = await self.reviewed()
        claimed = await self.hand_over()
        await self.use(claimed)
        await self.release(early)
        await self.expiry(request, claimed)
        await self.rotation()
        self.events(request)

    async def refusal(self) -> None:
        self.timeline.title("1. A refusal says everything that is missing")
        asked = "payments-producer for 8h because replaying INC-4711"
        await self._asks(asked)
        told = await self.timeline.wait("a refusal", lambda: self._to_ana("is denied"))
        self._says("keylease to ana", told)
        reasons = [line for line in told.splitlines() if line.startswith("- ")]
        self.timeline.check("every unmet condition is named at once", holds=len(reasons) >= 3)  # noqa: PLR2004  # the demo policy's

    async def automatic(self) -> str:
        self.timeline.title("2. What the policy permits by itself is made at once")
        request = await self._asks("orders-consumer for 60s because replaying INC-4711")
        told = await self.timeline.wait("access", lambda: self._to_ana(request, "is active"))
        self._says("keylease to ana", told)
        rules = self.stage.emulator.world.rocketmq.all()[0].rules
        for rule in rules:
            actions = "|".join(rule.actions)
            self.timeline.tell(
                f"RocketMQ now lets {rule.username} {actions} on "
                f"{rule.resource_type.lower()} {rule.resource_name}"
            )
        given = {(rule.resource_type, rule.resource_name) for rule in rules}
        asked = {("Topic", "orders"), ("Group", "GID_orders")}
        self.timeline.check("RocketMQ holds exactly what was asked, no more", holds=given == asked)
        return request

    async def reviewed(self) -> str:
        self.timeline.title("3. Somebody else's cache takes that person's approval")
        request = await self._asks(f"cache-reader for {CACHE_TIME} because looking into INC-4711")
        press = await self.timeline.wait(
            "a question to bo", lambda: button(self.stage.slack, self.bo.user, "access_approve")
        )
        waits = text_with(self.stage.slack, self.bo.user, request) or ""
        self._says("keylease to bo", waits)
        self.timeline.check("nothing is made before bo answers", holds=not self._made())
        await self.ana.presses(press)
        await self.timeline.wait(
            "a word to ana",
            lambda: self._to_ana(request, "nobody reviews their own"),
        )
        self.timeline.check("ana cannot approve her own request", holds=True)  # as waited for
        self.timeline.tell("bo presses Approve")
        await self.bo.presses(press)
        await self.bo.presses(press)
        told = await self.timeline.wait("access", lambda: self._to_ana(request, "is active"))
        self._says("keylease to ana", told)
        return request

    async def hand_over(self) -> Claimed:
        self.timeline.title("4. The credential is shown once")
        found = await self.timeline.wait(
            "a link", lambda: link(self.stage.slack, self.ana.user, "is active", "shown once")
        )
        page = await self.ana.opens(found)
        self.timeline.check(
            "opening the link shows and burns nothing", holds='class="value"' not in page
        )
        claimed = await self.ana.claims(found)
        self.timeline.demand("pressing its button shows the credential", holds=claimed is not None)
        assert claimed is not None  # noqa: S101  # demanded
        self.timeline.tell(f"ana holds user {claimed.username} and a password nobody else has seen")
        again = await self.ana.claims(found)
        self.timeline.check("a second press shows nothing and raises an alarm", holds=again is None)
        return claimed

    async def use(self, claimed: Claimed) -> None:
        self.timeline.title("5. It works on the real Redis server, for what was approved")
        await self.stage.redis.ask("SET", "greeting", "hello")
        read = await self._redis(claimed, "GET", "greeting")
        self.timeline.tell(f"GET greeting -> {read}")
        self.timeline.check("reading works", holds=read == "hello")
        write = await self._redis(claimed, "SET", "greeting", "mine")
        self.timeline.tell(f"SET greeting mine -> {write}")
        self.timeline.check("writing is refused", holds=write.startswith("-NOPERM"))

    async def release(self, request: str) -> None:
        self.timeline.title("6. Access can be given back early")
        self._says("ana", f"/access release {request}")
        await self.ana.types(f"release {request}")
        told = await self.timeline.wait("the end", lambda: self._to_ana(request, "ended"))
        self._says("keylease to ana", told)
        instance = self.stage.emulator.world.rocketmq.all()[0]
        is_clean = not instance.rules and all(
            one.account_type == "DEFAULT" for one in instance.accounts
        )
        self.timeline.check("RocketMQ holds neither its account nor its rules", holds=is_clean)

    async def expiry(self, request: str, claimed: Claimed) -> None:
        self.timeline.title("7. Its time is over: the access is taken back")
        told = await self.timeline.wait("the end", lambda: self._to_ana(request, "ended"))
        self._says("keylease to ana", told)
        answer = await self._redis(claimed, "GET", "greeting")
        self.timeline.tell(f"ana logs in -> {answer}")
        self.timeline.check("the login is refused", holds=answer.startswith("-WRONGPASS"))
        self.timeline.check("no account of it is left", holds=not self._made())

    async def rotation(self) -> None:
        self.timeline.title("8. A service's password is rotated on schedule")
        found = await self.timeline.wait(
            "a rotation", lambda: link(self.stage.slack, self.bo.user, STANDING, "new password")
        )
        self._says("keylease to bo", text_with(self.stage.slack, self.bo.user, STANDING) or "")
        claimed = await self.bo.claims(found)
        self.timeline.demand("its owner claims the new password", holds=claimed is not None)
        assert claimed is not None  # noqa: S101  # demanded
        new = await self._redis(claimed, "PING")
        old = await self._redis(Claimed(STANDING, self.stage.standing_password), "PING")
        self.timeline.check("the new password logs in", holds=new == "+PONG")
        self.timeline.check("the old one does not any more", holds=old.startswith("-WRONGPASS"))

    def events(self, request: str) -> None:
        self.timeline.title("9. Every step was told to the outside, signed, in order")
        receiver = self.stage.receiver
        told = receiver.about(request)
        self.timeline.tell(" -> ".join(told))
        expected = (
            "request.submitted",
            "request.review_needed",
            "request.approved",
            "lease.activated",
            "lease.claimed",
            "lease.ended",
        )
        steps = tuple(one for one in told if one in expected)
        self.timeline.check(
            "the receiver got each step of the cache lease", holds=steps == expected
        )
        rotated = receiver.about(f"cache-demo/{STANDING}")
        self.timeline.check("and the rotation", holds="credential.rotated" in rotated)
        count = len(receiver.events)
        self.timeline.check(f"all {count} signatures are right", holds=receiver.refused == 0)

    def _made(self) -> set[str]:
        """Accounts on the Redis instance that were not there before."""
        accounts = self.stage.emulator.world.redis.all()[0].accounts
        return {one.name for one in accounts if not one.built_in} - {STANDING}

    async def _asks(self, words: str) -> str:
        """Ana's slash command; returns the id of her request."""
        self._says("ana", f"/access request {words}")
        answer = await self.ana.types(f"request {words}")
        found = _REQUEST.search(answer)
        self.timeline.demand(f"keylease takes the request: {answer}", holds=found is not None)
        return found[0] if found else ""

    def _to_ana(self, *words: str) -> str | None:
        return text_with(self.stage.slack, self.ana.user, *words)

    def _says(self, who: str, text: str) -> None:
        self.timeline.tell(f"{who}: {text}")

    async def _redis(self, claimed: Claimed, *command: str) -> str:
        return await self.stage.redis.ask(
            *command, username=claimed.username, password=claimed.password
        )
