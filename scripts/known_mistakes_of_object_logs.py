"""The known mistakes that concern a journal at ``journal_path``."""

from __future__ import annotations

from scripts.known_mistakes import SIMULATION, Mutant

LOG = "cancellation/object_log.py"
LOG_TESTS = "tests/cancellation/test_object_log.py"
FILES = "journal_files.py"
FILES_TESTS = "tests/test_journal_files.py"
_ONLY_LATER = "the next attempt goes on, only later"
_OF_STORAGE = "the simulation has a storage of its own"

OBJECT_LOG_MUTANTS = (
    Mutant(
        "write into a journal after another attempt has taken over",
        LOG,
        "            return found == data\n",
        "            return True\n",
        (LOG_TESTS, SIMULATION),
    ),
    Mutant(
        "take a lost response for a defeat",
        LOG,
        "            return found == data\n",
        "            return False\n",
        (LOG_TESTS,),
        not_simulated=_ONLY_LATER,
    ),
    Mutant(
        "take a list that lags at its word",
        LOG,
        "            if self._creates(self._number, claim, reads_if_there=False):\n",
        "            if self._creates(self._number, claim, reads_if_there=False) or True:\n",
        (LOG_TESTS, SIMULATION),
    ),
    Mutant(
        "claim a journal with what was on record one write ago",
        LOG,
        "                self._index = self._index_before(self._number)\n",
        "                self._index = self._index_before(self._number - 1)\n",
        (LOG_TESTS, SIMULATION),
    ),
    Mutant(
        "write a record before the uncertain one ahead of it is settled",
        LOG,
        "            if self._unconfirmed is not None:\n",
        "            if False:\n",
        (LOG_TESTS,),
        not_simulated=_ONLY_LATER,
    ),
    Mutant(
        "take a storage that replaces objects",
        LOG,
        "        if not is_refused:\n",
        "        if False:\n",
        (LOG_TESTS,),
        not_simulated=_OF_STORAGE,
    ),
    Mutant(
        "take a storage that looks first and writes then",
        FILES,
        "    if protocol not in LOCAL and not libraries & _LIBRARIES:\n",
        "    if False:\n",
        (FILES_TESTS,),
        not_simulated=_OF_STORAGE,
    ),
    Mutant(
        "give the mapped instances of a task one journal",
        FILES,
        "    task = json.dumps([ti.dag_id, ti.run_id, ti.task_id, ti.map_index])\n",
        "    task = json.dumps([ti.dag_id, ti.run_id, ti.task_id])\n",
        (FILES_TESTS,),
        not_simulated=_OF_STORAGE,
    ),
    Mutant(
        "replace a file that should only be created",
        FILES,
        "            os.link(part, self._path / name)\n",
        "            part.replace(self._path / name)\n",
        (FILES_TESTS,),
        not_simulated=_OF_STORAGE,
    ),
)
