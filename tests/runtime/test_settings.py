"""Settings: where they come from, what a mistake says, and that no secret shows."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keylease import runtime
from keylease.errors import Misconfigured
from keylease.runtime.sections import FromAssumedRole, WebhookSink
from keylease.runtime.settings import Settings, read_settings

CANARY = "canary-5e1f-secret"
SLACK = "slack:\n  acme:\n    team_id: T1\n    signing_secret: {env: SIGNING}\n"


def read(folder: Path, text: str, **variables: str) -> Settings:
    path = folder / "keylease.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, variables=variables)


def problem(folder: Path, text: str, **variables: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        read(folder, text, **variables)
    return str(caught.value)


def secret_file(folder: Path, *, mode: int) -> Path:
    path = folder / "secret"
    path.write_text(f"{CANARY}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def test_an_empty_setup_serves_this_machine_only(tmp_path: Path) -> None:
    settings = read(tmp_path, "port: 8080\n")

    assert settings.host == "127.0.0.1"
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.store_path == tmp_path / "keylease.db"
    assert settings.policy == tmp_path / "policy.yaml"
    assert settings.claim_by == timedelta(minutes=15)


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    settings = read(tmp_path, "policy: rules\nstore: sqlite:///var/k.db\n")

    assert settings.policy == tmp_path / "rules"
    assert settings.store_path == tmp_path / "var" / "k.db"


def test_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "keylease.json"
    path.write_text('{"claim_by": "5m"}', encoding="utf-8")

    assert read_settings(path, variables={}).claim_by == timedelta(minutes=5)


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    settings = read(tmp_path, SLACK, SIGNING=CANARY)

    assert settings.slack["acme"].signing_secret.secret().reveal() == CANARY


def test_a_secret_comes_from_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    secret_file(tmp_path, mode=0o600)

    settings = read(tmp_path, SLACK.replace("{env: SIGNING}", "{file: secret}"))

    assert settings.slack["acme"].signing_secret.secret().reveal() == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    secret_file(tmp_path, mode=mode)
    settings = read(tmp_path, SLACK.replace("{env: SIGNING}", "{file: secret}"))

    with pytest.raises(Misconfigured, match="chmod 600"):
        settings.slack["acme"].signing_secret.secret()


def test_a_missing_secret_is_an_error_when_it_is_needed_and_not_before(tmp_path: Path) -> None:
    settings = read(tmp_path, SLACK)

    with pytest.raises(Misconfigured, match="environment variable SIGNING is not set"):
        settings.slack["acme"].signing_secret.secret()


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = problem(tmp_path, SLACK.replace("{env: SIGNING}", CANARY))

    assert "a secret does not stand in this file; write {env: NAME} or {file: PATH}" in said
    assert CANARY not in said


def test_settings_show_no_secret(tmp_path: Path) -> None:
    settings = read(tmp_path, SLACK, SIGNING=CANARY)

    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert CANARY not in shown


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        f"port: 1\n{SLACK}",
        SIGNING="one",
        KEYLEASE_PORT="9000",
        KEYLEASE_SLACK__ACME__BOT_TOKEN="xoxb-1",
        KEYLEASE_OPERATORS='["slack:#ops"]',
    )

    assert settings.port == 9000
    assert settings.operators == ("slack:#ops",)
    token = settings.slack["acme"].bot_token
    assert token is not None
    assert token.secret().reveal() == "xoxb-1"


def test_a_variable_reaches_a_name_with_hyphens(tmp_path: Path) -> None:
    text = SLACK.replace("acme", "acme-eu")

    settings = read(tmp_path, text, SIGNING="one", KEYLEASE_SLACK__ACME_EU__API_APP_ID="A1")

    assert settings.slack["acme-eu"].api_app_id == "A1"


def test_other_variables_with_the_prefix_are_left_alone(tmp_path: Path) -> None:
    assert read(tmp_path, "port: 1\n", KEYLEASE_AS="ana", KEYLEASE_LONG="1").port == 1


MISTAKES = [
    ("port: 1\nprot: 2\n", ":2: prot: there is no such setting"),
    ("port: 99999\n", ":1: port: Input should be less than or equal to 65535"),
    ("port: 1\nclaim_by: soon\n", ":2: claim_by: 'soon' is no duration"),
    ("store: postgres://x\n", ":1: store: write sqlite:///PATH or postgresql://USER@HOST/DATABASE"),
    ("store: 'sqlite:///'\n", ":1: store: write sqlite:///PATH or postgresql://USER@HOST/DATABASE"),
    ("store: postgresql://k@localhost/\n", ":1: store: names no database; write sqlite:///"),
    ("store: postgresql://k@localhost/k?ssl=1\n", ":1: store: there is no option 'ssl'; there"),
    ("store: postgresql://k@db.internal/k\n", ":1: store: say sslmode=verify-full with sslroot"),
    ("store: postgresql://k@localhost/k?sslmode=prefer\n", ":1: store: say sslmode=verify-full"),
    ("postgres: {pool: 0}\n", ":1: postgres.pool: Input should be greater than or equal to 1"),
    ("postgres: {password: x}\n", ":1: postgres.password: a secret does not stand in this file"),
    ("public_url: http://keylease.example.com\n", ":1: public_url: http goes to this machine only"),
    ("public_url: keylease.example.com\n", ":1: public_url: not a URL"),
    (SLACK.replace("    team_id: T1\n", ""), ":2: slack.acme: give team_id or enterprise_id"),
    ("webhook:\n  t:\n    subject: x\n", ":2: webhook.t: give secrets or public_keys"),
    ("sinks:\n  s: {kind: smoke}\n", ":2: sinks.s: Input tag 'smoke'"),
    ("sealing:\n  current: a\n  keys:\n    b: {env: K}\n", ":1: sealing: key 'a' is not under"),
    ("port: 1\nport: 2\n", ":2: port is written twice"),
    ("time_zone: Mars/X\n", ":1: time_zone: no time zone 'Mars/X'; use a name such as"),
    ("operators: '#ops'\n", ':1: operators: write a list, such as ["slack:#keylease-ops"]'),
    ("operators: ['#ops']\n", ":1: operators.0: '#ops' is nowhere to tell; write it like slack:"),
    ("public_url: https://u:p@k.example.com\n", ":1: public_url: a user or a password does not"),
    (
        "sinks:\n  s: {kind: webhook, url: 'https://e.example.com:8443/', secret: {env: K}}\n",
        ":2: sinks.s.webhook: url: events are sent to port 443 only",
    ),
    (
        "sinks:\n  s: {kind: webhook, url: 'https://10.0.0.1/', secret: {env: K}}\n",
        ":2: sinks.s.webhook: url: events are not sent to private addresses",
    ),
    ("- 1\n", "write settings as `name: value` lines"),
    ("alibaba: {credentials: {kind: magic}}\n", ":1: alibaba.credentials: Input tag 'magic'"),
]


@pytest.mark.parametrize(
    "store",
    [
        f"postgresql://keylease:{CANARY}@localhost/keylease",
        f"postgresql://keylease@localhost/keylease?password={CANARY}",
    ],
)
def test_a_password_does_not_stand_in_an_address(tmp_path: Path, store: str) -> None:
    found = problem(tmp_path, f"store: {store}\n")

    assert "store: a password does not stand here; put it into postgres.password or PG" in found
    assert CANARY not in found


@pytest.mark.parametrize(
    "store",
    [
        "postgresql://keylease@localhost:5432/keylease",
        "postgresql://keylease@/keylease?host=/run/postgresql",
        "postgresql://keylease@db.internal/keylease?sslmode=disable",
        "postgresql://keylease@db.internal/keylease?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://keylease@one:5432,two:5433/keylease?sslmode=require",
    ],
)
def test_a_store_may_be_in_postgresql(tmp_path: Path, store: str) -> None:
    assert read(tmp_path, f"store: {store}\n").store == store


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_names_file_line_field_and_next_step(
    tmp_path: Path, text: str, said: str
) -> None:
    found = problem(tmp_path, text)

    assert found.startswith(str(tmp_path / "keylease.yaml"))
    assert said in found


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = problem(tmp_path, "port: 99999\nclaim_by: soon\nprot: 2\n")

    assert len(found.splitlines()) == 3


def test_a_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=re.escape("--config or KEYLEASE_CONFIG")):
        read_settings(tmp_path / "nothing.yaml", variables={})


def test_the_file_is_found_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("port: 7\n", encoding="utf-8")

    settings = read_settings(variables={"KEYLEASE_CONFIG": str(tmp_path / "other.yaml")})

    assert settings.port == 7


CREDENTIALS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "static", "access_key_id": "a", "access_key_secret": {"env": "K"}}, "FromStatic"),
    ({"kind": "environment"}, "FromEnvironmentKey"),
    ({"kind": "uri", "uri": "http://127.0.0.1/x"}, "FromUri"),
    ({"kind": "ecs", "role": "r"}, "FromEcs"),
    ({"kind": "fc"}, "FromFunctionCompute"),
    ({"kind": "default"}, "FromChain"),
    ({"kind": "oidc", "role_arn": "r", "provider_arn": "p", "token_file": "f"}, "FromOidc"),
    ({"kind": "assume_role", "role_arn": "r"}, "FromAssumedRole"),
]


@pytest.mark.parametrize(("given", "kind"), CREDENTIALS)
def test_every_source_of_cloud_credentials_can_be_named(
    tmp_path: Path, given: dict[str, Any], kind: str
) -> None:
    path = tmp_path / "keylease.json"
    path.write_text(json.dumps({"alibaba": {"credentials": given}}), encoding="utf-8")

    credentials = read_settings(path, variables={}).alibaba.credentials

    assert type(credentials).__name__ == kind


def test_an_assumed_role_signs_with_the_default_chain_unless_told(tmp_path: Path) -> None:
    text = "alibaba: {credentials: {kind: assume_role, role_arn: r}}\n"

    credentials = read(tmp_path, text).alibaba.credentials

    assert isinstance(credentials, FromAssumedRole)
    assert credentials.source.kind == "default"


def test_the_documented_file_is_read_and_names_every_setting(tmp_path: Path) -> None:
    """The example in the README beside the module."""
    text = (Path(runtime.__file__).parent / "README.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]

    settings = read(tmp_path, example)

    assert settings.model_fields_set == set(Settings.model_fields)


def test_a_sink_goes_by_https_or_to_this_machine(tmp_path: Path) -> None:
    text = "sinks:\n  s: {kind: webhook, url: 'http://127.0.0.1:9/x', secret: {env: K}}\n"

    sink = read(tmp_path, text).sinks["s"]

    assert isinstance(sink, WebhookSink)
    assert "use https" in problem(tmp_path, text.replace("127.0.0.1", "example.com"))
