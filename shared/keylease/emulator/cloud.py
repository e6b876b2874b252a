"""The emulated cloud as one function: a wire request in, an answer or a broken connection out."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from keylease.emulator.call import Call
from keylease.emulator.clock import EmulatorClock
from keylease.emulator.envelope import (
    Answer,
    Payload,
    Style,
    failure,
    json_answer,
    new_request_id,
    service_failure,
    success,
)
from keylease.emulator.faults import FaultKind, FaultPlan, Faults
from keylease.emulator.journal import Entry, Journal
from keylease.emulator.kvstore.settling import Settling
from keylease.emulator.live import Live
from keylease.emulator.refusal import GatewayRefusal, Refusal
from keylease.emulator.routing import Target, route
from keylease.emulator.signature import Verifier
from keylease.emulator.wire import Wire
from keylease.emulator.world import AccessKey

log = logging.getLogger("keylease.emulator")

ANYBODY = AccessKey.model_validate({"id": "", "secret": "", "arn": "anonymous"})
ANSWERED_INSTEAD = frozenset(
    {
        FaultKind.CLIENT_ERROR,
        FaultKind.SERVER_ERROR,
        FaultKind.THROTTLE,
        FaultKind.SUCCESS_FALSE,
    }
)
DEFAULT_ERRORS: Mapping[FaultKind, tuple[int, str]] = {
    FaultKind.CLIENT_ERROR: (400, "InvalidParameter"),
    FaultKind.SERVER_ERROR: (500, "InternalError"),
    FaultKind.THROTTLE: (400, "Throttling.User"),
    FaultKind.SUCCESS_FALSE: (200, "InternalError"),
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way through."""

    wire: Wire = field(repr=False)
    target: Target
    parameters: Mapping[str, str] = field(repr=False)
    request_id: str
    fault: FaultPlan | None
    username: str | None

    @property
    def instance_id(self) -> str:
        return self.target.path.get("instanceId") or self.parameters.get("InstanceId", "")

    def is_struck_by(self, *kinds: FaultKind) -> bool:
        return self.fault is not None and self.fault.kind in kinds


@dataclass(frozen=True, slots=True)
class Cloud:
    live: Live
    clock: EmulatorClock
    faults: Faults
    journal: Journal
    verifier: Verifier
    settling: Settling

    async def answer(self, wire: Wire) -> Answer | None:
        """Serve one request; None breaks the connection."""
        request_id = new_request_id()
        try:
            exchange = self._opened(wire, request_id)
        except Refusal as refusal:
            return self._refused(wire, refusal=refusal, request_id=request_id)
        if exchange.is_struck_by(FaultKind.REFUSE):
            self._note(exchange, key_id="", status=0, code="")
            return None
        if exchange.fault and exchange.fault.kind is FaultKind.SLOW:
            await asyncio.sleep(exchange.fault.delay.total_seconds())
        await self.settling.settle()
        return self._performed(exchange)

    def _opened(self, wire: Wire, request_id: str) -> Exchange:
        parameters = wire.parameters()
        target = route(wire, parameters=parameters)
        username = _username(wire, target=target, parameters=parameters)
        fault = self.faults.strike(
            operation=target.operation.name,
            username=username,
            is_read=target.operation.is_read,
            now=self.clock.now(),
        )
        return Exchange(
            wire=wire,
            target=target,
            parameters=parameters,
            request_id=request_id,
            fault=fault,
            username=username,
        )

    def _performed(self, exchange: Exchange) -> Answer | None:
        style, request_id = exchange.target.style, exchange.request_id
        caller = ANYBODY
        try:
            caller = self._caller(exchange)
            payload = self._run(exchange, caller=caller)
        except Refusal as refusal:
            host = exchange.wire.header("host")
            self._note(exchange, key_id=caller.id, status=refusal.status, code=refusal.code)
            return failure(refusal, style=style, request_id=request_id, host=host)
        if isinstance(payload, Answer):
            code = _fault_error(exchange.fault)[1] if exchange.fault else ""
            self._note(exchange, key_id=caller.id, status=payload.status, code=code)
            return payload
        self._note(exchange, key_id=caller.id, status=200, code="OK")
        return _spoiled(success(payload, style=style, request_id=request_id), exchange.fault)

    def _caller(self, exchange: Exchange) -> AccessKey:
        if exchange.target.is_anonymous and "authorization" not in exchange.wire.headers:
            return ANYBODY
        caller = self.verifier.caller(exchange.wire)
        if exchange.target.operation.name in caller.denied:
            raise _forbidden(exchange, caller=caller)
        return caller

    def _run(self, exchange: Exchange, *, caller: AccessKey) -> Payload | Answer:
        call = Call(
            operation=exchange.target.operation.name,
            live=self.live,
            wire=exchange.wire,
            path=exchange.target.path,
            parameters=exchange.parameters,
            caller=caller,
            now=self.clock.now(),
            is_stale=exchange.is_struck_by(FaultKind.STALE_READ),
        )
        fault = exchange.fault
        if fault is None or fault.kind not in ANSWERED_INSTEAD:
            return exchange.target.operation.run(call)
        if fault.kind is FaultKind.SERVER_ERROR and fault.is_done:
            exchange.target.operation.run(call)
        return _instead(fault, exchange=exchange)

    def _refused(self, wire: Wire, *, refusal: Refusal, request_id: str) -> Answer:
        host = wire.header("host")
        return failure(refusal, style=Style.RPC, request_id=request_id, host=host)

    def _note(self, exchange: Exchange, *, key_id: str, status: int, code: str) -> None:
        entry = Entry(
            at=self.clock.now(),
            product=exchange.target.product,
            operation=exchange.target.operation.name,
            instance_id=exchange.instance_id,
            username=exchange.username,
            access_key_id=key_id,
            status=status,
            code=code,
            fault=exchange.fault.kind.value if exchange.fault else None,
            request_id=exchange.request_id,
        )
        self.journal.entries.append(entry)
        log.debug("emulator.call %s %s %s", entry.operation, entry.status, entry.outcome)


def _username(wire: Wire, *, target: Target, parameters: Mapping[str, str]) -> str | None:
    """Whom a call is about, for plans and the journal; the body is read only where it says so."""
    named = target.path.get("username") or parameters.get("username")
    if named or target.operation.name != "CreateInstanceAccount":
        return named or parameters.get("AccountName")
    return _username_in(wire)


def _username_in(wire: Wire) -> str | None:
    try:
        document = json.loads(wire.body)
    except (ValueError, RecursionError):
        return None
    username = document.get("username") if isinstance(document, dict) else None
    return username if isinstance(username, str) else None


def _forbidden(exchange: Exchange, *, caller: AccessKey) -> GatewayRefusal:
    return GatewayRefusal(
        "Forbidden.RAM",
        "User not authorized to operate on the specified resource, or this API doesn't support "
        "RAM.",
        status=403,
        detail={
            "AuthAction": f"{exchange.target.product.lower()}:{exchange.target.operation.name}",
            "AuthPrincipalDisplayName": caller.id,
            "NoPermissionType": "ImplicitDeny",
        },
    )


def _fault_error(fault: FaultPlan) -> tuple[int, str]:
    status, code = DEFAULT_ERRORS.get(fault.kind, (200, "OK"))
    return fault.status or status, fault.code or code


def _instead(fault: FaultPlan, *, exchange: Exchange) -> Answer:
    status, code = _fault_error(fault)
    refusal = Refusal(code, fault.message, status=status)
    style, request_id = exchange.target.style, exchange.request_id
    if fault.kind is FaultKind.SUCCESS_FALSE and style is Style.ROA:
        return json_answer(service_failure(refusal, request_id=request_id))
    if fault.kind is FaultKind.SUCCESS_FALSE:
        payload: Payload = {"RequestId": request_id, "Success": False, "Code": code}
        return json_answer({**payload, "Message": fault.message})
    if fault.kind is FaultKind.THROTTLE:
        refusal = GatewayRefusal(code, fault.message, status=status)
    host = exchange.wire.header("host")
    answer = failure(refusal, style=style, request_id=request_id, host=host)
    return Answer(status=status, body=answer.body, headers=_retry_after(fault))


def _retry_after(fault: FaultPlan) -> Mapping[str, str]:
    if fault.retry_after is None:
        return {}
    return {"x-acs-retry-after": str(round(fault.retry_after.total_seconds() * 1000))}


def _spoiled(answer: Answer, fault: FaultPlan | None) -> Answer | None:
    """What arrives of an answer to a call that was done."""
    match fault.kind if fault else None:
        case FaultKind.LOST_RESPONSE:
            return None
        case FaultKind.TRUNCATED_JSON:
            return Answer(status=200, body=answer.body[: len(answer.body) // 2])
        case FaultKind.WRONG_JSON if fault:
            return json_answer(fault.payload)
        case _:
            return answer
