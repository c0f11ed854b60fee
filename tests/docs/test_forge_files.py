"""The files for the forge and for pre-commit: they parse, and name only existing things."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs would be one more thing to pin

import airflow_provider_oms

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = Path(airflow_provider_oms.__file__).parent
FORGE = REPOSITORY / ".github"
WORKFLOWS = sorted((FORGE / "workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z][a-z0-9.-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
PIN = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$")


def of(path: Path) -> str:
    return path.name


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in read(workflow)["jobs"].values():
        yield from job.get("steps", ())


def test_there_are_workflows_for_every_push_for_a_release_and_for_what_is_known_of_both() -> None:
    names = ["ci.yml", "codeql.yml", "docs.yml", "release.yml", "scorecard.yml"]
    assert [of(path) for path in WORKFLOWS] == names


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=of)
def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is(
    workflow: Path,
) -> None:
    lines = workflow.read_text(encoding="utf-8").splitlines()
    used = [line.strip().removeprefix("- ") for line in lines if "uses:" in line]
    used = [line for line in used if not line.startswith("uses: $/")]
    assert used
    assert [line for line in used if not PIN.fullmatch(line)] == []
    assert len(used) == sum("uses" in step for step in steps(workflow))


def test_an_action_has_one_pin_in_all_workflows() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    # Several actions may be of one repository, and are released together.
    pins = set(re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@(\S+ # \S+)", text))
    assert len(pins) == len({repository for repository, _ in pins}) > 5


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=of)
def test_what_it_runs_are_the_makefiles_targets(workflow: Path) -> None:
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    targets = [words[1] for words in map(str.split, commands) if words[0] == "make"]
    assert set(targets) <= set(TARGETS)
    others = [command for command in commands if not command.startswith("make ")]
    if of(workflow) == "release.yml":
        compare, release = others
        assert compare == "diff --recursive dist .nox/dist"
        assert release.startswith("gh release create ")
    else:
        assert others == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=of)
def test_it_may_read_and_no_more_keeps_no_credentials_and_comes_to_an_end(workflow: Path) -> None:
    document = read(workflow)
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 90
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_the_cells_are_those_of_the_matrix() -> None:
    tree = ast.parse((REPOSITORY / "noxfile.py").read_text(encoding="utf-8"))
    said = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    matrix = read(FORGE / "workflows" / "ci.yml")["jobs"]["matrix"]["strategy"]["matrix"]
    assert tuple(matrix["airflow"]) == ast.literal_eval(said["AIRFLOWS"])
    assert tuple(matrix["python"]) == ast.literal_eval(said["PYTHONS"])
    too_new = ast.literal_eval(said["TOO_NEW"])
    assert matrix["exclude"] == [
        {"airflow": airflow, "python": python}
        for airflow in matrix["airflow"]
        for python in matrix["python"]
        if airflow in too_new and python >= too_new[airflow]
    ]
    release = read(FORGE / "workflows" / "release.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert [cell["cell"] for cell in release["include"]] == [
        f"airflow-{matrix['airflow'][0]}-python-{matrix['python'][0]}",
        # The newest that is no pre-release.
        f"airflow-{matrix['airflow'][-2]}-python-{matrix['python'][-1]}",
    ]


def test_each_job_of_a_release_may_do_one_thing() -> None:
    jobs = read(FORGE / "workflows" / "release.yml")["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "publish": {"id-token": "write"},
        "release": {"contents": "write"},
        "docs": {"contents": "read", "pages": "write", "id-token": "write"},
    }
    assert "secrets." not in (FORGE / "workflows" / "release.yml").read_text(encoding="utf-8")


def test_what_was_tested_is_published_before_it_is_announced() -> None:
    jobs = read(FORGE / "workflows" / "release.yml")["jobs"]
    publish, release = jobs["publish"], jobs["release"]
    assert publish["environment"] == "pypi"
    assert publish["needs"] == ["build", "test"]
    assert release["needs"] == jobs["docs"]["needs"] == "publish"
    # They build nothing, and have no sources to do it from.
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert publish["steps"][1]["with"]["attestations"] is True
    *downloads, announce = release["steps"]
    assert {step["uses"].partition("@")[0] for step in downloads} == {"actions/download-artifact"}
    # They fetch the artifacts that the job that built them has uploaded.
    uploads = [step["with"] for step in jobs["build"]["steps"] if "upload" in step.get("uses", "")]
    assert [step["with"]["name"] for step in downloads] == [each["name"] for each in uploads]
    for path in uploads[1]["path"].split():
        assert path in announce["run"].split()


def test_the_docs_of_a_release_are_deployed_by_the_docs_workflow() -> None:
    docs = read(FORGE / "workflows" / "docs.yml")
    called = read(FORGE / "workflows" / "release.yml")["jobs"]["docs"]
    assert called["uses"] == "$/.github/workflows/docs.yml"
    assert "workflow_call" in docs[True]  # YAML's "on" is a boolean
    build, deploy = docs["jobs"]["build"], docs["jobs"]["deploy"]
    assert [step["run"] for step in build["steps"] if "run" in step] == ["make docs"]
    assert build["steps"][-1]["with"]["path"] == "build/docs/html"
    assert deploy["needs"] == "build"
    assert set(deploy["permissions"].items()) <= set(called["permissions"].items())


def test_every_language_here_is_searched_for_weaknesses() -> None:
    suffixes = {path.suffix for path in PACKAGE.rglob("*.*")}
    job = read(FORGE / "workflows" / "codeql.yml")["jobs"]["analyze"]
    languages = {".py": "python", ".mjs": "javascript-typescript"}
    assert not suffixes & {".js", ".ts"}, "name their language above"
    wanted = {languages[suffix] for suffix in suffixes & set(languages)}
    assert set(job["strategy"]["matrix"]["language"]) == wanted | {"actions"}


@pytest.mark.parametrize("form", ["bug.yml", "idea.yml"])
def test_a_form_warns_against_posting_data_before_it_asks_for_anything(form: str) -> None:
    first, *fields = read(FORGE / "ISSUE_TEMPLATE" / form)["body"]
    assert first["type"] == "markdown"
    assert re.search(r"Post no shoppers' data and no secrets", first["attributes"]["value"])
    assert fields


def test_the_report_of_a_bug_asks_for_the_correlation_id() -> None:
    body = read(FORGE / "ISSUE_TEMPLATE" / "bug.yml")["body"]
    (field,) = [field for field in body if field.get("id") == "correlation"]
    assert field["attributes"]["label"] == "Correlation id"
    assert field["validations"]["required"] is True


def test_updates_come_in_one_piece_and_not_at_once() -> None:
    (updates,) = read(FORGE / "dependabot.yml")["updates"]
    assert updates["package-ecosystem"] == "github-actions"
    assert updates["groups"]["actions"]["patterns"] == ["*"]
    assert updates["cooldown"]["default-days"] >= 7


def test_every_hook_runs_what_is_here_and_pinned() -> None:
    (repo,) = read(REPOSITORY / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        command, target = hook["entry"].split()
        assert command == "make"
        assert target in TARGETS
