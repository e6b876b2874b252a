"""What the shell is taught: it completes commands, options and choices by asking keylease."""

import subprocess
import sys

import pytest

from keylease.runtime.settings import environment

START = "from keylease.cli.main import main; main()"


def completed(words: str) -> list[str]:
    """As the shell asks after a press of the tab key behind the last word."""
    variables = {
        "_KEYLEASE_COMPLETE": "complete_bash",
        "COMP_WORDS": f"keylease {words}",
        "COMP_CWORD": str(len(f"keylease {words}".split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", START],
        env={**environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("audit --", "--since"),
        ("re", ["request", "release"]),
        ("policy ", ["check", "explain", "compile"]),
        ("policy explain --", "--for"),
        ("schema c", ["catalog", "cases", "config"]),
        ("serve --log-level w", ["warning"]),
    ],
)
def test_a_tab_offers_what_may_come_next(words: str, offered: list[str] | str) -> None:
    found = completed(words)

    assert offered in found if isinstance(offered, str) else offered == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_how_to_ask(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, "--show-completion", shell],
        env={**environment(), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "_KEYLEASE_COMPLETE" in done.stdout
    assert f"complete_{shell}" in done.stdout
