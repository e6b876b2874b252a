"""Running a command in this process, as its entry does."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from keylease.cli.app import run
from keylease.cli.demo_stage import made_secrets, write_files


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder with a configured system, and what is typed there."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def types(self, *arguments: str) -> Said:
        code = run(arguments)
        out, err = self.capture.readouterr()
        return Said(int(code), out, err)


def configured(folder: Path, patch: pytest.MonkeyPatch, /) -> None:
    """Files and variables of a system whose cloud nobody can reach."""
    write_files(folder)
    nowhere = "http://127.0.0.1:9"
    variables = made_secrets() | {
        "KEYLEASE_CONFIG": str(folder / "keylease.yaml"),
        "KEYLEASE_SINKS__EVENTS__URL": f"{nowhere}/events",
        "KEYLEASE_ALIBABA__ENDPOINTS": f'{{"rocketmq": "{nowhere}", "r-kvstore": "{nowhere}"}}',
        "KEYLEASE_SLACK__DEMO__UNSAFE_API_URL": f"{nowhere}/api",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    for name, text in variables.items():
        patch.setenv(name, text)
    patch.chdir(folder)
