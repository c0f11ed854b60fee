"""The known mistakes: what stands in the code, what would be wrong there, and who has to catch it.

How they are put into a copy of the code is the business of ``mutants.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

DECISION = "cancellation/decision.py"
HISTORY = "cancellation/history.py"
RUNNER = "cancellation/runner.py"
PAUSES = "cancellation/pauses.py"
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
OPERATOR = "tests/operators/test_cancel_order_operator.py"
HOOK = "tests/hooks/test_oms_hook.py"
ARGUMENTS = "tests/operators/test_arguments.py"
VERDICT = "tests/cancellation/bulk/test_verdict.py"
REFUSALS = "tests/cancellation/test_refusals.py"
PAUSES_TESTS = "tests/cancellation/test_pauses.py"
TERMINATION = "tests/cancellation/test_termination.py"
CLOCK = "tests/cancellation/test_clock.py"
STORAGE = "tests/test_storage.py"
ENTRIES = "tests/cancellation/bulk/test_entries.py"


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
        "        if is_verdict and read.as_of >= settled_at:",
        "        if is_verdict:",
        (PURE_TESTS[0], PROMISES),
    ),
    Mutant(
        "take a 200 for proof",
        "api/models.py",
        "        return Evidence.CANCELED if self.is_canceled else Evidence.OPEN",
        "        return Evidence.CANCELED",
        ("tests/api/test_models.py", FAULTS),
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
        "                self._tokens.refuse(token, method)\n",
        "",
        (TOKENS, FAULTS),
    ),
    Mutant(
        "send before Retry-After",
        PAUSES,
        "        return max(floor, last.at + asked + last.jitter * max(1.0, asked / 10))",
        "        return floor",
        (PURE_TESTS[0], PROMISES),
    ),
    Mutant(
        "call again and again when Retry-After is nothing",
        PAUSES,
        "        return max(floor, last.at + asked + last.jitter * max(1.0, asked / 10))",
        "        return last.at + asked + last.jitter * max(1.0, asked / 10)",
        (PAUSES_TESTS,),
    ),
    Mutant(
        "take a token that is not valid yet for refused credentials",
        DECISION,
        "    if last.at - row[0].at >= TOKEN_PATIENCE:",
        "    if len(row) > 2:",
        (PAUSES_TESTS,),
    ),
    Mutant(
        "post first on a task's second attempt",
        RUNNER,
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
        "    is_conflict = post.reply.evidence is Evidence.CONFLICT\n",
        "    is_conflict = False\n",
        (PURE_TESTS[0], FAULTS),
    ),
    Mutant(
        "believe a refusal that follows a cancel of ours",
        DECISION,
        "    found = _find_out(history, now, post.at, settled_at if is_ours else post.at)\n",
        "    found = _find_out(history, now, post.at, post.at)\n",
        (PURE_TESTS[0],),
    ),
    Mutant(
        "believe a refusal that no read was asked about",
        DECISION,
        "    if not is_ours and not can_be_read:",
        "    if not is_ours and not is_conflict:",
        (REFUSALS, FAULTS),
    ),
    Mutant(
        "send a cancel again for an order that was locked, unread",
        DECISION,
        "    reads_first = history.policy.reads_first or history.was_locked",
        "    reads_first = history.policy.reads_first",
        (REFUSALS, FAULTS),
    ),
    Mutant(
        "believe an order open right after a refusal",
        DECISION,
        "        if found.as_of < settled_at and now < settled_at:\n"
        "            return Wait(settled_at)\n",
        "        settled_at = post.at\n",
        (PURE_TESTS[0],),
    ),
    Mutant(
        "report for a task that another attempt has taken over",
        "operators/bulk.py",
        "        if not plan.journal.is_current():\n",
        "        if False:\n",
        (NEXT_ATTEMPT,),
    ),
    Mutant(
        "call a request unsent that had left",
        "api/wire.py",
        "            exchange.sent = True",
        "            exchange.sent = False",
        (TRANSPORT, FAULTS),
    ),
    Mutant(
        "let the HTTP library repeat by itself",
        "api/wire.py",
        "max_retries=0)",
        "max_retries=requests.adapters.Retry(2, allowed_methods=None, "
        "status_forcelist=(502, 503)))",
        (TRANSPORT, FAULTS),
    ),
    Mutant(
        "read a redirect to its end, however long it is",
        "api/wire.py",
        "        return None\n\n\nclass _Adapter",
        "        return super().get_redirect_target(resp)\n\n\nclass _Adapter",
        (TRANSPORT,),
    ),
    Mutant(
        "take a redirect for a refusal",
        "api/errors.py",
        'whether anything acted is not known."""\n\n    evidence = Evidence.AMBIGUOUS\n',
        'whether anything acted is not known."""\n\n    evidence = Evidence.REFUSED\n',
        (FAULTS,),
    ),
    Mutant(
        "forget between two orders that the process was told to end",
        "cancellation/termination.py",
        "        _of_this_process.is_requested = True\n",
        "",
        (TERMINATION, HOOK),
    ),
    Mutant(
        "let a guard vanish in a mapped task",
        "operators/oms.py",
        "only_if_states is not NOT_GIVEN",
        "only_if_states not in (None, NOT_GIVEN)",
        (OPERATOR,),
    ),
    Mutant(
        "let a guard vanish in the default_args of a mapped task",
        "arguments.py",
        "                if dropped:\n",
        "                if False:\n",
        (ARGUMENTS,),
    ),
    Mutant(
        "take an attempt without a number for the first",
        "hooks/oms.py",
        "            is_in_doubt = True\n",
        "            pass\n",
        (HOOK, OPERATOR),
    ),
    Mutant(
        "tolerate failures of a run that stopped early",
        "cancellation/bulk/verdict.py",
        "    if is_cut_off:\n",
        "    if False:\n",
        (VERDICT, OUTCOME),
    ),
    Mutant(
        "tolerate failures though the OMS said nothing definite",
        "cancellation/bulk/verdict.py",
        "    if not any(outcome.is_definite for outcome in tally.counts):\n",
        "    if False:\n",
        (VERDICT,),
    ),
    Mutant(
        "admit an order whose second state cannot be read",
        HISTORY,
        "        if reply.is_unclear:\n            return False\n",
        "",
        (HOOK,),
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
        "            self._part.fs.mv(self._part.path, self._target.path)\n",
        '            with _open(self._part, "r") as part, _open(self._target, "a") as file:\n'
        "                file.writelines(part)\n"
        "            self._part.fs.rm_file(self._part.path)\n",
        (STORAGE,),
    ),
    Mutant(
        "take a cancel that is under way at the end for one that was never sent",
        DECISION,
        "    if calling is Action.POST:\n        reply",
        "    if calling is None:\n        reply",
        ("tests/cancellation/test_interruption.py", BULK, OUTCOME),
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
        "                self._abandon(self._desk.close)\n                for order_id",
        "                for order_id",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "let go of an end before it is noted",
        "cancellation/bulk/run.py",
        "        with self._noting:\n            for end in self._desk.take_ended():\n"
        "                self._note(end, is_news=True)\n",
        "        for end in self._desk.take_ended():\n            self._note(end, is_news=True)\n",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "send until the keeper hears that the task is to end",
        "cancellation/bulk/workers.py",
        "self._watch.stopped is None and not self._is_stopping()",
        "self._watch.stopped is None",
        (BETWEEN_STEPS,),
    ),
    Mutant(
        "take over what was canceled on another tenant",
        "cancellation/bulk/journal.py",
        '        if head["tenant"] != self._tenant:\n',
        "        if False:\n",
        (JOURNAL, NEXT_ATTEMPT),
    ),
    Mutant(
        "trust a journal about another set",
        "cancellation/bulk/journal.py",
        ' and head["orders"] == self._order_set',
        "",
        (JOURNAL, NEXT_ATTEMPT),
    ),
    Mutant(
        "take a row of several columns for its first one",
        "cancellation/bulk/entries.py",
        "    if len(value) == 1 and not isinstance(value[0], list | tuple):\n",
        "    if value and not isinstance(value[0], list | tuple):\n",
        (ENTRIES, INPUT),
    ),
    Mutant(
        "take one row for the orders of a mapped task",
        "cancellation/bulk/entries.py",
        "        if not isinstance(output, list):\n",
        "        if not isinstance(output, list | tuple):\n",
        (ENTRIES,),
    ),
    Mutant(
        "take an id that may be cut off",
        "cancellation/bulk/line_ends.py",
        '    return line.endswith(("\\n", "\\r"))\n',
        "    return True\n",
        (STORAGE,),
    ),
    Mutant(
        "let an older results file outvote the journal",
        "cancellation/bulk/results.py",
        "        and earlier[order_id].result.outcome is end.result.outcome\n",
        "",
        (STORAGE,),
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
        "        return self._desk.was_held_since(case, last.sent_at)\n",
        "        return False\n",
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
        "api/wire.py",
        "exchange.may_send is not None and not exchange.may_send()",
        "False",
        (TRANSPORT,),
    ),
    Mutant(
        "send the head of a cancel before its body",
        "api/wire.py",
        "            if exchange.has_body and not exchange.head:\n",
        "            if False:\n",
        (TRANSPORT,),
    ),
    Mutant(
        "let a permit last while the machine is suspended",
        "cancellation/clock.py",
        'getattr(time, "CLOCK_BOOTTIME", None)',
        "None",
        (CLOCK,),
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
        "        if len(requests) > max_orders:\n",
        "        if len(requests) > 2 * max_orders:\n",
        (INPUT,),
    ),
)
