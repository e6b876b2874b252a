"""What the README shows happens when somebody types it."""

from pathlib import Path

import pytest

from keylease.cli.app import run
from keylease.runtime.bundle import function_names
from tests.docs.pages import blocks_of
from tests.docs.test_blocks import commands
from tests.support.tree import ROOT

README = ROOT / "README.md"
FILES = {"rules": "policy.yaml", "targets": "catalog.yaml", "people": "directory.yaml"}


def test_the_first_policy_gives_the_answers_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = blocks_of(README)
    for first_word, name in FILES.items():
        (text,) = [block.text for block in blocks if block.text.startswith(f"{first_word}:")]
        (tmp_path / name).write_text(text)
    (typed,) = [block for block in blocks if "policy explain" in block.text]
    (shown,) = [block for block in blocks if block.language == "text"]
    monkeypatch.chdir(tmp_path)

    for words in commands(typed):
        run(words[1:])

    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line in shown.text.splitlines()] == shown.text.splitlines()


def test_the_picture_shows_every_function() -> None:
    (picture,) = [block for block in blocks_of(README) if block.language == "mermaid"]

    assert sorted(name for name in function_names() if name not in picture.text) == []
