"""The known mistakes about parts of an order: a quantity that is canceled twice, or wrongly."""

from __future__ import annotations

from scripts.known_mistakes import Mutant

PARTS = "cancellation/parts/"
STORIES = "tests/cancellation/parts/test_part_stories.py"
PLAN = "tests/cancellation/parts/test_plan.py"
WANTED = "tests/cancellation/parts/test_wanted.py"
RECORD = "tests/cancellation/parts/test_record.py"
NATIVE = "tests/api/test_native_part_requests.py"
TRANSLATED = "tests/api/test_translated_parts.py"
OPERATORS = "tests/operators/test_cancel_parts_operators.py"
SET = "cancellation/bulk/"
DOOR = "tests/cancellation/bulk/test_part_entries.py"
UNITS = "tests/cancellation/parts/test_part_units.py"
SET_STORIES = "tests/cancellation/parts/test_part_set_stories.py"

PART_MUTANTS = (
    # -- the plan
    Mutant(
        "take a quantity that comes out as nothing for the whole line",
        f"{PARTS}wanted.py",
        '        if "quantity" in given:\n',
        '        if given.get("quantity"):\n',
        (WANTED, OPERATORS),
    ),
    Mutant(
        "cancel the last open line without a word",
        f"{PARTS}plan.py",
        "    if amounts and not allow_whole_order and (left == 0 or not shown.shows_all):\n",
        "    if amounts and not allow_whole_order and not shown.shows_all:\n",
        (PLAN,),
    ),
    Mutant(
        "cancel a line whose order's other lines cannot be read",
        f"{PARTS}plan.py",
        "(left == 0 or not shown.shows_all):\n",
        "left == 0:\n",
        (PLAN,),
    ),
    Mutant(
        "cancel some items though another one is refused",
        f"{PARTS}plan.py",
        "        return Plan(order_id, (), tuple(reached), tuple(refusals))\n    left",
        "        pass\n    left",
        (PLAN,),
    ),
    Mutant(
        "cancel the quantity once in each shipment",
        f"{PARTS}plan.py",
        "                left -= taken\n",
        "                pass\n",
        (PLAN, STORIES),
    ),
    # -- the evidence of a read
    Mutant(
        "take more than the target for the target",
        f"{PARTS}assessment.py",
        "        if canceled == share.target:\n",
        "        if canceled >= share.target:\n",
        (PLAN,),
    ),
    Mutant(
        "send against a count that another client has changed",
        f"{PARTS}assessment.py",
        "        if canceled != share.base:\n",
        "        if False:\n",
        (PLAN, STORIES),
    ),
    Mutant(
        "send a quantity that is not open any more",
        f"{PARTS}adapter.py",
        "        return reply.obstacle or Policy.objection(self, reply)\n",
        "        return Policy.objection(self, reply)\n",
        (RECORD,),
    ),
    Mutant(
        "take a change of another client for no cancel by this task",
        f"{PARTS}adapter.py",
        "        if found.standing is Standing.CHANGED and self._may_have_acted:\n",
        "        if False:\n",
        (STORIES,),
    ),
    # -- the record
    Mutant(
        "forget that an earlier attempt had no record",
        f"{PARTS}record.py",
        '            if plan is None and (progress is not None or not head["whole"]):\n',
        "            if plan is None and progress is not None:\n",
        (RECORD,),
    ),
    Mutant(
        "use a plan for another cancellation",
        f"{PARTS}record.py",
        '        if plan["of"] != self._of:\n',
        "        if False:\n",
        (RECORD,),
    ),
    Mutant(
        "take the parts of an earlier plan for untouched ones",
        f"{PARTS}run.py",
        "        doubt_since = self._doubt_since if self._is_repeated else None\n",
        "        doubt_since = None\n",
        (RECORD, STORIES),
    ),
    Mutant(
        "send a plain quantity on a later attempt without a record",
        f"{PARTS}run.py",
        "self._begun is None and self._task.is_relative and not self._policy.dry_run:\n",
        "False:\n",
        (RECORD, STORIES),
    ),
    Mutant(
        "plan on a later attempt before the time to settle",
        f"{PARTS}run.py",
        "in_doubt_for=0.0 if self._begun is None and not self._policy.dry_run else None,\n",
        "in_doubt_for=None,\n",
        (RECORD,),
    ),
    Mutant(
        "send though the plan is not on record",
        f"{PARTS}run.py",
        "                return self._all_end(Outcome.NOT_ATTEMPTED, reason)\n",
        "                del reason\n",
        (RECORD,),
    ),
    Mutant(
        "begin before the lease of an attempt that may still run is over",
        f"{PARTS}run.py",
        "            self._around.sleep(min(left, LEASE))\n",
        "            pass\n",
        (RECORD,),
    ),
    Mutant(
        "let a cancel leave after its lease",
        f"{PARTS}run.py",
        "        return lambda: self._around.clock() < ends_at\n",
        "        return lambda: True\n",
        (RECORD,),
    ),
    # -- the calls
    Mutant(
        "send no If-Match",
        "api/native_parts.py",
        '        headers = {} if cancel.version is None else {"If-Match": cancel.version}\n',
        "        headers: dict[str, str] = {}\n",
        (NATIVE,),
    ),
    Mutant(
        "cancel a shipment of another order",
        "api/native_parts.py",
        "            if shown.order_id != order_id:\n",
        "            if False:\n",
        (NATIVE,),
    ),
    Mutant(
        "count canceled quantities as open where a shipment still shows them",
        "api/native_shipments.py",
        "min(in_it, max(0, self.at_first.get(line, in_it + canceled) - canceled))\n",
        "in_it\n",
        (NATIVE,),
    ),
    Mutant(
        "cancel a line of another order",
        "api/translated_parts.py",
        '        if whole_number(fields.get("orderID")) != order_id:\n',
        "        if False:\n",
        (TRANSLATED,),
    ),
    Mutant(
        "believe a search for items that leaves some out",
        "api/translated_parts.py",
        "            if len(found) >= total:\n",
        "            if found:\n",
        (TRANSLATED,),
    ),
    Mutant(
        "keep no journal",
        "operators/parts.py",
        "                journal=task_state_store(context),\n",
        "",
        (OPERATORS,),
    ),
    # -- in a set
    Mutant(
        "take a blank quantity of an entry for the whole line",
        f"{SET}part_entries.py",
        "        if len(amounts) != 1 and any(key in fields for key in _AMOUNTS):\n",
        "        if len(amounts) > 1:\n",
        (DOOR,),
    ),
    Mutant(
        "take a blank line for the whole order",
        f"{SET}part_entries.py",
        "    return isinstance(entry, Mapping) and any(key in entry for key in PART_KEYS)\n",
        "    return isinstance(entry, Mapping) and any(entry.get(key) for key in PART_KEYS)\n",
        (DOOR,),
    ),
    Mutant(
        "cancel an order as a whole and in part",
        f"{SET}order_set.py",
        "            if order_id in requests and order_id in parts:\n",
        "            if False:\n",
        (DOOR,),
    ),
    Mutant(
        "begin an order without a note of it in the journal",
        f"{SET}part_units.py",
        "            self._journal.write([self._key(order_id)], [], ",
        "            self._journal.write([], [], ",
        (SET_STORIES,),
    ),
    Mutant(
        "take an order that was begun for an untouched one",
        f"{SET}part_units.py",
        "        return self._journal.is_whole and not is_begun and ",
        "        return self._journal.is_whole and ",
        (SET_STORIES,),
    ),
    Mutant(
        "go on with parts though the run has stopped",
        f"{SET}part_units.py",
        "        if self._host.stopped:\n",
        "        if False:\n",
        (UNITS,),
    ),
)
