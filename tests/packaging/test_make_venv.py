"""An environment is made in a directory of the clone, and never through a link to another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.mutants import REPOSITORY


def test_a_link_is_refused_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / ".venv"
    other.mkdir()
    (other / "kept").touch()
    link.symlink_to(other)
    script = REPOSITORY / "scripts" / "make_venv.py"
    command = [sys.executable, str(script), str(link), "constraints/airflow-3.3.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is a link; remove it" in done.stderr
    assert (other / "kept").exists()
