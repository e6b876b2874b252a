"""The command line with less patience: what failed or was lost is taken up again within seconds.

A short run has no time for the half minute that a real deployment gives a silent worker, nor for
waits that grow to minutes. Nothing else is changed; the long run has the command line as it is.
"""

from datetime import timedelta
from functools import partial

from keylease import turn
from keylease.adapters.nats import layout
from keylease.adapters.postgres import store
from keylease.cli.main import main
from keylease.converge import trouble
from keylease.domain import post
from keylease.runtime import process, sending

# Whoever reads these is imported by `main`, so everybody reads what stands here.
layout.ACK_WAIT = timedelta(seconds=2)
sending.RESEND = timedelta(seconds=2)
process.LONGEST_RACE = timedelta(seconds=1)
post.SAYING = timedelta(seconds=3)
turn.TURN = timedelta(seconds=5)
turn.CALLS = timedelta(seconds=3)
for module in (process, sending, trouble):
    vars(module)["LONGEST_WAIT"] = timedelta(seconds=2)
store.open_postgres = partial(store.open_postgres, claim=timedelta(seconds=2))

if __name__ == "__main__":
    main()
