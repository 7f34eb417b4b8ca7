"""A player's client of tic-tac-toe, written from docs/protocol.md alone.

    python3 player.py URL QUEUE SCHEMA [--lose-connection]

Comes in as a guest, waits for a match, puts its mark in the first free cell whenever it is its turn, wants no rematch,
and prints, as JSON, what the room and then the lobby said of the end. With --lose-connection it drops its socket after its
first move, and takes its seat again.
"""

import json
import sys
import time
import urllib.request

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from wire import Reader, Table, Writer

HELLO, INPUT, ACK, COMMAND, PING, LEAVE = range(6)
STATE, WELCOME, ROSTER, REFUSED, NOTICE, ENDED, PONG = range(7)


def call(base, method, path, bearer=None, body=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method), timeout=20)


def assignment(base, bearer, queue):
    ticket = json.load(call(base, "POST", "/v1/tickets", bearer, {"queue": queue, "idempotency_key": "first"}))
    with call(base, "GET", f"/v1/tickets/{ticket['id']}/events", bearer) as events:
        name = None
        for line in events:
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            if field == "event":
                name = value.strip()
            elif field == "data" and name == "assigned":
                return json.loads(value)
            elif field == "data" and name == "ended":
                raise SystemExit(f"the ticket ended: {value}")
    raise SystemExit("the events ended without a seat")


def say(socket, message):
    """What cannot be sent any more shows at the next read, behind what came before the end."""
    try:
        socket.send(message)
    except ConnectionClosed:
        pass


class Player:
    def __init__(self, url, token, schema):
        self.url, self.token, self.schema = url, token, schema
        self.table, self.seat, self.commands, self.acted, self.ended = Table(), None, 0, None, None

    def sit(self, leave_after_move):
        """Plays on one socket. Whether the match is over."""
        protocols = ["bellhop.v1", f"bellhop.token.{self.token}"]
        with connect(self.url, subprotocols=protocols, compression=None, open_timeout=20) as socket:
            assert socket.subprotocol == "bellhop.v1"
            socket.send(Writer().bits(HELLO, 3).bits(self.schema, 64).bool(False).bytes())
            socket.send(Writer().bits(PING, 3).varint(int(time.monotonic() * 1000)).bytes())
            try:
                while True:
                    self.hear(Reader(socket.recv(timeout=20)), socket)
                    if self.act(socket) and leave_after_move:
                        # Without a word, as a network that is gone.
                        socket.socket.close()
                        return False
            except ConnectionClosed as closed:
                assert closed.rcvd and closed.rcvd.code == 1000 and self.ended, f"closed: {closed}"
                return True

    def hear(self, reader, socket):
        kind = reader.bits(3)
        if kind == STATE:
            has_body, inputs, dealt = reader.bool(), reader.bool(), reader.bool()
            for present in (inputs, dealt):
                if present and reader.bool():
                    reader.varint()
            reader.align()
            if has_body:
                self.read_body(reader)
                say(socket, Writer().bits(ACK, 3).varint(1).varint(0).bytes())
        elif kind == WELCOME:
            self.seat, _epoch, _hz, _every = (reader.varint() for _ in range(4))
            self.token, _config, done = reader.text(), reader.text(), reader.varint()
            # What was said on the last socket and did not arrive is said again.
            if done < self.commands:
                self.commands, self.acted = done, None
        elif kind == REFUSED:
            raise SystemExit(f"command {reader.varint()} was refused: {reader.text()}")
        elif kind == ENDED:
            seats = [(reader.varint(), reader.varint(), reader.signed()) for _ in range(reader.varint())]
            self.ended = {"seats": seats, "reason": reader.text(), "rated": reader.bool()}

    def read_body(self, reader):
        whole, more = reader.bool(), reader.bool()
        if whole and more:
            reader.varint(), reader.varint()
        elif more:
            reader.varint()
        if reader.bool():
            reader.bits(16)
        assert not reader.bool(), "tic-tac-toe has no events of its own"
        if whole and more:
            self.table.read_whole(reader)
        elif not whole:
            self.table.read_change(reader)

    def act(self, socket):
        now = len(self.table.moments)
        over = self.table.phase == "over"
        turn = self.table.phase == "playing" and self.table.turn == self.seat
        if self.seat is None or self.ended or self.acted == now or not (turn or over):
            return False
        self.acted, self.commands = now, self.commands + 1
        command = Writer().bits(3, 2) if over else Writer().bits(0, 2).bits(self.table.cells.index(None), 8)
        say(socket, Writer().bits(COMMAND, 3).varint(self.commands).bytes() + command.bytes())
        return True


def main(base, queue, schema, *more):
    session = json.load(call(base, "POST", "/v1/guests", body={"name": "Python"}))
    way = assignment(base, session["token"], queue)
    player = Player(way["url"], way["token"], int(schema, 16))
    lose = "--lose-connection" in more
    while not player.sit(lose):
        lose = False
    deadline = time.monotonic() + 10
    while True:
        found = json.load(call(base, "GET", f"/v1/matches/{way['match_id']}", session["token"]))
        if found["state"] != "playing" or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    ranks = {str(seat["seat"]): seat["rank"] for seat in found["seats"]}
    print(json.dumps({"seat": player.seat, "room": player.ended, "lobby": {"state": found["state"], "ranks": ranks}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
