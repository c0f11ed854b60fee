"""The messages of the command line when it cannot start, in the test's own process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_oms.emulator.__main__ import main

WITHOUT_THE_EXTRA = """
import sys
for name in ("fastapi", "starlette", "starlette.responses", "uvicorn", "h11"):
    sys.modules[name] = None
from airflow_provider_oms.emulator.__main__ import main
main(["--port", "0"])
"""


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the last line of the message, where the reason is."""
    with pytest.raises(SystemExit) as end:
        main(["--port", "0", *arguments])
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()[-1]


def test_without_the_extra_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'airflow-provider-oms[emulator]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--port", "65536"), "argument --port: must be from 0 to 65535"),
        (("--port", "x"), "argument --port: must be a whole number from 0"),
        (("--port", "-1"), "argument --port: must be a whole number from 0"),
        (("--seed", "1.5"), "argument --seed: must be a whole number from 0"),
        (("--token-lifetime", "-1"), "argument --token-lifetime: must be a whole number from 0"),
        (("--tenant", "t10001"), "argument --tenant: a tenant id is a number"),
        (("--set", "reasons"), "argument --set: must look like NAME=VALUE"),
        (("--set", "nothing=1"), "argument --set: nothing: Extra inputs are not permitted"),
        (("--set", "reasons=odd"), "argument --set: reasons: Input should be"),
        (("--host", "0.0.0.0"), "0.0.0.0 is not a loopback address"),  # noqa: S104 - refused
        (("--host", "no.such.host.invalid"), "no.such.host.invalid is no address"),
        (("--db", "no/such/directory/oms.db"), "there is no such directory"),
        (("--orders", "no-such-file.jsonl"), "'no-such-file.jsonl'"),
        (("--faults", "no-such-file.json"), "'no-such-file.json'"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "faults.json: Invalid JSON"),
        ("{}", "faults.json: Input should be a valid"),
        ('[{"fault": {"kind": "odd"}}]', "faults.json: 0.fault: "),
        ('[{"fault": {"kind": "slow"}}]', "faults.json: 0.fault.slow.seconds: Field required"),
    ],
)
def test_a_file_of_faults_that_makes_no_sense_is_named_with_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "faults.json"
    file.write_text(text, encoding="utf-8")
    assert reason in refused(capsys, "--faults", str(file))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "line 2: "),
        ("[]", "line 2: an order must be a JSON object"),
        ("{}", "line 2: orderID must be an integer from 1"),
        ('{"orderID": true}', "line 2: orderID must be an integer from 1"),
        ('{"orderID": 9223372036854775808}', "line 2: orderID must be an integer from 1"),
        ('{"orderID": 1, "total": NaN}', "line 2: NaN is not JSON"),
        ('{"orderID": 1, "native": {"id": "x"}}', "line 2: native.id must be 32 lower-case"),
    ],
)
def test_a_line_of_orders_that_makes_no_sense_is_named_with_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str, reason: str
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(f'{{"orderID": 1}}\n{line}\n', encoding="utf-8")
    assert reason in refused(capsys, "--orders", str(file))
