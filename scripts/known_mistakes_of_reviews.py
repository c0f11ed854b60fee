"""The known mistakes of reviews: orders that are never seen, and orders that were accepted."""

from __future__ import annotations

from scripts.known_mistakes import Mutant

CLIENT = "api/review.py"
NATIVE = "api/native_review.py"
WATCH = "verdicts/review_watch.py"
OPERATOR = "operators/review.py"
TRIGGER = "triggers/review.py"
ADAPTER = "verdicts/adapters/kibo.py"
PAGES = "tests/api/test_reviews.py"
ANSWERS = "tests/api/test_native_review.py"
STORIES = "tests/verdicts/test_review_watch.py"
LISTED = "tests/operators/test_list_orders_in_review.py"
NAMES = "tests/verdicts/test_validator_names.py"
WATCHED = "tests/triggers/test_review_trigger.py"

REVIEW_MUTANTS = (
    Mutant(
        "let a missing connection end the watch",
        TRIGGER,
        "        except Exception as error:  # noqa: BLE001 - no trouble may end the watch\n",
        "        except OmsError as error:\n",
        (WATCHED,),
    ),
    Mutant(
        "take names of one validator for two where only letter case differs",
        ADAPTER,
        "                _expect_clear_names(results, found)\n",
        "                pass\n",
        (NAMES,),
    ),
    Mutant(
        "let an adapter's own error end the list, with a shopper's data",
        "verdicts/verdict.py",
        "    except Exception as error:  # noqa: BLE001 - one that the author of an adapter "
        "did not expect\n",
        "    except ImportError as error:\n",
        (LISTED,),
    ),
    Mutant(
        "page by position over orders that leave their review",
        CLIENT,
        "                since, start = page.last, 0\n",
        "                start += page.length\n",
        (PAGES,),
    ),
    Mutant(
        "begin behind the last order of a page",
        NATIVE,
        'terms += f" and submittedDate ge {_time(since)}"',
        'terms += f" and submittedDate gt {_time(since)}"',
        (ANSWERS,),
    ),
    Mutant(
        "trust the sequence of a page that is not sorted",
        NATIVE,
        "    is_sorted = len(known) == len(times) and known == sorted(known)\n",
        "    is_sorted = len(known) == len(times)\n",
        (ANSWERS,),
    ),
    Mutant(
        "take a lost event for an order that is not in review",
        WATCH,
        "            if self._reported.get(order_id) != results:\n",
        "            if self._reported.get(order_id, results) != results:\n",
        (STORIES,),
    ),
    Mutant(
        "ask for no event twice, however late one comes",
        WATCH,
        "        return self._newest - self._overlap\n",
        "        return self._newest\n",
        (STORIES,),
    ),
    Mutant(
        "let an event of a clock that is ahead hide the others of a review",
        WATCH,
        "max(self._newest, min(created_at, now))",
        "max(self._newest, created_at)",
        (STORIES,),
    ),
    Mutant(
        "forget an order that is not there yet",
        WATCH,
        "        self._waiting[order_id] = began_at\n        return True\n",
        "        return True\n",
        (STORIES, WATCHED),
    ),
    Mutant(
        "report no review that begins again",
        WATCH,
        "                self._reported.pop(event.order_id, None)\n",
        "",
        (STORIES,),
    ),
    Mutant(
        "let an order that cannot be read hold up the others",
        TRIGGER,
        "                if trouble is not None or client.rest:\n                    raise\n",
        "                raise\n",
        (WATCHED,),
    ),
    Mutant(
        "believe a search that lags behind",
        OPERATOR,
        "        return current.is_in_review and self._is_to_cancel(current, refused)\n",
        "        return True\n",
        (LISTED,),
    ),
    Mutant(
        "take a result that is not known for one that keeps the order",
        OPERATOR,
        "        if refused and is_strict:\n",
        "        if False:\n",
        (LISTED,),
    ),
)
