"""Unsigned sources of credentials: a credentials URI and a look-alike of the ECS metadata."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keylease.emulator.envelope import Answer, json_answer
from keylease.emulator.live import Live
from keylease.emulator.sts import credentials, utc_text
from keylease.emulator.wire import Wire
from keylease.emulator.world import ACCOUNT_ID

ROLE = "keylease-demo"
CREDENTIALS_URI = ("_emulator", "credentials")
TOKEN_PATH = ("latest", "api", "token")
ROLES_PATH = ("latest", "meta-data", "ram", "security-credentials")
LONGEST_TTL = 21600
_TTL = re.compile(r"[0-9]{1,5}")


@dataclass(slots=True)
class Metadata:
    live: Live
    now: Callable[[], datetime]
    _tokens: dict[str, datetime] = field(default_factory=dict, repr=False)

    def answer(self, wire: Wire) -> Answer | None:
        """The answer to a request for credentials; None when it is not one."""
        route = (wire.method, wire.segments)
        if route == ("GET", CREDENTIALS_URI):
            return self._credentials()
        if route == ("PUT", TOKEN_PATH):
            return self._token(wire)
        if wire.method == "GET" and wire.segments[:4] == ROLES_PATH:
            return self._role(wire)
        return None

    def _token(self, wire: Wire) -> Answer:
        ttl = wire.header("x-aliyun-ecs-metadata-token-ttl-seconds")
        if not _TTL.fullmatch(ttl) or not 1 <= int(ttl) <= LONGEST_TTL:
            return _text("bad ttl", status=400)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = self.now() + timedelta(seconds=int(ttl))
        return _text(token)

    def _role(self, wire: Wire) -> Answer:
        if not self._is_allowed(wire.header("x-aliyun-ecs-metadata-token")):
            return _text("unauthorized", status=401)
        name = "/".join(wire.segments[4:])
        if not name:
            return _text(ROLE)
        return self._credentials() if name == ROLE else _text("not found", status=404)

    def _is_allowed(self, token: str) -> bool:
        if not token:
            return not self.live.settings.imds_requires_token
        return self._tokens.get(token, self.now()) > self.now()

    def _credentials(self) -> Answer:
        now = self.now()
        key = self.live.mint(
            arn=f"acs:ram::{ACCOUNT_ID}:assumed-role/{ROLE}/emulator",
            expires_at=now + self.live.settings.token_lifetime,
        )
        return json_answer({"Code": "Success", "LastUpdated": utc_text(now), **credentials(key)})


def _text(body: str, *, status: int = 200) -> Answer:
    return Answer(status=status, body=body.encode(), headers={"content-type": "text/plain"})
