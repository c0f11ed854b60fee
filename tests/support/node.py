"""The page's JavaScript without a browser: the modules of `www/` that draw nothing, run by node."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

import airflow_provider_oms

WWW = Path(airflow_provider_oms.__file__).parent / "www"
_NODE = shutil.which("node")
_MODULES = ("api", "csv", "fields", "journal", "notices", "places", "rows", "tasks", "words")
# A line in is a call, a line out its result.
_SCRIPT = """
import {{ createInterface }} from "node:readline";
{imports}
const AsyncFunction = (async () => {{}}).constructor;
const modules = {{ {names} }};
for await (const line of createInterface({{ input: process.stdin }})) {{
  const {{ code, given }} = JSON.parse(line);
  let answer;
  try {{
    const run = new AsyncFunction("given", ...Object.keys(modules), code);
    answer = {{ result: (await run(given, ...Object.values(modules))) ?? null }};
  }} catch (error) {{
    answer = {{ error: String(error.stack ?? error) }};
  }}
  console.log(JSON.stringify(answer));
}}
"""

needs_node = pytest.mark.skipif(
    _NODE is None, reason="node is not in the PATH, which runs the page's JavaScript"
)


def in_node(code: str, given: Any = None) -> Any:
    """Run code in node, and return its result as JSON.

    All calls share one process, which takes a tenth of a second to start, and its globals.

    :param code: the body of an async function; each module of the page is there by its name.
    :param given: the value of `given` in the code.
    """
    calls, answers = _node()
    calls.write(json.dumps({"code": code, "given": given}) + "\n")
    calls.flush()
    answer = json.loads(answers.readline())
    assert "error" not in answer, answer["error"]
    return answer["result"]


@functools.cache
def _node() -> tuple[IO[str], IO[str]]:
    """Start node, which ends with this process."""
    imports = "\n".join(
        f'import * as {name} from "{(WWW / f"{name}.mjs").as_uri()}";' for name in _MODULES
    )
    script = _SCRIPT.format(imports=imports, names=", ".join(_MODULES))
    process = subprocess.Popen(
        [str(_NODE), "--input-type=module", "--eval", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    atexit.register(process.kill)
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
