"""One cold start from the packaged code, in a fresh process: prints how many seconds it took.

    python -I tests/benchmarks/packaged_arm.py CODE ARM

CODE is the unpacked zip; ARM is a function, or `sdk`: importing the official one.
"""

import sys
import time

BEGUN = time.perf_counter()


def function(name: str, code: str, /) -> None:
    sys.path.insert(0, code)
    import fc_entry  # type: ignore[import-not-found]  # noqa: PLC0415  # what is timed; made by infra/package.py

    getattr(fc_entry, f"{name}_initialize")(None)
    say()
    import keylease  # noqa: PLC0415  # nothing else may have been loaded

    assert str(keylease.__file__).startswith(code), keylease.__file__
    getattr(fc_entry, f"{name}_pre_stop")(None)


def sdk() -> None:
    import alibabacloud_r_kvstore20150101.client  # noqa: F401, PLC0415  # what is timed
    import alibabacloud_rocketmq20220801.client  # noqa: F401, PLC0415  # as above

    say()


def say() -> None:
    sys.stdout.write(f"{time.perf_counter() - BEGUN}\n")
    sys.stdout.flush()


def main(code: str, arm: str, /) -> None:
    if arm == "sdk":
        sdk()
    else:
        function(arm, code)


if __name__ == "__main__":
    sys.modules.update(dict.fromkeys(("rich", "typer")))  # type: ignore[arg-type]  # None: absent
    main(*sys.argv[1:])
