"""R-kvstore 2015-01-01: what each action does. Account work is asynchronous."""

from keylease.emulator.call import Operation
from keylease.emulator.kvstore import accounts, changes, instances

VERSION = "2015-01-01"

OPERATIONS = {
    name: Operation(name=name, run=run)
    for name, run in {
        **accounts.OPERATIONS,
        **changes.OPERATIONS,
        **instances.OPERATIONS,
    }.items()
}
