"""All files are checked together, and every problem is said at once."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keylease.adapters.files.check import check_policy, load_world
from keylease.adapters.files.policy import load_policy
from keylease.adapters.files.schemas import schema
from keylease.adapters.files.yaml_strict import read_yaml
from keylease.errors import BadInput
from keylease.policy.problem import Level

EXAMPLES = Path(__file__).parents[3] / "infra" / "policies"
CATALOG = """\
targets: {rmq-demo: {product: rocketmq, instance: i, region: r}}
standing: [{target: rmq-demo, username: svc, owner: eve}]
"""
DIRECTORY = "people: {ana: {groups: [orders]}}\n"
POLICY = """\
rules:
  - name: orders
    who: {groups: [orders]}
    may: {target: rmq-demo, topics: ["*"], actions: [Sub]}
    terms: {max_duration: 8h}
"""
CASES = """\
cases:
  - name: ana reads
    at: "2026-11-23T12:00:00Z"
    ask: {who: ana, target: rmq-demo, permissions: [{topic: t, actions: [Sub]}], for: 1h}
    expect: {effect: deny}
"""


def kind_of(path: Path) -> str:
    if path.name.endswith(".cases.yaml"):
        return "cases"
    return path.stem if path.stem in {"catalog", "directory"} else "policy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    (tmp_path / "directory.yaml").write_text(DIRECTORY)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def test_the_example_policies_hold_their_cases() -> None:
    checked = check_policy(EXAMPLES)

    assert checked.problems == ()
    assert checked.is_sound
    assert checked.rules == 8
    assert checked.cases == 17


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_keep_the_published_schemas(path: Path) -> None:
    validator = Draft202012Validator(schema(kind_of(path)))

    assert list(validator.iter_errors(read_yaml(path).value)) == []


def test_the_policy_schema_refuses_what_the_reader_refuses(folder: Path) -> None:
    written = read_yaml(folder / "policy.yaml").value
    validator = Draft202012Validator(schema("policy"))
    assert validator.is_valid(written)

    assert isinstance(written, dict)
    for wrong in ({"rules": [{"nam": "x"}]}, {"rules": [], "more": 1}, {}):
        assert not validator.is_valid(wrong)


def test_an_unknown_schema_says_which_there_are() -> None:
    with pytest.raises(BadInput, match="there are policy, catalog, directory, cases"):
        schema("polici")


def test_one_file_of_a_folder_is_checked_with_its_own_cases() -> None:
    checked = check_policy(EXAMPLES / "cache.yaml")

    assert (checked.rules, checked.cases, checked.problems) == (2, 3, ())


def test_a_case_that_fails_is_an_error_with_its_place(folder: Path) -> None:
    (folder / "policy.cases.yaml").write_text(CASES)

    checked = check_policy(folder)

    assert not checked.is_sound
    assert str(checked.problems[-1]) == (
        f"{folder}/policy.cases.yaml:2: case 1:"
        " ana reads: expected deny, got permit: rule orders permits it"
    )


def test_warnings_do_not_make_it_unsound(folder: Path) -> None:
    checked = check_policy(folder / "policy.yaml")

    assert checked.is_sound
    assert [problem.level for problem in checked.problems] == [Level.WARNING]
    assert str(checked.problems[0]) == (
        f"{folder}/catalog.yaml:1: warning: standing account rmq-demo/svc:"
        " owner: eve is not in the directory"
    )


def test_a_warning_names_the_rule(folder: Path) -> None:
    (folder / "policy.yaml").write_text(POLICY.replace("rmq-demo", "rmq-test"))

    assert str(check_policy(folder).problems[-1]) == (
        f"{folder}/policy.yaml:2: warning: rule orders:"
        " may.target: rmq-test matches no target of the catalog"
    )


def test_mistakes_of_all_files_are_told_together(folder: Path) -> None:
    (folder / "policy.yaml").write_text("rules: []\n")
    (folder / "catalog.yaml").write_text("targets: {}\nmore: 1\n")
    (folder / "directory.yaml").write_text("people: 5\n")
    (folder / "policy.cases.yaml").write_text("cases: {}\n")

    checked = check_policy(folder)

    files = [Path(problem.file).name for problem in checked.problems]
    assert files == ["policy.yaml", "catalog.yaml", "directory.yaml", "policy.cases.yaml"]
    assert (checked.rules, checked.cases) == (0, 0)


def test_cases_without_a_readable_world_are_an_error(folder: Path) -> None:
    (folder / "policy.cases.yaml").write_text("catalog: missing.yaml\n" + CASES)

    checked = check_policy(folder)

    assert "missing.yaml:1: cannot be read" in str(checked.problems[-1])
    assert checked.cases == 0


def test_a_policy_is_checked_without_catalog_and_directory(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)

    assert check_policy(path).problems == ()


def test_catalog_and_directory_may_be_elsewhere(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "more"
    elsewhere.mkdir()
    (elsewhere / "policy.yaml").write_text(POLICY.replace("[orders]", "[ghosts]"))

    checked = check_policy(
        elsewhere, catalog=folder / "catalog.yaml", directory=folder / "directory.yaml"
    )

    assert [problem.field for problem in checked.problems] == ["owner", "who.groups"]


def test_a_world_needs_both_files() -> None:
    assert load_world(catalog=None, directory=None) == (None, ())
    assert load_world(catalog=EXAMPLES / "catalog.yaml", directory=None) == (None, ())


def test_the_examples_compile_to_the_same_policy(tmp_path: Path) -> None:
    written = load_policy(EXAMPLES)
    (tmp_path / "policy.json").write_text(written.to_json())

    assert load_policy(tmp_path / "policy.json").digest == written.digest


def test_files_that_are_given_are_those_of_the_cases_too(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("catalog.yaml", "directory.yaml"):
        (folder / name).rename(elsewhere / name)
    (folder / "policy.cases.yaml").write_text(CASES.replace("deny", "permit"))

    checked = check_policy(
        folder / "policy.yaml",
        catalog=elsewhere / "catalog.yaml",
        directory=elsewhere / "directory.yaml",
    )

    assert checked.is_sound
    assert checked.cases == 1
