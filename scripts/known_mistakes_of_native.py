"""The known mistakes that concern native tenants; the others are in ``known_mistakes.py``."""

from __future__ import annotations

from scripts.known_mistakes import DECISION, SIMULATION, Mutant

NATIVE = "tests/cancellation/test_native_decisions.py"

NATIVE_MUTANTS = (
    Mutant(
        "send a cancel again that a native tenant took and does not show",
        DECISION,
        "        return _after_acceptance(history, now, post)\n",
        "        return _after_doubt(history, now, post.at)\n",
        (NATIVE, SIMULATION),
    ),
    Mutant(
        "give up at once on a cancel that a native tenant took",
        DECISION,
        "    settled_at = post.at + policy.settle_seconds if policy.settles_after_acceptance else ",
        "    settled_at = post.at if policy.settles_after_acceptance else ",
        (NATIVE, SIMULATION),
    ),
    Mutant(
        "blame the order's state for a request that is wrong",
        DECISION,
        "        refused = found.reply.is_cancelable is True\n",
        "        refused = False\n",
        (NATIVE, SIMULATION),
    ),
    Mutant(
        "blame the request for an order that does not say that it can be canceled",
        DECISION,
        "        refused = found.reply.is_cancelable is True\n",
        "        refused = found.reply.is_cancelable is not False\n",
        (NATIVE,),
        not_simulated="a translated tenant's conflict is about the order's state there",
    ),
)
