"""Apply known mistakes, one at a time, and show which tests catch each.

Works on a copy of the tree, in which the tests must pass without any mistake first. A mistake that
no test catches makes it fail, and so does one whose text is not in the code any more.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
COPIED = ("airflow_provider_oms", "tests", "example_dags", "demo", "docs")
COPIED_FILES = ("pyproject.toml", "README.md")
DECISION = "cancellation/decision.py"
HISTORY = "cancellation/history.py"
PURE_TESTS = ("tests/cancellation/test_decision.py", "tests/cancellation/test_runner.py")
PROMISES = "tests/cancellation/test_promises.py"
FAULTS = "tests/cancellation/test_hostile_tenant.py"
WIRE = "tests/api/test_client_wire.py"
TOKENS = "tests/api/test_tokens.py"
TRANSPORT = "tests/api/test_transport.py"
BULK = "tests/cancellation/bulk/test_run.py"
BETWEEN_STEPS = "tests/cancellation/bulk/test_run_between_steps.py"
RESUME = "tests/cancellation/bulk/test_resume.py"
JOURNAL = "tests/cancellation/bulk/test_journal.py"
INPUT = "tests/operators/bulk/test_bulk_input.py"
OUTCOME = "tests/operators/bulk/test_bulk_outcome.py"
NEXT_ATTEMPT = "tests/operators/bulk/test_bulk_next_attempt.py"


@dataclass(frozen=True)
class Mutant:
    """Hold one mistake.

    :param title: what it does.
    :param file: the module, under the package.
    :param right: text of the code as it is; it must occur once.
    :param wrong: what stands there instead.
    :param tests: the test files that are asked, each of which has to catch it.
    """

    title: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "post again after a timeout",
        DECISION,
        "        return _after_doubt(history, now, post.at)\n    return _after_refusal",
        "        return _again(history, now, Action.POST, Done(Outcome.NOT_CANCELED))\n"
        "    return _after_refusal",
        (*PURE_TESTS, PROMISES, FAULTS),
    ),
    Mutant(
        "believe a read that is too early",
        DECISION,
        "        if is_verdict and read.sent_at >= settled_at:",
        "        if is_verdict:",
        (PURE_TESTS[0], PROMISES),
    ),
    Mutant(
        "take a 200 for proof",
        HISTORY,
        "        return self.kind is ReplyKind.ORDER and (\n"
        "            is_canceled_state(self.order_state) or is_canceled_state(self.order_status)\n"
        "        )",
        "        return self.kind is ReplyKind.ORDER",
        (*PURE_TESTS, PROMISES, FAULTS),
    ),
    Mutant(
        "take an answer about another order for ours",
        "api/answers.py",
        "    if order is not None and order.order_id == order_id:",
        "    if order is not None:",
        (WIRE, FAULTS),
    ),
    Mutant(
        "forget a new token",
        "api/client.py",
        "            self._tokens.drop(token)\n            raise\n",
        "            raise\n",
        (TOKENS, FAULTS),
    ),
    Mutant(
        "send before Retry-After",
        DECISION,
        "        return last.at + asked + last.jitter * max(1.0, asked / 10)",
        "        return last.at + min(asked, 1.0)",
        (PURE_TESTS[0], PROMISES),
    ),
    Mutant(
        "post first on a task's second attempt",
        "cancellation/runner.py",
        "    in_doubt = attempt > 1 or in_doubt_for is not None",
        "    in_doubt = in_doubt_for is not None",
        (PURE_TESTS[1], FAULTS),
    ),
    Mutant(
        "post again after the OMS has accepted",
        DECISION,
        "        return _after_acceptance(history, now, post)",
        "        return _after_doubt(history, now, post.at)",
        (PURE_TESTS[0],),
    ),
    Mutant(
        "post after the deadline",
        DECISION,
        "    if now >= history.deadline_at:\n        return Done(Outcome.NOT_CANCELED",
        "    if now >= history.deadline_at + 60:\n        return Done(Outcome.NOT_CANCELED",
        (PURE_TESTS[0], PROMISES),
    ),
    Mutant(
        "take a conflict for a refusal without looking",
        DECISION,
        "    is_conflict = post.reply.kind is ReplyKind.CONFLICT\n",
        "    is_conflict = False\n",
        (PURE_TESTS[0], FAULTS),
    ),
    Mutant(
        "believe a refusal that follows a cancel of ours",
        DECISION,
        "    if not is_ours and not is_conflict:",
        "    if not is_conflict:",
        (PURE_TESTS[0],),
    ),
    Mutant(
        "believe an order open right after a refusal",
        DECISION,
        "        if found.sent_at < settled_at and now < settled_at:\n"
        "            return Wait(settled_at)\n",
        "        settled_at = post.at\n",
        (PURE_TESTS[0],),
    ),
    Mutant(
        "report for a task that another attempt has taken over",
        "operators/bulk.py",
        "        is_current = plan.journal.is_current()\n",
        "        is_current = True\n",
        (NEXT_ATTEMPT,),
    ),
    Mutant(
        "call a request unsent that had left",
        "api/transport.py",
        "            departure.sent = True",
        "            departure.sent = False",
        (TRANSPORT, FAULTS),
    ),
    Mutant(
        "let the HTTP library repeat by itself",
        "api/transport.py",
        "max_retries=0)",
        "max_retries=urllib3.Retry(2, allowed_methods=None, status_forcelist=(502, 503)))",
        (TRANSPORT, FAULTS),
    ),
    Mutant(
        "follow a redirect",
        "api/transport.py",
        "allow_redirects=False",
        "allow_redirects=True",
        (WIRE, FAULTS),
    ),
    Mutant(
        "quote an error body as it is",
        "api/answers.py",
        "    return clean_text(text, secrets)\n",
        "    return text\n",
        (WIRE,),
    ),
    Mutant(
        "write no intent",
        "cancellation/bulk/journal.py",
        '        changes = dict.fromkeys(intents, f"{_INTENT}{posted_by:.3f}")',
        "        changes: dict[int, str] = {}",
        (BULK, JOURNAL),
    ),
    Mutant(
        "write the journal after the cancel",
        "cancellation/bulk/run.py",
        "            self._record([*granted, *asking])\n",
        "            for case in (*granted, *asking):\n"
        "                case.permit_until = math.inf\n"
        "            self._desk.resume(asking)\n"
        "            self._desk.add_fresh(granted)\n"
        "            time.sleep(0.05)\n"
        "            self._record([*granted, *asking])\n"
        "            granted, asking = [], []\n",
        (BULK,),
    ),
    Mutant(
        "append the results of the next attempt",
        "storage.py",
        "        self._part.fs.mv(self._part.path, self._target.path)\n",
        '        with _open(self._part, "r") as part, _open(self._target, "a") as file:\n'
        "            file.writelines(part)\n"
        "        self._part.fs.rm_file(self._part.path)\n",
        (NEXT_ATTEMPT,),
    ),
    Mutant(
        "take a cancel that is under way at the end for one that was never sent",
        "cancellation/bulk/workers.py",
        "        if calling is Action.POST:\n",
        "        if case.begun_at is None:\n",
        (BULK, OUTCOME),
    ),
    Mutant(
        "post what an earlier attempt left in doubt",
        "cancellation/bulk/resume.py",
        "        if recorded is not None and recorded.is_in_doubt:\n"
        "            return _Kind.IN_DOUBT\n",
        "        if recorded is not None and recorded.is_in_doubt:\n"
        "            return _Kind.UNTOUCHED\n",
        (BULK,),
    ),
    Mutant(
        "take a journal that is lost for one that is whole",
        "cancellation/bulk/resume.py",
        "        if not self._journal.is_whole:\n",
        "        if False:\n",
        (RESUME, NEXT_ATTEMPT),
    ),
    Mutant(
        "call untouched what was begun, because the keeper hangs",
        "cancellation/bulk/run.py",
        "            # The keeper may hang in the store, and what was begun is not untouched.\n"
        "            self._abandon(self._desk.close())\n",
        "",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "lose an answer that comes as the run gives up",
        "cancellation/bulk/workers.py",
        "        calling = case.calling\n        history = case.history\n",
        "        history = case.history\n        calling = case.calling\n",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "post on a read that a pause has made old",
        "cancellation/bulk/workers.py",
        "            call.action is Action.POST\n            and rests_on_read\n",
        "            call.action is Action.READ\n            and rests_on_read\n",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "post what the first read has shown canceled",
        "cancellation/bulk/run.py",
        "                self._backlog.has_shown(request.order_id, read)\n",
        "                pass\n",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "send although the end came while the connection was made",
        "api/transport.py",
        "departure.may_send is None or departure.may_send()",
        "True",
        (TRANSPORT,),
    ),
    Mutant(
        "send on a permit that has expired",
        "cancellation/bulk/desk.py",
        "            may_leave = self.permits_hold and self._clock() < case.permit_until\n",
        "            may_leave = True\n",
        (BULK,),
    ),
    Mutant(
        "go on when the run ought to stop",
        "cancellation/bulk/watch.py",
        "            if self.stopped is None:\n                self.stopped = why\n",
        "            if self.stopped is not None:\n                self.stopped = why\n",
        (BULK,),
    ),
    Mutant(
        "let an order that waits occupy a worker",
        "cancellation/bulk/workers.py",
        "            self._desk.wait(case, ",
        "            if isinstance(decision, Wait):\n"
        "                time.sleep(max(0.0, decision.until - self._clock()))\n"
        "            self._desk.wait(case, ",
        (BULK,),
    ),
    Mutant(
        "let a set through that is larger than its cap",
        "cancellation/bulk/order_set.py",
        "    if len(requests) > max_orders:\n",
        "    if len(requests) > 2 * max_orders:\n",
        (INPUT,),
    ),
)


def apply(mutant: Mutant, tree: Path) -> None:
    """Put a mistake into a copy of the code.

    :param mutant: the mistake.
    :param tree: the copy.
    """
    path = tree / "airflow_provider_oms" / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        raise SystemExit(f"{mutant.title}: its text occurs {text.count(mutant.right)} times")
    path.write_text(text.replace(mutant.right, mutant.wrong), encoding="utf-8")


def run_tests(tree: Path, test_file: str) -> subprocess.CompletedProcess[str]:
    """Run one test file in a tree, and return how that ended and what was printed.

    :param tree: the tree.
    :param test_file: the file, relative to it.
    """
    # A mistake can make a test wait for what never comes, so each has a bound.
    options = ["--quiet", "--tb=no", "-rfE", "-p", "no:cacheprovider", "--timeout=30"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, test_file],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HYPOTHESIS_PROFILE": "find"},
    )


def caught_by(tree: Path, test_file: str) -> list[str]:
    """Run one test file in a tree, and return the names of the tests that failed.

    :param tree: the tree.
    :param test_file: the file, relative to it.
    """
    printed = run_tests(tree, test_file).stdout
    return re.findall(r"^(?:FAILED|ERROR) \S+?::(?:\w+::)?(\w+)", printed, re.MULTILINE)


def copy_to(tree: Path) -> None:
    """Copy all that the tests need.

    :param tree: where to; nothing must be there yet.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, tree / name, ignore=ignored)
    for name in COPIED_FILES:
        shutil.copy(REPOSITORY / name, tree / name)


def check_without_mistake(chosen: list[Mutant], tree: Path) -> None:
    """Run every test file that is to catch a mistake once on the code as it is.

    :param chosen: the mistakes.
    :param tree: a copy without any.
    :raises SystemExit: when a test fails there: it would seem to catch whatever it is shown.
    """
    for test_file in dict.fromkeys(one for mutant in chosen for one in mutant.tests):
        done = run_tests(tree, test_file)
        if done.returncode:
            raise SystemExit(f"{test_file} fails without any mistake:\n{done.stdout}{done.stderr}")


def show(mutant: Mutant, caught: dict[str, list[str]]) -> bool:
    """Print what caught a mistake, and return whether every file asked did."""
    missed = [test_file for test_file, names in caught.items() if not names]
    print(f"{'MISSED' if missed else 'caught'}  {mutant.title}")
    for test_file, names in caught.items():
        first = list(dict.fromkeys(names))[:2]
        more = f" and {len(names) - len(first)} more" if len(names) > len(first) else ""
        print(f"        {test_file}: {', '.join(first) or 'nothing'}{more}")
    sys.stdout.flush()
    return not missed


def main() -> int:
    """Try every mistake, or those whose title holds the words given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only mistakes with these words in their title")
    words = parser.parse_args().words
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.title for word in words)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oms-mutants-") as scratch:
        tree = Path(scratch) / "tree"
        copy_to(tree)
        check_without_mistake(chosen, tree)
        shutil.rmtree(tree)
        fine = True
        for mutant in chosen:
            copy_to(tree)
            apply(mutant, tree)
            fine &= show(mutant, {one: caught_by(tree, one) for one in mutant.tests})
            shutil.rmtree(tree)
    print(f"{len(chosen)} mistakes, {time.monotonic() - started:.0f} s")
    return 0 if fine and chosen else 1


if __name__ == "__main__":
    sys.exit(main())
