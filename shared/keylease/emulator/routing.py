"""Which operation a request asks for: ROA by method and path, RPC by action."""

from collections.abc import Mapping
from dataclasses import dataclass

from keylease.emulator import kvstore, rocketmq, sts
from keylease.emulator.call import Operation
from keylease.emulator.envelope import Style
from keylease.emulator.refusal import GatewayRefusal
from keylease.emulator.wire import Wire


@dataclass(frozen=True, slots=True)
class Target:
    """The operation asked for, with its path variables."""

    product: str
    style: Style
    operation: Operation
    path: Mapping[str, str]

    @property
    def is_anonymous(self) -> bool:
        return self.product == "Sts" and self.operation.name in sts.ANONYMOUS


_RPC = {
    kvstore.VERSION: ("R-kvstore", kvstore.OPERATIONS),
    sts.VERSION: ("Sts", sts.OPERATIONS),
}


def route(wire: Wire, *, parameters: Mapping[str, str]) -> Target:
    if wire.segments:
        return _roa_target(wire)
    return _rpc_target(wire, parameters=parameters)


def _roa_target(wire: Wire) -> Target:
    fitting = [
        (operation, path)
        for operation in rocketmq.OPERATIONS
        if (path := operation.match(wire.segments)) is not None
    ]
    if not fitting:
        raise _no_api("the path is not known")
    for operation, path in fitting:
        if operation.method == wire.method:
            _demand_headers(wire, operation=operation)
            return Target(product="RocketMQ", style=Style.ROA, operation=operation, path=path)
    raise GatewayRefusal("MethodNotAllowed", "The method is not allowed here.", status=405)


def _demand_headers(wire: Wire, *, operation: Operation) -> None:
    """An older client sends no action; a present one has to say what the path says."""
    if wire.header("x-acs-action") not in ("", operation.name):
        raise _no_api("x-acs-action and the path disagree")
    if wire.header("x-acs-version") not in ("", rocketmq.VERSION):
        raise _no_api("the version is not known")


def _rpc_target(wire: Wire, *, parameters: Mapping[str, str]) -> Target:
    if wire.method not in ("GET", "POST"):
        raise GatewayRefusal("MethodNotAllowed", "The method is not allowed here.", status=405)
    action = wire.header("x-acs-action") or parameters.get("Action", "")
    version = wire.header("x-acs-version") or parameters.get("Version", "")
    if version not in _RPC:
        raise GatewayRefusal(
            "InvalidProduct.NotFound", "Cannot find product according to your version.", status=404
        )
    product, operations = _RPC[version]
    if action not in operations:
        raise _no_api("the action is not known")
    return Target(product=product, style=Style.RPC, operation=operations[action], path={})


def _no_api(why: str) -> GatewayRefusal:
    return GatewayRefusal("InvalidApi.NotFound", f"Specified api is not found: {why}.", status=404)
