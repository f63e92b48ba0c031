"""aioice's agent, driven by JSON lines as test/natlab/ice-peer.ts is."""

import asyncio
import json
import sys
import time

import aioice


def tell(type, **fields):
    print(json.dumps({"type": type, "at": time.time() * 1000, **fields}), flush=True)


class Peer:
    def __init__(self):
        self.connection = None
        self.tasks = []

    async def open(self, servers, options):
        settings = {}
        for server in servers:
            urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
            for url in urls:
                scheme, rest = url.split(":", 1)
                rest, _, query = rest.partition("?")
                host, _, port = rest.rpartition(":")
                address = (host, int(port))
                if scheme == "stun":
                    settings["stun_server"] = address
                elif scheme == "turn" and "turn_server" not in settings:
                    settings["turn_server"] = address
                    settings["turn_username"] = server["username"]
                    settings["turn_password"] = server["credential"]
                    settings["turn_transport"] = "tcp" if "tcp" in query else "udp"
        controlling = options["role"] == "controlling"
        self.connection = aioice.Connection(ice_controlling=controlling, **settings)
        await self.connection.gather_candidates()
        tell(
            "opened",
            credentials={
                "ufrag": self.connection.local_username,
                "password": self.connection.local_password,
            },
        )
        for candidate in self.connection.local_candidates:
            tell("candidate", text="candidate:" + candidate.to_sdp())
        tell("endOfCandidates")

    async def connect(self):
        connection = self.connection
        try:
            await connection.connect()
        except ConnectionError as error:
            tell("state", state="failed", failure=str(error))
            return
        pair = connection._nominated[1]
        tell("pair", pair=self.describe(pair))
        tell("state", state="connected")
        while True:
            try:
                data = await connection.recv()
            except ConnectionError:
                return
            tell("datagram", text=data.decode())

    def describe(self, pair):
        ends = {"local": pair.local_candidate, "remote": pair.remote_candidate}
        told = {
            name: {"type": end.type, "host": end.host, "port": end.port}
            for name, end in ends.items()
        }
        relayed = any(end.type == "relay" for end in ends.values())
        return {**told, "isRelayed": relayed}

    async def handle(self, command):
        kind = command["type"]
        connection = self.connection
        if kind == "open":
            await self.open(command["servers"], command["options"])
        elif kind == "credentials":
            connection.remote_username = command["credentials"]["ufrag"]
            connection.remote_password = command["credentials"]["password"]
        elif kind == "candidate":
            text = command["text"].removeprefix("candidate:")
            await connection.add_remote_candidate(aioice.Candidate.from_sdp(text))
        elif kind == "endOfCandidates":
            await connection.add_remote_candidate(None)
            self.tasks.append(asyncio.create_task(self.connect()))
        elif kind == "send":
            try:
                await connection.send(command["text"].encode())
            except ConnectionError:
                pass  # not connected yet: it is sent again
        elif kind == "close":
            await connection.close()
            for task in self.tasks:
                task.cancel()
            self.tasks = []
            tell("closed")


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell("ready")
    while line := await reader.readline():
        await peer.handle(json.loads(line))


asyncio.run(main())
