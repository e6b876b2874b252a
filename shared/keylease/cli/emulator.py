"""emulator: the local Alibaba Cloud as a program."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer, /) -> None:
    """Add the command."""
    app.command("emulator")(emulator)


def emulator(
    *,
    host: Annotated[str, typer.Option(help="Listen there.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 finds a free one.")] = 0,
    world: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instances and keys; a small demo world otherwise."),
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Redis server on which every account becomes real."),
    ] = None,
) -> None:
    """Serve a local Alibaba Cloud (RocketMQ, R-kvstore, STS) that the official SDKs accept."""
    from keylease.emulator import main_async  # noqa: PLC0415  # only here

    asyncio.run(main_async(host=host, port=port, world_file=world, redis_url=redis))
