"""Every example in the pages is loaded, parsed or run."""

import ast
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from keylease.adapters.files.catalog import load_catalog
from keylease.adapters.files.check import check_policy
from keylease.adapters.files.directory import load_directory
from keylease.adapters.files.policy import load_policy
from keylease.cli.app import app
from keylease.runtime.settings import Settings, read_settings
from tests.docs.pages import DOCS, Block, blocks, blocks_of, pages
from tests.support.tree import ROOT

LANGUAGES = {"", "text", "mermaid", "yaml", "sh", "py", "python", "json"}
SLACK_SCOPES = {"commands", "chat:write", "im:write", "app_mentions:read"}
TOOLS = {"make", "keylease", "sqlite3", "chmod", "curl", "git", ".venv/bin/keylease"}


def ids(found: list[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", found, ids=[str(block) for block in found])


def is_settings(path: Path) -> Settings:
    return read_settings(path, variables={})


def is_manifest(path: Path) -> object:
    """Slack's own form of an app; every call of it comes to one address."""
    manifest = yaml.safe_load(path.read_text())
    features, settings = manifest["features"], manifest["settings"]
    given = set(manifest["oauth_config"]["scopes"]["bot"])
    urls = {
        *(command["url"] for command in features["slash_commands"]),
        settings["interactivity"]["request_url"],
        settings["event_subscriptions"]["request_url"],
    }
    assert given == SLACK_SCOPES
    assert urls == {"https://keylease.example.com/hooks/slack/acme"}
    assert settings["event_subscriptions"]["bot_events"] == ["app_mention"]
    assert [command["command"] for command in features["slash_commands"]] == ["/access"]
    return manifest


def reader_of(keys: set[str]) -> Callable[[Path], object]:
    """Which file a block of YAML is, by its first words."""
    known: tuple[tuple[set[str], Callable[[Path], object]], ...] = (
        ({"rules"}, load_policy),
        ({"targets", "entitlements", "standing"}, load_catalog),
        ({"people", "workloads"}, load_directory),
        ({"cases"}, Path.read_text),  # test_the_policy_page_holds_its_cases asks them
        ({"display_information", "features", "oauth_config", "settings"}, is_manifest),
        (set(Settings.model_fields), is_settings),
    )
    for names, reader in known:
        if keys and keys <= names:
            return reader
    msg = f"no file of ours has {sorted(keys)}"
    raise AssertionError(msg)


def test_every_block_says_what_it_is() -> None:
    found = [block for page in pages() for block in blocks_of(page)]

    assert len(found) > 20
    assert sorted(str(block) for block in found if block.language not in LANGUAGES) == []


@ids(blocks("yaml"))
def test_yaml_is_a_file_that_loads(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "block.yaml"
    path.write_text(block.text)

    assert reader_of(set(yaml.safe_load(block.text)))(path)


@ids(blocks("json"))
def test_json_is_json(block: Block) -> None:
    assert isinstance(json.loads(block.text), dict)


@ids(blocks("py", "python"))
def test_python_compiles_and_its_imports_exist(block: Block) -> None:
    compile(block.text, str(block), "exec")
    body = ast.parse(block.text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    found: dict[str, object] = {}

    exec(compile(ast.Module(list(imports), []), str(block), "exec"), found)  # noqa: S102  # ours

    wanted = {name.asname or name.name.split(".")[0] for one in imports for name in one.names}
    assert wanted <= found.keys()


def test_the_policy_page_holds_its_cases(tmp_path: Path) -> None:
    found = {block.text.partition(":")[0]: block.text for block in blocks_of(DOCS / "policy.md")}
    (tmp_path / "policy.yaml").write_text(found["rules"])
    (tmp_path / "policy.cases.yaml").write_text(found["cases"])
    for name in ("catalog.yaml", "directory.yaml"):
        shutil.copy(ROOT / "infra" / "policies" / name, tmp_path)

    checked = check_policy(tmp_path)

    assert list(map(str, checked.problems)) == []
    assert (checked.rules, checked.cases) == (5, 6)


def commands(block: Block) -> list[list[str]]:
    lines = (line.removeprefix("$ ") for line in block.text.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@ids(blocks("sh"))
def test_commands_exist_with_their_options(block: Block) -> None:
    for words in commands(block):
        while re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        assert words[0] in TOOLS, f"{block}: {words[0]}"
        if words[0] == "make":
            made = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert set(words[1:]) <= set(made)
        if words[0].endswith("keylease"):
            understood(words[1:])


def understood(words: list[str]) -> None:
    """Let the command line parse it, without running it."""
    command: Any = get_command(app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, list(words))
