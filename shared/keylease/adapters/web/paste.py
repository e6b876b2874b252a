"""Lines to paste into a client, for a credential that is shown right now; pure."""

from dataclasses import dataclass
from urllib.parse import quote

from keylease.domain.access import Product
from keylease.ports.accounts import Endpoint
from keylease.ports.handover import Shown

RANK = {"vpc": 0, "internet": 1, "public": 1}
"""Nearer networks first."""
HOST, PORT = "HOST", "PORT"
"""What stands there when no address is known."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """One block of lines."""

    title: str
    lines: str

    def __repr__(self) -> str:
        """Without the lines: they hold the password."""
        return f"Snippet(title={self.title!r})"


def snippets(shown: Shown, /) -> tuple[Snippet, ...]:
    """What clients of the product read."""
    nearest = next(iter(by_distance(shown.endpoints)), None)
    host, port = (nearest.host, str(nearest.port)) if nearest else (HOST, PORT)
    match shown.product:
        case Product.ROCKETMQ:
            return _rocketmq(shown, address=f"{_bracketed(host)}:{port}")
        case Product.REDIS:
            return _redis(shown, host=host, port=port)


def by_distance(endpoints: tuple[Endpoint, ...], /) -> tuple[Endpoint, ...]:
    """Endpoints inside the cloud's own network first."""
    return tuple(sorted(endpoints, key=lambda one: RANK.get(one.network.lower(), len(RANK))))


def _rocketmq(shown: Shown, *, address: str) -> tuple[Snippet, ...]:
    password = shown.password.reveal()
    properties = (
        f"endpoints={address}\n"
        f"accessKey={_property(shown.username)}\n"
        f"secretKey={_property(password)}"
    )
    java = (
        "var credentials = new StaticSessionCredentialsProvider(\n"
        f"    {_quoted(shown.username)},\n"
        f"    {_quoted(password)});\n"
        "var configuration = ClientConfiguration.newBuilder()\n"
        f"    .setEndpoints({_quoted(address)})\n"
        "    .setCredentialProvider(credentials)\n"
        "    .build();"
    )
    python = (
        "from rocketmq import ClientConfiguration, Credentials\n\n"
        f"credentials = Credentials({shown.username!r}, {password!r})\n"
        f"configuration = ClientConfiguration(\n    {address!r},\n    credentials,\n)"
    )
    return (Snippet("Properties", properties), Snippet("Java", java), Snippet("Python", python))


def _redis(shown: Shown, *, host: str, port: str) -> tuple[Snippet, ...]:
    password = shown.password.reveal()
    # --askpass: an argument would stand in the shell's history and in the process list.
    command = f"redis-cli -h {host} -p {port} --user {shown.username} --askpass"
    user, secret = quote(shown.username, safe=""), quote(password, safe="")
    url = f"redis://{user}:{secret}@{_bracketed(host)}:{port}/0"
    python = (
        "import redis\n\n"
        f"client = redis.Redis(\n    host={host!r},\n    port={port},\n"
        f"    username={shown.username!r},\n    password={password!r},\n)"
    )
    return (
        Snippet("redis-cli (asks for the password)", command),
        Snippet("URL", url),
        Snippet("Python", python),
    )


def _property(text: str) -> str:
    r"""A value of a Java properties file, where a backslash escapes and leading spaces go."""
    escaped = text.replace("\\", "\\\\")
    return f"\\{escaped}" if escaped.startswith((" ", "\t")) else escaped


def _quoted(text: str) -> str:
    """A Java string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bracketed(host: str) -> str:
    """A host as it stands before a colon."""
    return f"[{host}]" if ":" in host else host
