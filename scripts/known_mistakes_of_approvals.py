"""The known mistakes around a set that a person must approve; the others are next door."""

from __future__ import annotations

from scripts.known_mistakes import BULK, BULK_TESTS, Mutant

GUARD = "tests/cancellation/test_approved_orders.py"
SHOWN = BULK_TESTS + "test_shown.py"
QUESTION = BULK_TESTS + "test_question.py"
OPERATOR = "tests/operators/bulk/test_bulk_approval.py"

APPROVAL_MUTANTS = (
    Mutant(
        "cancel an order that no person was shown",
        "cancellation/history.py",
        "        if not self.was_shown:\n",
        "        if False:\n",
        (GUARD,),
    ),
    Mutant(
        "cancel an order whose state has changed since it was shown",
        "cancellation/history.py",
        "        if seen.upper() != now.upper():\n",
        "        if False:\n",
        (GUARD, OPERATOR),
    ),
    Mutant(
        "take one state of an approved order for both",
        "cancellation/history.py",
        "        if seen.upper() != now.upper():\n",
        "        if seen.upper()[0] != now.upper()[0]:\n",
        (GUARD,),
    ),
    Mutant(
        "cancel an approved order whose state cannot be read",
        "cancellation/history.py",
        "        if reply.is_unclear or not any(now):\n",
        "        if False:\n",
        (GUARD,),
    ),
    Mutant(
        "send an approved cancel without a read before it",
        "cancellation/history.py",
        "self.only_if_states is not None or self.approval is not None\n",
        "self.only_if_states is not None\n",
        (GUARD, OPERATOR),
    ),
    Mutant(
        "leave the approval out of an order of a set",
        BULK + "recovery.py",
        "            policy = replace(policy, approval=approval)\n",
        "            pass\n",
        (OPERATOR,),
    ),
    Mutant(
        "ask about orders from which the tenant refuses a cancel",
        BULK + "approval.py",
        "        refused = {state.upper() for state in not_cancelable_states}\n",
        "        refused = set()\n",
        (SHOWN, OPERATOR),
    ),
    Mutant(
        "take a yes for another set",
        BULK + "approval.py",
        "            _refuse_other_orders(others | seen.keys(), by_text)\n",
        "",
        (SHOWN,),
    ),
    Mutant(
        "take a yes for another reason or tenant",
        BULK + "approval.py",
        "        if shown.asked != _digest_of_requests(requests, tenant):\n",
        "        if False:\n",
        (SHOWN, OPERATOR),
    ),
    Mutant(
        "believe a record of the shown set that has another digest",
        BULK + "approval.py",
        ' or shown.digest != record["digest"]:\n',
        ":\n",
        (SHOWN,),
    ),
    Mutant(
        "let a question grow with the set",
        BULK + "question.py",
        "            if room < 0:\n",
        "            if False:\n",
        (QUESTION,),
    ),
    Mutant(
        "let a text from elsewhere be Markdown",
        BULK + "question.py",
        r'    return _MARKS.sub(r"\\\g<0>", line)',
        "    return line",
        (QUESTION,),
    ),
    Mutant(
        "take a question that Airflow does not show for one that it shows",
        "approval.py",
        "        if (subject, body) != (question.subject, question.body):\n",
        "        if False:\n",
        (OPERATOR,),
    ),
    Mutant(
        "take any answer but no for a yes",
        "approval.py",
        '        if choice is None or "error" in event:\n',
        "        if False:\n",
        (OPERATOR,),
    ),
    Mutant(
        "take no answer for a yes",
        "approval.py",
        '        if event.get("error_type") == "timeout":\n',
        "        if False:\n",
        (OPERATOR,),
    ),
    Mutant(
        "ask though not every order could be read",
        "approval.py",
        "        if unread or stopped or reported is None:\n",
        "        if reported is None:\n",
        (OPERATOR,),
    ),
    Mutant(
        "go on where no one can answer",
        "approval.py",
        "    if why := nobody_can_answer():\n",
        '    if why := "":\n',
        (OPERATOR,),
    ),
    Mutant(
        "let an earlier yes stand beside a new question",
        "approval.py",
        "        self._withdraw()\n",
        "",
        (OPERATOR,),
    ),
    Mutant(
        "let a yes stand when no retry is to come",
        "operators/bulk.py",
        "            plan.approver.settle()\n",
        "            pass\n",
        (OPERATOR,),
    ),
    Mutant(
        "let approve_above vanish when it comes out as None",
        "operators/bulk.py",
        'self.approve_above if "approve_above" in self._given else NOT_GIVEN,',
        "NOT_GIVEN if self.approve_above is None else self.approve_above,",
        (OPERATOR,),
    ),
    Mutant(
        "cancel another order that an approved name leads to by now",
        "cancellation/history.py",
        "        if self.looked_up_id != reply.looked_up_id:\n",
        "        if False:\n",
        ("tests/cancellation/test_approved_orders.py",),
    ),
    Mutant(
        "let an approval outlive a clear of its task",
        "approval.py",
        '        if head.get("max_tries") != self._max_tries:\n',
        "        if False:\n",
        ("tests/operators/bulk/test_bulk_approval.py",),
    ),
)
