"""A local Alibaba Cloud: RocketMQ, R-kvstore and STS as the official SDKs expect them.

It shares no code with the client in `keylease.adapters`, so that neither can hide the other's
fault.
"""

from keylease.emulator.faults import FaultKind, FaultPlan
from keylease.emulator.server import Emulator, main_async, running
from keylease.emulator.world import AclUpdate, World, default_world, load_world

__all__ = [
    "AclUpdate",
    "Emulator",
    "FaultKind",
    "FaultPlan",
    "World",
    "default_world",
    "load_world",
    "main_async",
    "running",
]
