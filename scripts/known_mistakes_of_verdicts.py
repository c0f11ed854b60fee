"""The known mistakes of the inbox of verdicts: lost orders, and cancels that leave twice."""

from __future__ import annotations

from scripts.known_mistakes import Mutant

INBOX = "verdicts/inbox.py"
OPERATORS = "operators/verdicts.py"
STORIES = "tests/verdicts/test_inbox_stories.py"
TASKS = "tests/operators/verdicts/test_verdicts.py"
FILES = "verdicts/files.py"
FILE_STORIES = "tests/verdicts/test_verdict_file_stories.py"
FILE_TASKS = "tests/operators/verdicts/test_verdict_files.py"

VERDICT_MUTANTS = (
    Mutant(
        "take orders of an earlier run as if nothing could have been sent",
        INBOX,
        "        in_doubt = one.in_doubt or was_given\n",
        "        in_doubt = one.in_doubt\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "forget orders that a run took and has not settled",
        INBOX,
        "        due=(*left, *given),\n        given=len(given),\n",
        "        due=(),\n        given=0,\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "trust a watermark that has no overlap",
        INBOX,
        "    return event.at > inbox.watermark - policy.overlap and ",
        "    return event.at > inbox.watermark and ",
        (STORIES,),
    ),
    Mutant(
        "forget the orders that are left for the next run",
        INBOX,
        "        due=(*left, *given),\n",
        "        due=tuple(given),\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "let orders that cannot be settled hold up the others",
        INBOX,
        "    queue = [*waiting.values(), *new.values(), *last_given.values()]\n",
        "    queue = [*last_given.values(), *waiting.values(), *new.values()]\n",
        (TASKS,),
    ),
    Mutant(
        "let a verdict that is not final replace one that is",
        INBOX,
        "        if not (reading.is_weak and reading.key in newest):\n",
        "        if True:\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "let an event of a clock that is ahead hide the others",
        INBOX,
        "    watermark = min(max(event.at for event in unread.values()), now)\n",
        "    watermark = max(event.at for event in unread.values())\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "let the verdict that came last win over the one that was made last",
        INBOX,
        "        decided_at = min(verdict.decided_at or event.at, event.at)\n",
        "        decided_at = event.at\n",
        (STORIES,),
    ),
    Mutant(
        "let a clock that is ahead outlive every later verdict",
        INBOX,
        "        decided_at = min(verdict.decided_at or event.at, event.at)\n",
        "        decided_at = verdict.decided_at or event.at\n",
        (STORIES,),
    ),
    Mutant(
        "take the end of one run for that of another",
        INBOX,
        "    has_ended = ends.handout == inbox.handout\n",
        "    has_ended = True\n",
        (STORIES,),
    ),
    Mutant(
        "cancel an order whose newest verdict cannot be read",
        INBOX,
        "            if error.order is None:\n",
        "            if True:\n",
        (TASKS,),
    ),
    Mutant(
        "leave a refused event permanently",
        INBOX,
        "    if inbox.watermark is None or event.number in inbox.refused:\n",
        "    if inbox.watermark is None:\n",
        (STORIES, TASKS),
    ),
    Mutant(
        "send a second cancel for a second verdict without asking",
        INBOX,
        "in_doubt=inbox.is_new or one.key in canceled_before",
        "in_doubt=inbox.is_new",
        (STORIES,),
    ),
    Mutant(
        "take an order for settled after a dry run",
        OPERATORS,
        "    return outcome.is_definite and outcome is not Outcome.WOULD_CANCEL\n",
        "    return outcome.is_definite\n",
        (TASKS,),
    ),
    Mutant(
        "hand out orders whose state was not kept",
        OPERATORS,
        "    if store.get(key) != value:\n",
        "    if False:\n",
        (TASKS,),
    ),
    Mutant(
        "take a row that is announced again for another verdict",
        FILES,
        "FileRow.from_extra(event.payload) or event.number, event)",
        "event.number, event)",
        (FILE_STORIES, FILE_TASKS),
    ),
    Mutant(
        "move another content of the same name, size and time without having read it",
        "verdict_files.py",
        "whole.get((file, digest))",
        "next((read for (each, _), read in whole.items() if each == file), None)",
        (FILE_TASKS,),
    ),
)
