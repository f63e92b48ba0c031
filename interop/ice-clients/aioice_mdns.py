"""Answers for one name by aioice's mDNS: NAME ADDRESS."""

import asyncio
import sys

from aioice import mdns


async def main():
    protocol = await mdns.create_mdns_protocol()
    await protocol.publish(sys.argv[1], sys.argv[2])
    print("published", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
