"""Build what Function Compute's python3.12 takes: one dependency layer, one bundle of all code.

    python infra/package.py [--settings FOLDER] [--into FOLDER]

It needs neither Docker nor Python 3.12. The layer is keyed by the digest of its lock, so it changes
when a dependency does; the code carries the same digest and refuses to run on another layer. Two
builds of the same tree give the same bytes: names are sorted, times fixed, byte-code left out.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keylease.hosts.fc.layer import MARK
from keylease.runtime.bundle import function_names

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "infra" / "lock" / "fc.txt"
INTO = ROOT / "dist" / "fc"
TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say."""
LEFT_OUT = ("keylease/cli/", "keylease/emulator/")
"""Of the wheel: what no function imports."""
SETTINGS = (".yaml", ".yml", ".json", ".crt")
"""What a folder of settings may hold; secrets come from the environment, never with the code."""
RUNTIME = ("--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_28")
ENTRY = '''"""The entrances of the built-in runtime; made by infra/package.py."""

from keylease.hosts.fc.builtin import Entry
from keylease.runtime.logging import configure_logging

configure_logging()
'''
ENTRANCES = """
_{name} = Entry("{name}", layer="{layer}")
{name} = _{name}.handler
{name}_initialize = _{name}.initialize
{name}_pre_stop = _{name}.pre_stop
"""


@dataclass(frozen=True, slots=True)
class Built:
    """One zip."""

    path: Path
    unpacked: int

    def __str__(self) -> str:
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        packed = self.path.stat().st_size
        return (
            f"{self.path.name}  {packed / 1024:.0f} KiB zipped  "
            f"{self.unpacked / 1024:.0f} KiB unpacked  sha256 {digest}"
        )


def layer_key(lock: Path = LOCK, /) -> str:
    """What the layer is called by."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:12]


def entry_module(layer: str, /) -> str:
    """`fc_entry.py`: three entrances for each function."""
    names = sorted(function_names())
    return ENTRY + "".join(ENTRANCES.format(name=name, layer=layer) for name in names)


def build_code(into: Path, /, *, settings: Path | None = None) -> Built:
    """The bundle: the library, every function, the entrances, and settings if given."""
    given = _settings_in(settings) if settings else {}
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "code"
        _unpack(_wheel(Path(folder)), into=staged)
        (staged / "fc_entry.py").write_text(entry_module(layer_key()))
        for name, content in given.items():
            place = staged / "settings" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return zipped(staged, into=into / "code.zip")


def build_layer(into: Path, /) -> Built:
    """The layer: locked dependencies for the runtime's Python, whatever this one is."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "python"
        uv = Path(sys.executable).parent / "uv"
        options = ("--require-hashes", "--only-binary", ":all:", "--target", target, *RUNTIME)
        subprocess.run(  # noqa: S603  # our own tool
            [uv, "pip", "install", "--quiet", *options, "-r", LOCK], check=True
        )
        shutil.rmtree(target / "bin", ignore_errors=True)
        (target / ".lock").unlink(missing_ok=True)
        (target / MARK).write_text(f"{layer_key()}\n")
        return zipped(Path(folder), into=into / f"layer-{layer_key()}.zip")


def zipped(folder: Path, /, *, into: Path) -> Built:
    """A folder as a zip that depends on names and contents only."""
    into.parent.mkdir(parents=True, exist_ok=True)
    unpacked = 0
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date_time=TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever this is
            entry.external_attr = 0o644 << 16
            content = path.read_bytes()
            unpacked += len(content)
            archive.writestr(entry, content)
    return Built(into, unpacked)


def _files(folder: Path) -> Iterable[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _wheel(folder: Path) -> Path:
    command = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    subprocess.run([sys.executable, "-m", "pip", *command], check=True)  # noqa: S603  # as above
    return next(folder.glob("keylease-*.whl"))


def _unpack(wheel: Path, *, into: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("keylease/") and not name.startswith(LEFT_OUT):
                archive.extract(name, into)


def _settings_in(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    for name, content in found.items():
        if not name.endswith(SETTINGS) or b"PRIVATE KEY" in content:
            kinds = "YAML, JSON or certificates (.crt)"
            msg = f"{folder / name}: settings are {kinds}; a secret never travels with the code"
            raise SystemExit(msg)
    return found


def main() -> None:
    """Build both, and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=Path, help="folder of keylease.yaml and its files")
    parser.add_argument("--into", type=Path, default=INTO)
    given = parser.parse_args()
    for built in (build_layer(given.into), build_code(given.into, settings=given.settings)):
        sys.stdout.write(f"{built}\n")


if __name__ == "__main__":
    main()
