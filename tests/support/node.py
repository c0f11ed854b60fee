"""The page's JavaScript without a browser: the modules of `www/` that draw nothing, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_oms

WWW = Path(airflow_provider_oms.__file__).parent / "www"
_NODE = shutil.which("node")
_MODULES = ("api", "csv", "fields", "journal", "notices", "places", "rows", "tasks", "words")
_SCRIPT = """
{imports}
let text = "";
for await (const part of process.stdin) text += part;
const given = JSON.parse(text);
const answer = await (async () => {{ {code} }})();
console.log(JSON.stringify(answer ?? null));
"""

needs_node = pytest.mark.skipif(
    _NODE is None, reason="node is not in the PATH, which runs the page's JavaScript"
)


def in_node(code: str, given: Any = None) -> Any:
    """Run code in node, and return its result as JSON.

    :param code: the body of an async function; each module of the page is there by its name.
    :param given: the value of `given` in the code.
    """
    addresses = {name: (WWW / f"{name}.mjs").as_uri() for name in _MODULES}
    imports = "\n".join(f'import * as {name} from "{at}";' for name, at in addresses.items())
    done = subprocess.run(
        [str(_NODE), "--input-type=module", "--eval", _SCRIPT.format(imports=imports, code=code)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
