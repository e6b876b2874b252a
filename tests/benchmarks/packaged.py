"""Cold start of every function from the zip that is deployed, beside the official SDK."""

import asyncio
import importlib.util
import sys
import tempfile
import zipfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from keylease.hosts.fc.layer import MARK
from keylease.runtime.bundle import function_names
from tests.benchmarks.cold_start import prepared
from tests.benchmarks.decide_pg import SECRETS
from tests.benchmarks.measure import Arm, Samples, interleaved
from tests.benchmarks.programs import HERE, ROOT, told, variables
from tests.benchmarks.report import Report, Row
from tests.support.postgres_databases import empty_database
from tests.support.postgres_server import postgres_server

SDK = "sdk"
METHOD = """\
The bundle that `make package` builds, unpacked as the platform does; the clock runs from the \
program's first line to the end of the function's initializer: imports, settings (JSON), compiled \
policy, catalog and directory, and a connection to PostgreSQL with its schema checked. The SDK is \
the import of both products' clients. The zip and its layer hold no bytecode, which only \
the platform's Python could make: "as packaged" ignores all bytecode on both sides, \
as the first start of an instance does; "warm" has it. The Python is this one with its installed \
packages in place of the layer, without `rich` and `typer`, and with `PYDANTIC_DISABLE_PLUGINS`. \
Wall time."""


@dataclass(frozen=True, slots=True)
class Size:
    functions: tuple[str, ...] = tuple(sorted(function_names()))
    rounds: int = 2
    packaged_rounds: int = 1


SMOKE = Size(functions=("decide",), rounds=1)


def unpacked(folder: Path, /) -> Path:
    """The code as it lies in /code, with the mark of its layer."""
    package = _package()
    code = folder / "code"
    with zipfile.ZipFile(package.build_code(folder).path) as archive:
        archive.extractall(code)
    (code / MARK).write_text(package.layer_key())
    return code


def _package() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fc_package", ROOT / "infra" / "package.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fc_package"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def started(name: str, /, *options: str, code: Path, env: dict[str, str]) -> Arm:
    async def arm() -> float:
        program = str(HERE / "packaged_arm.py")
        return float(await told("-I", *options, program, str(code), name, env=env))

    return arm


async def sampled(size: Size, /) -> tuple[Samples, Samples]:
    """Without bytecode, and with it."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        postgres = stack.enter_context(postgres_server())
        given = SECRETS | {
            "KEYLEASE_CONFIG": str(prepared(folder)),
            "KEYLEASE_STORE": await stack.enter_async_context(empty_database(postgres)),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }
        code, env = await asyncio.to_thread(unpacked, folder), variables(**given)
        bare = ("-B", "-X", f"pycache_prefix={folder / 'no-bytecode'}")
        names = (*size.functions, SDK)
        warm = {name: started(name, code=code, env=env) for name in names}
        await interleaved(warm, rounds=1)  # makes bytecode and database
        packaged = {name: started(name, *bare, code=code, env=env) for name in names}
        return (
            await interleaved(packaged, rounds=size.packaged_rounds),
            await interleaved(warm, rounds=size.rounds),
        )


async def measure(size: Size = Size(), /) -> Report:  # frozen
    packaged, warm = await sampled(size)
    rows = tuple(row(packaged, warm, name=name) for name in size.functions)
    return Report("packaged", "Cold start of the packaged functions", METHOD, rows)


def row(packaged: Samples, warm: Samples, /, *, name: str) -> Row:
    first, later = (
        f"{samples.median(name) * 1e3:.0f} ms against {samples.median(SDK) * 1e3:.0f} ms"
        for samples in (packaged, warm)
    )
    ratios = packaged.ratio(name, to=SDK), warm.ratio(name, to=SDK)
    return Row(
        what=f"{name} against the official SDK",
        goal="none",
        measured="{:.2f}x as packaged, {:.2f}x warm".format(*ratios),
        is_met=None,
        against=f"as packaged {first}, warm {later}",
    )
