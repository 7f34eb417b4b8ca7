"""A room that is not ours: hosts tic-tac-toe for a lobby. Written from docs/protocol.md and the .proto files alone.

    python3 room.py LOBBY FLEET TOKEN_FILE SCHEMA

One match at a time, one game a match, no clocks. Prints a line for each match it is asked for and for each acknowledged result, and
leaves when it was drained or stopped.
"""

import asyncio
import http
import os
import sys
import time

import grpc
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import tokens
from wire import BEGAN, DECLINED, DESERTED, OFFERED, PLACED, RESIGNED, Reader, Table, Writer

proto, services = grpc.protos_and_services("bellhop/v1/rooms.proto")

RESERVED, LIVE, DROPPED, LEFT = 1, 2, 3, 4
HELLO, INPUT, ACK, COMMAND, PING, LEAVE, VISIBLE, WANT_KEYFRAME = range(8)
STATE, WELCOME, ROSTER, REFUSED, NOTICE, ENDED, PONG = range(7)


class Seat:
    def __init__(self, said):
        self.said, self.presence, self.socket, self.commands, self.has = said, RESERVED, None, 0, 0


class Match:
    def __init__(self, host):
        self.host, self.began, self.table, self.nonces = host, time.monotonic(), Table(60_000, 15_000), set()
        self.seats = {seat.seat: Seat(seat) for seat in host.seats}

    def now_ms(self):
        return int((time.monotonic() - self.began) * 1000)


class Room:
    def __init__(self, fleet, address, schema):
        self.fleet, self.address, self.schema = fleet, address, schema
        self.key, self.id, self.routing = os.urandom(32), "", ""
        self.match, self.result, self.draining, self.over = None, None, False, asyncio.Event()
        self.up = asyncio.Queue()

    # The lobby's side.

    def seat_reports(self):
        return [
            proto.SeatReport(seat=number, player_id=seat.said.player_id, presence=seat.presence)
            for number, seat in self.match.seats.items()
        ]

    def say(self, **kind):
        self.up.put_nowait(proto.RoomMessage(**kind))

    def report(self):
        self.sequence += 1
        said = proto.Report(sequence=self.sequence, draining=self.draining, health=proto.Health())
        if self.match:
            said.match_id, said.epoch = self.match.host.match_id, self.match.host.epoch
            said.seats.extend(self.seat_reports())
        self.say(report=said)

    def hello(self):
        game = proto.GameInfo(name="tictactoe", schema=self.schema, min_seats=2, max_seats=2)
        said = proto.Hello(room_id=self.id, fleet=self.fleet, address=self.address, seat_key=self.key, games=[game])
        said.draining, said.version = self.draining, "python"
        if self.match:
            host = self.match.host
            said.running.CopyFrom(proto.Running(match_id=host.match_id, epoch=host.epoch, seats=self.seat_reports()))
        return proto.RoomMessage(hello=said)

    async def attach(self, lobby, token_file):
        """One stream after the other, until the room is over."""
        while not self.over.is_set():
            with open(token_file) as file:
                bearer = ("authorization", f"Bearer {file.read().strip()}")
            self.up, self.sequence = asyncio.Queue(), 0
            async with grpc.aio.insecure_channel(lobby) as channel:
                stream = services.RoomsStub(channel).Attach(metadata=[bearer])
                try:
                    await stream.write(self.hello())
                    writer = asyncio.create_task(self.write(stream))
                    async for message in stream:
                        self.obey(message)
                        if self.over.is_set():
                            break
                    writer.cancel()
                except grpc.aio.AioRpcError as error:
                    print(f"stream: {error.code()} {error.details()}", file=sys.stderr, flush=True)
                    await asyncio.sleep(0.1)

    async def write(self, stream):
        while True:
            await stream.write(await self.up.get())

    async def heartbeat(self):
        while not self.over.is_set():
            await asyncio.sleep(1)
            if self.id:
                self.tell()

    def tell(self):
        self.report()
        if self.result:
            self.say(result=self.result)

    def obey(self, message):
        kind = message.WhichOneof("kind")
        said = getattr(message, kind) if kind else None
        if kind == "welcome":
            self.id, self.routing = said.room_id, said.routing
            self.tell()
        elif kind == "host":
            reason = "it plays" if self.match else "it leaves" if self.draining else ""
            reason = reason or ("" if said.game == "tictactoe" else "another game")
            answer = dict(match_id=said.match_id, epoch=said.epoch)
            if reason:
                self.say(host_refused=proto.HostRefused(reason=reason, **answer))
            else:
                print(f"host {said.match_id}", flush=True)
                self.match = Match(said)
                self.say(host_accepted=proto.HostAccepted(**answer))
            self.report()
        elif kind == "release_seats" and self.match and said.epoch == self.match.host.epoch:
            for number in said.seats:
                self.leave(number)
        elif kind == "call_off" and self.match and said.epoch == self.match.host.epoch:
            self.end(None, said.reason, rated=False)
        elif kind == "result_ack" and self.result and said.epoch == self.result.epoch:
            print(f"acknowledged {said.match_id}", flush=True)
            self.result = None
            if self.draining:
                self.over.set()
            else:
                self.say(ready=proto.Ready())
        elif kind == "drain":
            self.draining = True
            self.report()
            if not self.match and not self.result:
                self.over.set()
        elif kind == "stop":
            self.over.set()

    # The players' side.

    def claim(self, token):
        """The seat that a token opens, by its number; ValueError if it opens none."""
        sealed = token.split("~", 1)[1]
        epoch, match, player, seat, expires, nonce, resume = tokens.opened(self.key, sealed, b"bellhop seat 1").split("\n")
        place = self.match and self.match.seats.get(int(seat))
        if not place or (int(epoch), match) != (self.match.host.epoch, self.match.host.match_id):
            raise ValueError("no such match runs here")
        if int(expires) < time.time() * 1000 or (nonce in self.match.nonces):
            raise ValueError("expired, or used before")
        if place.said.player_id != player or place.presence == LEFT:
            raise ValueError("not this player's seat any more")
        if resume == "0":
            self.match.nonces.add(nonce)
        return int(seat)

    def admit(self, connection, request):
        """Answers before the upgrade to who may not come in."""
        if request.path != f"/rooms/{self.id}":
            return connection.respond(http.HTTPStatus.NOT_FOUND, "another room listens here")
        offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        try:
            token = next(part.removeprefix("bellhop.token.") for part in offered if part.startswith("bellhop.token."))
            connection.seat = self.claim(token)
        except (ValueError, IndexError, StopIteration) as error:
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, str(error))
        return None

    async def play(self, socket):
        match, number = self.match, socket.seat
        seat = match.seats[number]
        try:
            async for data in socket:
                reader = Reader(data)
                kind = reader.bits(3)
                if seat.socket is not socket:
                    if kind != HELLO or reader.bits(64) != self.schema:
                        return await socket.close(4002 if kind == HELLO else 4000)
                    await self.join(match, number, socket)
                elif kind == COMMAND:
                    await self.command(match, number, reader.varint(), reader.align())
                elif kind == PING:
                    pong = Writer().bits(PONG, 3).varint(reader.varint()).varint(match.now_ms()).bool(match.table.phase == "playing")
                    await socket.send(pong.bytes())
                elif kind == LEAVE:
                    self.leave(number)
                elif kind == WANT_KEYFRAME:
                    await self.state(match, seat, whole=True)
        except ConnectionClosed:
            pass
        finally:
            if seat.socket is socket:
                seat.socket = None
                if self.match is match and seat.presence == LIVE:
                    seat.presence = DROPPED
                    self.report()

    async def join(self, match, number, socket):
        seat, host = match.seats[number], match.host
        old, seat.socket, seat.presence = seat.socket, socket, LIVE
        if old:
            await old.close(4001)
        claims = [host.epoch, host.match_id, seat.said.player_id, number, int(time.time() * 1000) + 600_000, 0, 1]
        resume = self.routing + "~" + tokens.seal(self.key, "\n".join(map(str, claims)), b"bellhop seat 1")
        welcome = Writer().bits(WELCOME, 3).varint(number).varint(host.epoch).varint(0).varint(1).text(resume).text(host.config_json)
        await socket.send(welcome.varint(seat.commands).varint(match.now_ms()).bool(match.table.phase == "playing").bool(False).bytes())
        everybody = Writer().bits(ROSTER, 3).varint(len(match.seats))
        for at, one in match.seats.items():
            everybody.varint(at).text(one.said.name).text(one.said.tag).bits(one.presence - 1, 2).varint(one.said.team)
        for one in match.seats.values():
            await self.send(one, everybody)
        await self.state(match, seat, whole=True)
        self.report()
        if match.table.phase == "waiting" and all(one.presence == LIVE for one in match.seats.values()):
            for one in match.seats.values():
                await self.send(one, Writer().bits(NOTICE, 3).varint(match.now_ms()).bits(3, 2))
            match.table.add(match.now_ms(), BEGAN, host.seed & 1)
            await self.tell_all(match)

    async def send(self, seat, message):
        """To whoever sits there; a socket that is gone is noticed where it is read."""
        if seat.socket:
            try:
                await seat.socket.send(message.bytes())
            except ConnectionClosed:
                pass

    async def state(self, match, seat, whole=False, dealt=False):
        """What this client has not: everything, or the moments since."""
        if not seat.socket:
            return
        table = match.table
        writer = Writer().bits(STATE, 3).bool(True).bool(False).bool(dealt)
        if dealt:
            writer.bool(False)
        writer.align()
        if whole:
            writer.bool(True).bool(True).varint(len(table.moments)).varint(0)
        else:
            writer.bool(False).bool(False)
        writer.bool(False).bool(False)
        writer = table.write_whole(writer) if whole else table.write_change(seat.has, writer)
        seat.has = len(table.moments)
        await self.send(seat, writer)

    async def tell_all(self, match, by=None):
        for number, seat in match.seats.items():
            await self.state(match, seat, dealt=number == by)

    async def command(self, match, number, id, reader):
        seat, table = match.seats[number], match.table
        if id <= seat.commands:
            return
        seat.commands = id
        what = reader.bits(2)
        cell = reader.bits(8) if what == 0 else None
        if what == 0 and table.phase == "playing" and table.turn == number and cell < 9 and table.cells[cell] is None:
            table.add(match.now_ms(), PLACED, cell)
        elif what == 1 and table.phase == "playing":
            table.add(match.now_ms(), RESIGNED, number)
        elif what in (2, 3) and table.phase == "over":
            table.add(match.now_ms(), OFFERED if what == 2 else DECLINED, number)
        else:
            return await self.send(seat, Writer().bits(REFUSED, 3).varint(id).text("not now"))
        await self.tell_all(match, by=number)
        if table.phase == "over" and self.match is match:
            self.end(table.winner, "over", rated=True)

    def leave(self, number):
        seat, table = self.match.seats[number], self.match.table
        seat.presence = LEFT
        table.add(self.match.now_ms(), DESERTED, number)
        self.end(1 - number, "left", rated=True)

    def end(self, winner, reason, rated):
        """The lobby is told first: who hears that it is over may queue again at once."""
        match, self.match = self.match, None
        ranks = {number: 1 if winner in (None, number) else 2 for number in match.seats}
        result = proto.MatchResult(match_id=match.host.match_id, epoch=match.host.epoch, rated=rated, reason=reason)
        result.duration_ms = match.now_ms()
        for number, seat in match.seats.items():
            score = int(winner == number)
            result.seats.add(seat=number, player_id=seat.said.player_id, rank=ranks[number], score=score)
        self.result = result
        self.tell()
        ended = Writer().bits(ENDED, 3).varint(len(result.seats))
        for one in sorted(result.seats, key=lambda one: one.rank):
            ended.varint(one.seat).varint(one.rank).signed(one.score)
        asyncio.get_running_loop().create_task(self.farewell(match, ended.text(reason).bool(rated)))

    async def farewell(self, match, message):
        for seat in match.seats.values():
            await self.send(seat, message)
            if seat.socket:
                await seat.socket.close(1000)


async def main(lobby, fleet, token_file, schema):
    room = Room(fleet, "", int(schema, 16))
    server = await serve(
        room.play, "127.0.0.1", 0, process_request=room.admit, subprotocols=["bellhop.v1"], compression=None, max_size=16_384
    )
    room.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    heart = asyncio.create_task(room.heartbeat())
    await room.attach(lobby, token_file)
    heart.cancel()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
