"""The check of s.yaml passes on ours, and finds each kind of mistake."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from infra import fc_ranges
from infra.check_fc import problems
from infra.fc_queues import wanted
from tests.support.tree import ROOT

INFRA = ROOT / "infra"
S, EVENTS, QUEUES = "s.yaml", "terraform/events.json", "terraform/queues.tf"

MISTAKES = [
    # Names that nobody knows.
    (S, "    diskSize: 512", "    diskSiz: 512", "intake.diskSiz: CreateFunctionInput does"),
    (S, "preStop: {handler", "prestop: {handler", "intake.instanceLifecycleConfig.prestop: Create"),
    (S, "reservedConcurrency: 20", "reserved: 20", "concurrencyConfig.reserved: PutConcurrency"),
    (S, "maxAsyncRetryAttempts: 3", "retries: 3", "asyncInvokeConfig.retries: PutAsyncInvoke"),
    (S, "triggerName: http", "name: http", "intake.triggers.None.name: CreateTriggerInput does"),
    (S, "disableURLInternet", "disableUrlInternet", "disableUrlInternet: HTTPTriggerConfig does"),
    (S, "cronExpression", "cron", "sweep.triggers.minute.cron: TimerTriggerConfig does"),
    (S, "TimeBasedWindow: 1}", "Seconds: 1}", "batchWindow.Seconds: EventBridgeTriggerConfig does"),
    (S, "certName:", "name:", "domain.certConfig.name: CreateCustomDomainInput does not know it"),
    # Values of another type.
    (S, "internetAccess: true", 'internetAccess: "yes"', "internet_access: 'yes' is no bool"),
    (S, "triggerEnable: true", "triggerEnable: 1", "trigger_enable: 1 is no bool"),
    (S, "cpu: 0.25", 'cpu: "0.25"', "decide.cpu: '0.25' is no float"),
    # Values out of range.
    (S, "memorySize: 512", "memorySize: 500", "memorySize: 500 is not 128 to 32768 in steps of 64"),
    (S, "memorySize: 512", "memorySize: 64", "memorySize: 64 is not 128 to 32768 in steps of 64"),
    (S, "cpu: 0.25", "cpu: 0.33", "decide.cpu: 0.33 is not 0.05 to 16 in steps of 0.05"),
    (S, "cpu: 0.25", "cpu: 1", "decide.cpu: 1 is 1:0.5 to the GB of memory, not 1:1 to 1:4"),
    (S, "cpu: 0.25", "cpu: 0.1", "decide.cpu: 0.1 is 1:5 to the GB of memory, not 1:1 to 1:4"),
    (S, "diskSize: 512", "diskSize: 1024", "diskSize: 1024 is not one of 512, 10240"),
    (S, "timeout: 10 #", "timeout: 0 #", "intake.timeout: 0 is not 1 to 86400 in steps of 1"),
    (S, "timeout: 60 #", "timeout: 120 #", "decide.timeout: is longer than its queue waits"),
    (S, "instanceConcurrency: 1", "instanceConcurrency: 20", "20 is not one of 1"),
    (S, "runtime: python3.12", "runtime: python3.11", "'python3.11' is not one of python3.12"),
    (S, "timeout: 30}", "timeout: 301}", "initializer.timeout: 301 is not 1 to 300 in steps of 1"),
    (S, "reservedConcurrency: 20", "reservedConcurrency: 0", "reservedConcurrency: 0 is not 1"),
    (S, "reservedConcurrency: 20", "reservedConcurrency: 290", "more than 300 of a region"),
    (S, "maxAsyncRetryAttempts: 3", "maxAsyncRetryAttempts: 9", "9 is not 0 to 8 in steps of 1"),
    (S, "InSeconds: 86400", "InSeconds: 604801", "604801 is not 1 to 604800 in steps of 1"),
    (S, "dead-letters/messages", "dead_letters/messages", "is no queue's ARN"),
    (S, "{vars.name}-intake\n", "{vars.name}.intake\n", "'keylease.intake' starts with no digit"),
    (S, "-intake\n", "-" + "i" * 56 + "\n", "letters, digits, _ and - only; at most 64"),
    (S, "triggerName: http", "triggerName: 1st", "'1st' starts with no digit and no dash"),
    (S, "authType: anonymous", "authType: none", "authType: 'none' is not one of anonymous, func"),
    (S, "[GET, POST, OPTIONS]", "[GET, TRACE]", "methods[1]: 'TRACE' is not one of DELETE"),
    (S, "@every 1m", "@every 30s", "sweep.triggers.minute.cronExpression: '@every 30s' is neither"),
    (S, "@every 1m", "* * * * *", "cronExpression: '* * * * *' is neither six fields of cron"),
    (S, "@every 1m", "0 60 * * * *", "cronExpression: '0 60 * * * *' is neither six fields"),
    (S, "errorsTolerance: ALL", "errorsTolerance: NONE", "errorsTolerance: 'NONE' is not one of"),
    (S, "CountBasedWindow: 20", "CountBasedWindow: 0", "0 is not 1 to 10000 in steps of 1"),
    (S, "TimeBasedWindow: 1}", "TimeBasedWindow: 16}", "16 is not 0 to 15 in steps of 1"),
    (S, "BACKOFF_RETRY", "RETRY", "'RETRY' is not one of BACKOFF_RETRY, EXPONENTIAL_DECAY_RETRY"),
    (S, "mode: event-streaming", "mode: streaming", "'streaming' is not one of event-streaming"),
    (S, "    asyncInvocationType: true\n", "", "asyncInvocationType: say it"),
    (S, "protocol: HTTPS", "protocol: HTTP", "domain.protocol: 'HTTP' is not one of HTTPS"),
    (S, "minVersion: TLSv1.2", "minVersion: TLSv1.0", "'TLSv1.0' is not one of TLSv1.2, TLSv1.3"),
    # Environment variables.
    (S, "PYTHONPATH: /code", f"PYTHONPATH: /{'c' * 4000}", "bytes, more than 4096"),
    (S, "PYTHONPATH:", "FC_PATH:", "FC_PATH: is the platform's own"),
    (S, "PYTHONPATH: /code", "PYTHONPATH: /cöde", "is not a text of printable ASCII"),
    (S, 'POSTGRES__POOL: "2"', "POSTGRES__POOL: 2", "POOL: 2 is not a text of printable ASCII"),
    (S, 'POSTGRES__POOL: "2"', 'POSTGRES__POOL: "0"', "KEYLEASE_POSTGRES__POOL: Input should"),
    (S, "POSTGRES__POOL", "POSTGRES__POOLS", "KEYLEASE_POSTGRES__POOLS: Extra inputs are not"),
    (S, "KEYLEASE_STORE:", "KEYLEASE_STOR:", "KEYLEASE_STOR: there is no such setting"),
    (S, "CREDENTIALS__KIND: fc", "CREDENTIALS__KIND: role", "ALIBABA__CREDENTIALS"),
    # References.
    (S, "${vars.region}", "${vars.zone}", "s.yaml: ${vars.zone}: means nothing"),
    (S, "env('KEYLEASE_VPC')", "env('KEYLEASE_NET')", "KEYLEASE_NET: has no stand-in"),
    ("terraform/outputs.tf", "KEYLEASE_VPC ", "VPC ", "environment has no KEYLEASE_VPC"),
    # What fits the code.
    (S, "fc_entry.decide\n", "fc_entry.decided\n", "the bundle has no fc_entry.decided"),
    (S, "fc_entry.decide\n", "fc_entry.decided\n", "s.yaml: functions/decide has no entry"),
    (S, "fc_entry.decide\n", "decide.handler\n", "there is no functions/decide.handler"),
    (S, "fc_entry.decide_init", "fc_entry.notify_init", "'fc_entry.notify_initialize' is not fc_"),
    (S, "fc_entry.decide_pre", "fc_entry.pre", "preStop: 'fc_entry.pre_stop' is not fc_entry.dec"),
    (S, "{vars.name}-decide\n", "{vars.name}-intake\n", "s.yaml: keylease-intake: is there twice"),
    (S, "triggerType: timer", "triggerType: oss", "triggerType: 'oss' is not one of http, timer"),
    (S, "triggerType: timer", "triggerType: oss", "s.yaml: sweep: has no timer trigger"),
    (S, "triggerType: http", "triggerType: oss", "s.yaml: intake: has no http trigger"),
    (S, "methods: [POST]}", "methods: [PUT]}", "keylease-intake has no HTTP trigger for PUT"),
    (S, "resources.claim.props", "resources.decide.props", "has no HTTP trigger for GET, POST"),
    # What fits Terraform: queues, and who is told what.
    (S, '-decide", IsB', '-notify", IsB', "decide.triggers: none reads the queue decide"),
    (S, '-decide", IsB', '-notify", IsB', "notify is no queue of this function"),
    (S, "      deadLetterQueue:", "      # letters:", "requests that fail are lost"),
    (EVENTS, "request.submitted", "request.asked", "decide consumes io.keylease.request.submitted"),
    (EVENTS, "request.submitted", "review.given", "decide takes no io.keylease.review.given.v1"),
    (EVENTS, '"sweep"', '"release"', "release takes no io.keylease.outbox.waiting.v1"),
    (EVENTS, '"sweep"', '"release"', "sweep.triggers: sweep is no queue of this function"),
    (QUEUES, '-${each.key}"', '-to-${each.key}"', "triggers: Terraform makes no queue decide"),
    (QUEUES, '"${var.name}-requests"', '"${var.name}-asked"', "Terraform makes no queue requests"),
]  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copyfile(INFRA / S, tmp_path / S)
    shutil.copytree(INFRA / "terraform", tmp_path / "terraform")
    return tmp_path


def test_ours_is_sound() -> None:
    assert list(problems(INFRA)) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[2]} {mistake[3]}"[:60])
def test_a_mistake_is_found(copied: Path, mistake: tuple[str, str, str, str]) -> None:
    name, right, wrong, said = mistake
    path = copied / name
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))

    assert said in "\n".join(problems(copied))


def test_a_file_that_is_no_yaml_is_a_mistake(copied: Path) -> None:
    (copied / S).write_text("resources: [")

    assert len(list(problems(copied))) == 1


def test_what_carries_somebodys_word_is_told_nobody() -> None:
    told = wanted()

    assert sorted(told) == ["converge", "decide", "notify", "sweep"]
    assert told["sweep"] == ["io.keylease.outbox.waiting.v1"]


def test_what_answers_http_has_no_right_on_a_target() -> None:
    resources: Mapping[str, dict[str, dict[str, str]]]
    resources = yaml.safe_load((INFRA / S).read_text())["resources"]
    roles = {name: one["props"].get("role") for name, one in resources.items() if name != "domain"}
    text = (INFRA / "terraform" / "roles.tf").read_text()
    entrances = text.partition('"alicloud_ram_policy" "entrances"')[2].partition("}\n\nresource")[0]

    assert {name for name, role in roles.items() if "ENTRANCE" in str(role)} == {"intake", "claim"}
    assert "Statement = concat(local.network, local.said)" in entrances


@pytest.mark.parametrize("text", ["@every 5m", "0 * * * * *", "0 0/5 8-20 * * 1,3", "0 0 4 ? * 7"])
def test_a_cron_that_the_platform_takes_is_taken(text: str) -> None:
    assert fc_ranges.cron(text) == ""
