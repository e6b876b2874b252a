"""The command line: exit codes, words, and never a traceback for somebody's mistake."""

import asyncio
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keylease import cli
from keylease.adapters.files.catalog import load_catalog
from keylease.adapters.files.directory import load_directory
from keylease.adapters.files.policy import load_policy
from keylease.cli.exits import Code, code_of
from keylease.domain.events import RequestCancelled
from keylease.domain.outcome import Outcome
from keylease.errors import (
    BadInput,
    Conflict,
    InvariantBroken,
    KeyleaseError,
    Misconfigured,
    NotGenuine,
    ProviderBusy,
    ProviderNotFound,
)
from keylease.runtime.settings import read_settings
from keylease.runtime.wiring import running
from tests.cli.running import Shell

COMMANDS = [
    ("serve",),
    ("demo",),
    ("emulator",),
    ("request",),
    ("approve",),
    ("deny",),
    ("release",),
    ("claim",),
    ("status",),
    ("rotate",),
    ("doctor",),
    ("schema",),
    ("policy",),
    ("policy", "check"),
    ("policy", "explain"),
    ("policy", "compile"),
    ("config", "check"),
    ("keys", "new"),
    ("parked", "list"),
    ("parked", "retry"),
    ("audit",),
    ("store", "copy"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(shell: Shell, command: tuple[str, ...]) -> None:
    said = shell.types(*command, "--help")

    assert said.code == 0
    assert said.out.startswith(f"Usage: keylease {' '.join(command)}")
    assert len(said.out.splitlines()) > 5


def test_all_commands_stand_in_the_help(shell: Shell) -> None:
    said = shell.types("--help")

    assert said.code == 0
    for command in COMMANDS:
        assert command[0] in said.out
    assert "Exit codes: 0 done" in said.out


def test_the_readme_names_every_command() -> None:
    text = (Path(cli.__file__).parent / "README.md").read_text(encoding="utf-8")

    for command in COMMANDS:
        assert f"`{' '.join(command)}`" in text or command == ("policy",)


def test_the_version_is_the_packages(shell: Shell) -> None:
    said = shell.types("--version")

    assert (said.code, said.out.split()[0]) == (0, "keylease")


USAGE = [
    (),
    ("dance",),
    ("request",),
    ("request", "orders-consumer", "--as", "ana", "--for", "soon", "--because", "x"),
    ("request", "rmq-demo", "--as", "ana", "--for", "1h", "--because", "x", "--topic", "orders"),
    ("request", "cache-demo", "--as", "ana", "--for", "1h", "--because", "x", "--cache", "admin"),
    ("parked", "retry"),
    ("parked", "retry", "1", "--all"),
    ("policy", "check", "nowhere.yaml", "--what"),
    ("serve", "--port", "99999"),
    ("doctor", "--config", "nowhere.yaml"),
    ("schema", "poem"),
    ("serve", "--log-level", "loud"),
    ("demo", "--logs", "nowhere/logs.json"),
    ("request", "orders-consumer", "--as", "a", "--for", "5m", "--because", "x", "--wait", "-1"),
]


def test_a_wrong_time_names_its_option(shell: Shell) -> None:
    said = shell.types("policy", "explain", "ana", "orders-consumer", "--for", "soon")

    assert said.err == "keylease: --for: 'soon' is no duration; write it like 8h, 90m or 1d12h\n"


@pytest.mark.parametrize("arguments", USAGE)
def test_wrong_usage_exits_with_2_and_a_hint(shell: Shell, arguments: tuple[str, ...]) -> None:
    said = shell.types(*arguments)

    assert said.code == 2
    assert "Traceback" not in said.out + said.err
    assert said.out + said.err


ERRORS: list[tuple[KeyleaseError, Code]] = [
    (BadInput("x"), Code.USAGE),
    (Misconfigured("x"), Code.USAGE),
    (NotGenuine("x"), Code.USAGE),
    (ProviderNotFound("p", "c"), Code.NOT_FOUND),
    (Conflict("x"), Code.CONFLICT),
    (ProviderBusy("p", "c"), Code.SYSTEM),
    (InvariantBroken("x"), Code.SYSTEM),
]


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_each_kind_of_error_has_its_exit_code(error: KeyleaseError, code: Code) -> None:
    assert code_of(error) is code


def test_a_fault_of_ours_shows_a_traceback_and_exits_with_5(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keylease.cli.keys.new_key", lambda: 1 // 0)

    said = shell.types("keys", "new")

    assert said.code == 5
    assert "please report it" in said.err
    assert "ZeroDivisionError" in said.err


def test_a_request_is_taken_and_its_repetition_is_the_same(shell: Shell) -> None:
    words = ("request", "orders-consumer", "--as", "ana", "--for", "5m", "--because", "INC-1")

    first = shell.types(*words, "--key", "k1", "--json")
    second = shell.types(*words, "--key", "k1", "--json")

    assert (first.code, second.code) == (0, 0)
    assert json.loads(first.out)["request_id"] == json.loads(second.out)["request_id"]


def test_permissions_can_be_asked_for_one_by_one(shell: Shell) -> None:
    said = shell.types(
        "request", "rmq-demo", "--topic", "orders=sub", "--group", "GID_orders", "--for", "5m",
        "--from", "10.0.0.0/8", "--as", "ana", "--because", "INC-1", "--json",
    )  # fmt: skip

    asked = json.loads(said.out)["request"]["asked"]
    assert said.code == 0
    assert [(one["resource"], one["name"], one["actions"]) for one in asked["permissions"]] == [
        ("topic", "orders", ["Sub"]),
        ("group", "GID_orders", ["Sub"]),
    ]
    assert asked["permissions"][0]["whitelist"] == ["10.0.0.0/8"]


def test_an_unknown_entitlement_names_those_that_there_are(shell: Shell) -> None:
    said = shell.types(
        "request", "orders-consumr", "--as", "ana", "--for", "5m", "--because", "INC-1"
    )

    assert said.code == 1
    assert "there is orders-consumer" in said.err


def test_a_stranger_is_refused(shell: Shell) -> None:
    said = shell.types(
        "request", "orders-consumer", "--as", "zoe", "--for", "5m", "--because", "INC-1"
    )

    assert said.code == 1
    assert "does not know you" in said.err


@pytest.mark.parametrize("command", ["approve", "deny", "release", "claim", "status"])
def test_what_is_not_there_exits_with_3(shell: Shell, command: str) -> None:
    said = shell.types(command, "req-nothing", "--as", "ana")

    assert said.code == 3
    assert "There is no request req-nothing of yours" in said.err


def test_ones_own_requests_are_listed(shell: Shell) -> None:
    nothing = shell.types("status", "--as", "ana")
    shell.types("request", "orders-consumer", "--as", "ana", "--for", "5m", "--because", "INC-1")

    one = shell.types("status", "--as", "ana")

    assert (nothing.code, one.code) == (0, 0)
    assert "nothing yet" in nothing.out
    assert "submitted" in one.out


def test_rotating_what_is_no_standing_account_exits_with_3(shell: Shell) -> None:
    said = shell.types("rotate", "cache-demo/svc_other", "--as", "bo")

    assert said.code == 3
    assert "there is cache-demo/svc_cache" in said.err


def test_rotating_before_the_first_start_says_what_to_do(shell: Shell) -> None:
    said = shell.types("rotate", "cache-demo/svc_cache", "--as", "bo")

    assert said.code == 3
    assert "run `keylease serve` once" in said.err


def test_a_new_key_fits_the_settings(shell: Shell) -> None:
    said = shell.types("keys", "new", "--out", "sealing.key")
    again = shell.types("keys", "new", "--out", "sealing.key")

    path = shell.folder / "sealing.key"
    assert said.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) == 45
    assert path.read_text().strip() not in said.out
    assert again.code == 2
    assert "name a file that is not there yet" in again.err


@pytest.mark.parametrize("kind", ["policy", "catalog", "directory", "cases", "webhook", "config"])
def test_every_schema_is_json(shell: Shell, kind: str) -> None:
    said = shell.types("schema", kind)

    assert said.code == 0
    assert json.loads(said.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_sound_policy_is_fine(shell: Shell) -> None:
    said = shell.types("policy", "check", "policy.yaml")

    assert said.code == 0
    assert said.out.endswith("4 rules, 0 cases: fine\n")


def test_compiled_files_say_what_the_yaml_says_and_need_no_yaml(shell: Shell) -> None:
    said = shell.types("policy", "compile", "out")

    out = shell.folder / "out"
    assert (said.code, said.out.split()) == (
        0,
        ["out/policy.json", "out/catalog.json", "out/directory.json"],
    )
    for load, name in ((load_catalog, "catalog"), (load_directory, "directory")):
        assert load(out / f"{name}.json") == load(shell.folder / f"{name}.yaml")
    rules, same = load_policy(out / "policy.json"), load_policy(shell.folder / "policy.yaml")
    assert rules.to_json() == same.to_json()


def test_what_has_a_mistake_is_not_compiled(shell: Shell) -> None:
    catalog = shell.folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("targets:", "target:", 1))

    said = shell.types("policy", "compile", "out")

    assert said.code == 2
    assert "did you mean targets?" in said.err
    assert not (shell.folder / "out").exists()


def test_a_mistake_in_a_policy_exits_with_1_and_names_the_place(shell: Shell) -> None:
    path = shell.folder / "policy.yaml"
    path.write_text(path.read_text().replace("max_duration: 1h", "max_duration: long"))

    said = shell.types("policy", "check", "policy.yaml")
    as_json = shell.types("policy", "check", "policy.yaml", "--json")

    assert (said.code, as_json.code) == (1, 1)
    assert "policy.yaml:18: rule payments-write" in said.err
    assert json.loads(as_json.out)["problems"][0]["line"] == 18


def test_a_decision_is_explained_offline(shell: Shell) -> None:
    yes = shell.types("policy", "explain", "ana", "orders-consumer", "--for", "5m")
    no = shell.types("policy", "explain", "ana", "payments-producer", "--json")
    mine = shell.types("policy", "explain", "ana")
    single = shell.types("policy", "explain", "ana", "rmq-demo", "--topic", "orders=Sub")

    assert (yes.code, no.code, mine.code) == (0, 1, 0)
    assert yes.out.startswith("answer: permit\nrule: orders-read (policy.yaml:3)\n")
    assert json.loads(no.out)["effect"] == "deny"
    assert [line.split(":")[0] for line in mine.out.splitlines()] == [
        "cache-reader",
        "orders-consumer",
    ]
    assert single.code == 1  # an hour is longer than the rule's ten minutes


def test_what_one_could_get_is_told_to_scripts_too(shell: Shell) -> None:
    said = shell.types("policy", "explain", "ana", "--json")

    cache, orders = json.loads(said.out)
    assert (cache["entitlement"], cache["terms"]["approvals"]) == ("cache-reader", 1)
    assert (orders["rule"]["name"], orders["terms"]["max_duration"]) == ("orders-read", "PT10M")


def test_a_stranger_could_get_nothing(shell: Shell) -> None:
    assert shell.types("policy", "explain", "zoe").code == 3


def test_sound_settings_are_fine(shell: Shell) -> None:
    said = shell.types("config", "check")

    assert said.code == 0
    assert "0 errors" in said.out


def test_a_missing_secret_is_found_before_the_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEMO_SEALING_KEY")

    said = shell.types("config", "check", "--json")

    found = json.loads(said.out)
    assert said.code == 2
    (error,) = found["errors"]
    assert error.startswith("sealing.keys.demo: environment variable DEMO_SEALING_KEY is not set")


def test_a_malformed_key_is_found_before_the_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_SEALING_KEY", "short")

    said = shell.types("config", "check")

    assert said.code == 2
    assert "is not 32 bytes in base64" in said.err


MALFORMED = [
    ("DEMO_SLACK_SIGNING_SECRET", "short", "slack.demo: a signing secret is too short"),
    ("DEMO_TICKETS_SECRET", "whsec_MDEy", "webhook.tickets: a webhook secret is shorter than"),
    ("DEMO_BILLING_TOKEN", "short", "events.producers.billing: a token is too short"),
    ("DEMO_SINK_SECRET", "short", "sinks.events: a secret is whsec_ and base64"),
]


@pytest.mark.parametrize(("variable", "text", "words"), MALFORMED)
def test_a_malformed_secret_is_found_before_the_start_and_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, text: str, words: str
) -> None:
    monkeypatch.setenv(variable, text)

    said = shell.types("config", "check")

    assert said.code == 2
    assert words in said.err


def test_operators_whom_nobody_reaches_are_found_before_the_start(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYLEASE_OPERATORS", '["slack:#ops", "slack:T0ELSE/#ops", "mail:ops"]')

    said = shell.types("config", "check")

    assert said.code == 0
    assert "slack:#ops reaches" not in said.out
    assert "operators: slack:T0ELSE/#ops reaches no workspace that has a bot_token" in said.out
    assert "operators: mail:ops reaches no workspace" in said.out


def test_nothing_is_parked_at_first(shell: Shell) -> None:
    assert shell.types("parked", "list").out == "nothing is parked\n"
    assert shell.types("parked", "list", "--json").out == "[]\n"
    assert shell.types("parked", "retry", "--all").code == 0
    assert shell.types("parked", "retry", "7").code == 3


def test_a_parked_event_is_listed_and_sent_on_its_way_again(shell: Shell) -> None:
    with asyncio.Runner() as runner:
        runner.run(park_one(shell))

    (listed,) = json.loads(shell.types("parked", "list", "--json").out)
    shown = shell.types("parked", "list")
    again = shell.types("parked", "retry", str(listed["number"]))

    assert (listed["destination"], listed["reason"]) == ("sink:events", "http_410")
    assert "http_410" in shown.out
    assert (again.code, again.out) == (0, "1 on the way again\n")
    assert shell.types("parked", "list").out == "nothing is parked\n"


async def park_one(shell: Shell) -> None:
    """As the relay does with an event that its receiver will never take."""
    async with running(read_settings(shell.folder / "keylease.yaml"), functions=()) as keylease:
        event = RequestCancelled(request_id="req-1")
        await keylease.process.commits.commit(Outcome(events=(event,)))
        store, now = keylease.store, keylease.clock.now()
        for parcel in await store.parcels(before=now, limit=9):
            if parcel.outgoing.destination == "sink:events":
                await store.park(parcel, reason="http_410", at=now)


def test_a_cloud_that_does_not_answer_is_a_problem_and_no_traceback(shell: Shell) -> None:
    said = shell.types("doctor", "--json")

    found = json.loads(said.out)
    problems = {one["check"] for one in found["findings"] if one["level"] == "problem"}
    assert said.code == 1
    assert {"rmq-demo: clock", "rmq-demo: reachable", "cache-demo: reachable"} <= problems
    assert "Traceback" not in said.err


def test_without_its_libraries_it_says_how_to_install_them() -> None:
    program = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import importlib.util\n"
        "from keylease.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == (
        "keylease: the command line needs two more packages; run: pip install 'keylease[cli]'\n"
    )
