"""A caller that does nothing but write and read bytes: it shows the limit of the stub itself.

No contender of the comparison is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.measure import REASON, Assignment, Measurement, measured
from bench.stub import CANCEL_PATH, TOKEN, answer


def connections(assignment: Assignment) -> Measurement:
    """Cancel orders over as many connections as there are workers.

    :param assignment: what to do.
    """
    with measured(assignment.orders) as cost:
        asyncio.run(_all(assignment))
    return cost()


async def _all(assignment: Assignment) -> None:
    address = assignment.url.removeprefix("http://")
    upcoming = iter(assignment.order_ids)
    await asyncio.gather(*(_one(address, upcoming) for _ in range(assignment.workers)))


async def _one(address: str, upcoming: Iterator[int]) -> None:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for order_id in upcoming:
        body = b'{"orderID":%d,"dispositionReason":"%s"}' % (order_id, REASON.encode())
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: %s\r\n" % (CANCEL_PATH, address.encode())
            + b"Authorization: Bearer %s\r\n" % TOKEN.encode()
            + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        await reader.readexactly(len(answer(order_id, is_canceled=True)))
    writer.close()
    await writer.wait_closed()
