"""The known mistakes: the line of code, a wrong version of it, and the tests that must catch that.

Those that concern a set of orders are in ``known_mistakes_of_sets.py``, those that concern its
journal and its leases in ``known_mistakes_of_records.py``, those of a ``journal_path`` in
``known_mistakes_of_object_logs.py``, those that concern its pace in
``known_mistakes_of_limits.py``, those of the native API in ``known_mistakes_of_native.py`` and
``known_mistakes_of_look_ups.py``, those of parts of an order in ``known_mistakes_of_parts.py``,
those of approvals in ``known_mistakes_of_approvals.py``, and those of verdicts in
``known_mistakes_of_verdicts.py``. How they are put into a copy of the code is
the business of ``mutants.py``.
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
BATCHES = "tests/api/test_translated_search.py"
BATCH_READS = "tests/api/test_batch_reads.py"
LOOKS = "tests/triggers/test_looks_in_batches.py"
TRANSPORT = "tests/api/test_transport.py"
OUTCOME = "tests/operators/bulk/test_bulk_outcome.py"
INPUT = "tests/operators/bulk/test_bulk_input.py"
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
BULK = "cancellation/bulk/"
BULK_TESTS = "tests/cancellation/bulk/"
SIMULATION = "tests/simulation/test_simulation.py"


@dataclass(frozen=True)
class Mutant:
    """Hold one mistake.

    :param title: its effect.
    :param file: the module, under the package.
    :param right: text of the code as it is; it must occur once.
    :param wrong: what stands there instead.
    :param tests: the test files that are asked, each of which has to catch it.
    :param not_simulated: why the simulation does not catch a mistake that concerns a set.
    """

    title: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
    not_simulated: str = ""


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
        "api/dialect.py",
        "        if order is None or order.order_id != order_id:",
        "        if order is None:",
        (WIRE, FAULTS),
    ),
    Mutant(
        "believe the answer to another search",
        "api/translated_search.py",
        "    if any(order.order_id not in asked for order in read):",
        "    if False:",
        (BATCHES,),
    ),
    Mutant(
        "take the 404 of a search for that of an order",
        "api/translated_search.py",
        "    if not isinstance(error, _NO_SEARCH) and not is_foreign:",
        "    if True:",
        (BATCHES,),
    ),
    Mutant(
        "believe whatever state a search shows",
        "api/batch_reads.py",
        "    proof = Proof.CANCELED if is_canceled else Proof.TO_CONFIRM",
        "    proof = Proof.CANCELED",
        (BATCH_READS,),
    ),
    Mutant(
        "go on with a search that contradicts Get Order",
        "api/batch_reads.py",
        "            self._end(WhyNot.CONTRADICTS)\n",
        "            self.requests_saved -= 1\n",
        (BATCH_READS,),
    ),
    Mutant(
        "end a waiting by a state that only a search has shown",
        "api/waiting.py",
        "    if stand is not Match.OPEN and not is_believed:",
        "    if False:",
        ("tests/api/test_waiting.py", LOOKS),
    ),
    Mutant(
        "leave the last look to a search",
        "triggers/oms.py",
        "        if looks % _LOOKS_PER_READ == 0 or self._time_left() <= 0:",
        "        if looks % _LOOKS_PER_READ == 0:",
        (LOOKS,),
    ),
    Mutant(
        "forget a new token",
        "api/client.py",
        "                self._tokens.refuse(token, kind)\n",
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
        "believe a refusal that follows our cancel",
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
        "bulk_work.py",
        "    if not plan.journal.confirm_ownership():\n",
        "    if False:\n",
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
        "    if dropped:\n",
        "    if False:\n",
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
        "    if not any(outcome.is_definite or outcome is _PARTIAL for outcome in tally.counts):\n",
        "    if False:\n",
        (VERDICT,),
    ),
    Mutant(
        "admit an order whose second state cannot be read",
        HISTORY,
        "        if not wrong and (reply.is_unclear or not given):\n",
        "        if not wrong and not given:\n",
        (HOOK,),
    ),
    Mutant(
        "quote an error body as it is",
        "api/responses.py",
        "    return clean_text(text, secrets)\n",
        "    return text\n",
        (WIRE,),
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
        "    if calling is Action.POST:\n        lost",
        "    if calling is None:\n        lost",
        ("tests/cancellation/test_interruption.py",),
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
)
