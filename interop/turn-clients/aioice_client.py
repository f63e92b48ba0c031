"""Allocates by aioice's client, over UDP or TCP, and echoes through the relay."""

import asyncio
import sys

from aioice import turn

COUNT = 200


class Endpoint(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, address):
        self.received.put_nowait((data, tuple(address)))


async def allocate(server, transport):
    return await turn.create_turn_endpoint(
        Endpoint,
        server_addr=server,
        username="alice",
        password="wonderland",
        transport=transport,
    )


async def talk(transport, port):
    server = ("127.0.0.1", port)
    a, ends_a = await allocate(server, transport)
    b, ends_b = await allocate(server, transport)
    to_a, to_b = (tuple(end.get_extra_info("sockname")) for end in (a, b))
    # aioice binds a channel with the first packet to a peer; until both have, packets are dropped.
    while ends_a.received.empty() or ends_b.received.empty():
        a.sendto(b"open", to_b)
        b.sendto(b"open", to_a)
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)
    for ends in (ends_a, ends_b):
        while not ends.received.empty():
            ends.received.get_nowait()
    for number in range(COUNT):
        payload = b"message %d" % number
        a.sendto(payload, to_b)
        assert await asyncio.wait_for(ends_b.received.get(), 5) == (payload, to_a)
        b.sendto(payload, to_a)
        assert await asyncio.wait_for(ends_a.received.get(), 5) == (payload, to_b)
    a.close()
    b.close()
    await asyncio.sleep(0.3)
    print(f"echoed {COUNT}")


asyncio.run(talk(sys.argv[1], int(sys.argv[2])))
