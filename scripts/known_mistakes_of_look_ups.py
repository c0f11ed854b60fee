"""The known mistakes of the native API: whose order it is, and where a token goes.

Those of the decision about a native order are in ``known_mistakes_of_native.py``.
"""

from __future__ import annotations

from scripts.known_mistakes import FAULTS, Mutant

CLIENT = "api/client.py"
SEARCH = "api/native_search.py"
LOOK_UPS = "api/look_ups.py"
PARSED = "tests/api/test_native_parse.py"
FOUND = "tests/api/test_native_search.py"
RULES = "tests/api/test_native_rules.py"
HOSTS = "tests/api/test_look_ups_of_hosts.py"
ORDERS = "tests/api/test_look_ups_of_orders.py"
REQUESTS = "tests/api/test_native_requests.py"
CONNECTION = "tests/api/test_native_connection.py"
ON_SOCKETS = "tests/cancellation/test_native_over_sockets.py"

LOOK_UP_MUTANTS = (
    # -- which order a number names
    Mutant(
        "read a looked-up order by a search, which may lag",
        CLIENT,
        "        found = self.id_of(checked)\n",
        "        found = checked\n",
        (ORDERS, ON_SOCKETS),
    ),
    Mutant(
        "take a name in other letters for the same",
        SEARCH,
        "    return given == wanted if exactly else given.lower() == wanted.lower()\n",
        "    return given.lower() == wanted.lower()\n",
        (FOUND, ON_SOCKETS),
    ),
    Mutant(
        "take the first of several orders with one number",
        SEARCH,
        "    if len(orders) >= _SEVERAL:\n",
        "    orders = dict([*orders.items()][:1])\n    if len(orders) > 1:\n",
        (FOUND, ORDERS, ON_SOCKETS),
    ),
    Mutant(
        "take a part of the orders found for all of them",
        SEARCH,
        "    if isinstance(count, bool) or count != len(entries):\n",
        "    if False:\n",
        (FOUND, ORDERS),
    ),
    Mutant(
        "call an order missing because something else was found",
        SEARCH,
        "        if order is None or not names:\n",
        "        if order is None:\n",
        (FOUND,),
    ),
    Mutant(
        "call an order missing because the search is not there",
        SEARCH,
        "    if not isinstance(error, OmsConflictError | OmsNotFoundError):\n",
        "    if True:\n",
        (FOUND, ORDERS, FAULTS),
    ),
    Mutant(
        "cancel an order of another site",
        SEARCH,
        "        if expected.is_site_of(entry):\n",
        "        if True:\n",
        (FOUND, ON_SOCKETS),
    ),
    Mutant(
        "believe another tenant's answer about an order",
        "api/native.py",
        "        if not isinstance(document, dict) or not self._expected.is_tenant_of(document):\n",
        "        if not isinstance(document, dict):\n",
        (PARSED, ON_SOCKETS),
    ),
    Mutant(
        "believe one of two states of an order that was looked up",
        SEARCH,
        "        if orders.setdefault(hit.order_id, hit) != hit:\n",
        "        orders[hit.order_id] = hit\n        if False:\n",
        (FOUND,),
    ),
    Mutant(
        "let a row override the task's kind of number",
        "api/native_rules.py",
        "        if colon and prefix in _PREFIXES and (prefix == key or not is_given):\n",
        "        if colon and prefix in _PREFIXES:\n",
        (RULES,),
    ),
    Mutant(
        "let the value of a filter hold blanks and quotation marks",
        "api/native_rules.py",
        'r"[A-Za-z0-9._#-]{1,200}"',
        'r"[ -~]{1,200}"',
        (RULES,),
    ),
    # -- the meaning of a failed look-up
    Mutant(
        "take a look-up that failed for a cancel that may have been acted on",
        LOOK_UPS,
        "    if error.evidence in _SAYS_WHY:\n",
        "    if True:\n",
        (ORDERS, FAULTS),
    ),
    Mutant(
        "count a look-up as a cancel that was sent",
        LOOK_UPS,
        "        found.was_sent = False\n",
        "        found.was_sent = True\n",
        (ORDERS, FAULTS),
    ),
    # -- where a token goes
    Mutant(
        "send a token to whatever host is looked up",
        LOOK_UPS,
        "    elif not is_kibo(address):\n",
        "    elif False:\n",
        (HOSTS, ON_SOCKETS),
    ),
    Mutant(
        "send a token to a host of Kibo's over plain HTTP",
        LOOK_UPS,
        "    if is_loopback(settings.token_base_url) and is_loopback(address):\n",
        "    if is_loopback(settings.token_base_url):\n",
        (HOSTS,),
    ),
    Mutant(
        "send a token to the host of another tenant",
        LOOK_UPS,
        '    return address, contradiction or ""\n',
        '    return address, ""\n',
        (HOSTS, ON_SOCKETS),
    ),
    Mutant(
        "take another tenant's host for this one's",
        LOOK_UPS,
        'str(fields.get("id")) == str(int(settings.tenant_id)) and ',
        "",
        (HOSTS,),
    ),
    Mutant(
        "ignore a setting that has a meaning for the other API only",
        "api/connection_rules.py",
        "    if not unfit:\n",
        "    if True:\n",
        (CONNECTION,),
    ),
    # -- requests
    Mutant(
        "cancel by the action, which has no reason",
        "api/native.py",
        'ApiCall("PUT", _with_fields(f"{_ORDERS}/cancel/{order_id}", _FIELDS), body)',
        'ApiCall("POST", f"{_ORDERS}/{order_id}/actions", {"actionName": _CANCEL_ACTION})',
        (RULES, REQUESTS),
    ),
    Mutant(
        "let a shopper's data leave Kibo",
        "api/native.py",
        "    return f\"{path}{separator}responseFields={quote(','.join(fields), safe=',()')}\"\n",
        "    return path\n",
        (REQUESTS, FOUND),
    ),
)
