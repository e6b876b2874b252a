"""A shell in a configured folder."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.running import Shell, configured


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    configured(tmp_path, monkeypatch)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield Shell(folder=tmp_path, capture=capsys)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
