"""Every benchmark runs, in a tiny size, and its arms give the same answers; times prove nothing."""

import pytest

from tests.benchmarks import (
    acknowledgement,
    cold_start,
    commits,
    decide_pg,
    decisions,
    due,
    fc_invocation,
    lease,
    leases_on_postgres,
    packaged,
    readme,
    signed_calls,
    worker,
)
from tests.benchmarks.measure import Samples, interleaved
from tests.benchmarks.report import Report, Row, at_most
from tests.benchmarks.rules import cases, our_question, rules


async def test_commits_leave_the_same_rows_on_both_sides() -> None:
    report = await commits.measure(commits.SMOKE)

    assert [row.what for row in report.rows] == ["commits per second"]


async def test_what_is_due_is_found_in_every_size() -> None:
    report = await due.measure(due.SMOKE)

    assert [row.what for row in report.rows] == ["100 due among 2,000, against 200"]


async def test_every_function_becomes_ready_in_a_fresh_process() -> None:
    report = await cold_start.measure(cold_start.SMOKE)

    assert [row.what for row in report.rows] == [
        "intake against bare imports",
        "decide against bare imports",
        "converge against bare imports",
        "decide against the official SDK",
        "converge with its HTTP session against bare imports",
    ]


async def test_a_packaged_function_becomes_ready_with_and_without_bytecode() -> None:
    as_packaged, warm = await packaged.sampled(packaged.SMOKE)

    assert set(as_packaged.of) == set(warm.of) == {"decide", "sdk"}
    assert as_packaged.of["sdk"][0] > warm.of["sdk"][0]


async def test_every_client_reads_the_same_answer() -> None:
    answers, samples = await signed_calls.sampled(signed_calls.SMOKE)

    assert set(answers) == {"ours", "bare", "sdk", "ours tls", "bare tls", "sdk tls"}
    assert set(answers.values()) == {"NORMAL"}
    assert {len(times) for times in samples.of.values()} == {1}


async def test_the_sdk_makes_the_account_that_the_broker_makes() -> None:
    async with lease.sides() as both:
        ours = await both.official.rows(await both.ours())
        calls = list(both.actions)
        theirs = await both.official.rows(await both.theirs())

    assert ours == theirs == {("Topic", "orders", "Sub"), ("Group", "GID_orders", "Sub")}
    assert calls[0].startswith("ListInstance")
    assert len(calls) == 9


async def test_every_command_is_acknowledged() -> None:
    report = await acknowledgement.measure(acknowledgement.SMOKE)

    assert report.rows[0].what.startswith("10 commands at 20/s")


async def test_decide_leaves_the_same_rows_through_both_stores() -> None:
    async with decide_pg.sides() as both:
        for side in both.values():
            await side.decide(iter(await side.submitted(range(8))))
        ours, core = [await side.written() for side in both.values()]

    assert ours == core
    assert [row[1] for row in ours if row[0] == "record"] == ["account"] * 8 + ["lease"] * 8 + [
        "request"
    ] * 8


async def test_workers_of_their_own_prove_every_lease() -> None:
    report = await leases_on_postgres.measure(leases_on_postgres.SMOKE)

    assert [row.what for row in report.rows] == ["leases per second, workers: 2"]


async def test_every_worker_calls_its_function_once_for_each_message() -> None:
    wall, cpu = await worker.sampled(worker.SMOKE)

    assert set(wall.of) == set(cpu.of) == {*worker.SIDES, worker.SAYING}
    assert {len(times) for times in wall.of.values()} == {1}


async def test_an_invocation_answers_what_its_handler_did() -> None:
    report = await fc_invocation.measure(fc_invocation.SMOKE)

    assert [row.what for row in report.rows] == [
        "on top of decide's handler, wall time",
        "on top of decide's handler, CPU time",
    ]


async def test_all_policy_engines_give_the_same_answers() -> None:
    given = rules(30, seed=1)
    asked = [our_question(case) for case in cases(given, count=200, seed=2)]

    told = decisions.agreed(
        {name: engine(given) for name, engine in decisions.ENGINES.items()}, asked=asked
    )

    assert 50 < sum(told) < 150


async def test_an_engine_that_disagrees_is_named() -> None:
    given = rules(10, seed=1)
    asked = [our_question(case) for case in cases(given, count=20, seed=2)]
    ours = decisions.ENGINES[decisions.OURS](given)

    with pytest.raises(decisions.Disagreement, match="contrary"):
        decisions.agreed(
            {decisions.OURS: ours, "contrary": lambda many: [not one for one in ours(many)]},
            asked=asked,
        )


async def test_arms_take_turns() -> None:
    ran: list[str] = []

    async def first() -> float:
        ran.append("first")
        return 1.0

    async def second() -> float:
        ran.append("second")
        return 2.0

    samples = await interleaved({"first": first, "second": second}, rounds=2)

    assert ran == ["first", "second", "second", "first"]
    assert samples.of == {"first": [1.0, 1.0], "second": [2.0, 2.0]}


def test_a_missed_goal_says_so() -> None:
    samples = Samples({"ours": [3.0, 4.0, 9.0], "theirs": [1.0, 2.0, 3.0]})

    row = at_most(samples, arm="ours", to="theirs", limit=1.5, what="x", unit="s", scale=1)

    assert row.line() == "| x | at most 1.5x | 3.00x | **not met** | 4 s against 2 s |"


def test_the_page_names_machine_versions_and_command() -> None:
    row = Row(what="x", goal="1", measured="1", is_met=True)

    page = readme.whole([Report("due", "Due", "How.", (row,)).text()])

    assert "`.venv/bin/python tests/benchmarks/run.py due`" in page
    assert "cores" in page
    assert "aiohttp 3." in page
