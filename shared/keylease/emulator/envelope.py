"""The three shapes of an answer: RocketMQ's lowerCamel envelope, the RPC one, the gateway's."""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

from keylease.emulator.refusal import GatewayRefusal, Refusal

Payload = Mapping[str, JsonValue]


class Style(StrEnum):
    """How a product talks."""

    ROA = "roa"
    RPC = "rpc"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `body` stays out of the repr, because it may hold a password."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def new_request_id() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)).upper()


def json_answer(payload: JsonValue | Payload, *, status: int = 200) -> Answer:
    # ASCII escapes keep any text that a caller sent encodable.
    return Answer(status=status, body=json.dumps(payload, separators=(",", ":")).encode())


def success(payload: Payload, *, style: Style, request_id: str) -> Answer:
    if style is Style.RPC:
        return json_answer({"RequestId": request_id, **payload})
    return json_answer(
        {
            "requestId": request_id,
            "success": True,
            "httpStatusCode": 200,
            "code": "200",
            "message": "success",
            "dynamicCode": "",
            "dynamicMessage": "",
            **payload,
        }
    )


def failure(refusal: Refusal, *, style: Style, request_id: str, host: str) -> Answer:
    if style is Style.RPC or isinstance(refusal, GatewayRefusal):
        return json_answer(_gateway_payload(refusal, request_id, host), status=refusal.status)
    return json_answer(service_failure(refusal, request_id=request_id), status=refusal.status)


def service_failure(refusal: Refusal, *, request_id: str) -> Payload:
    return {
        "requestId": request_id,
        "success": False,
        "httpStatusCode": refusal.status,
        "code": refusal.code,
        "message": refusal.message,
        "dynamicCode": "",
        "dynamicMessage": "",
    }


def _gateway_payload(refusal: Refusal, request_id: str, host: str) -> Payload:
    detail: Payload = {"AccessDeniedDetail": dict(refusal.detail)} if refusal.detail else {}
    return {
        "RequestId": request_id,
        "HostId": host,
        "Code": refusal.code,
        "Message": refusal.message,
        **detail,
    }
