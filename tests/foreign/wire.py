"""Bits, and the table of tic-tac-toe, as docs/protocol.md has them."""

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
PLACED, BEGAN, RESIGNED, TIMED_OUT, DESERTED, OFFERED, DECLINED = range(7)


class Writer:
    def __init__(self):
        self.list = []

    def bits(self, value, count):
        self.list += [value >> at & 1 for at in range(count)]
        return self

    def bool(self, value):
        return self.bits(int(value), 1)

    def varint(self, value):
        while True:
            group, value = value & 15, value >> 4
            self.bits(group | (16 if value else 0), 5)
            if not value:
                return self

    def signed(self, value):
        return self.varint(2 * value if value >= 0 else -2 * value - 1)

    def text(self, value):
        data = value.encode()
        self.varint(len(data))
        for byte in data:
            self.bits(byte, 8)
        return self

    def align(self):
        return self.bits(0, -len(self.list) % 8)

    def bytes(self):
        self.align()
        return bytes(sum(bit << at for at, bit in enumerate(self.list[start : start + 8])) for start in range(0, len(self.list), 8))


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bits(self, count):
        value = 0
        for at in range(count):
            value |= (self.data[self.at // 8] >> self.at % 8 & 1) << at
            self.at += 1
        return value

    def bool(self):
        return self.bits(1) == 1

    def varint(self):
        value = 0
        for group in range(16):
            bits = self.bits(5)
            value |= (bits & 15) << group * 4
            if not bits & 16:
                return value
        raise ValueError("a varint without an end")

    def signed(self):
        value = self.varint()
        return -(value + 1) // 2 if value & 1 else value // 2

    def text(self):
        return bytes(self.bits(8) for _ in range(self.varint())).decode()

    def align(self):
        self.at += -self.at % 8
        return self


class Table:
    """The moments of a match, and what follows from them."""

    def __init__(self, clock_ms=0, offers_ms=0):
        self.clock_ms, self.offers_ms = clock_ms, offers_ms
        self.moments, self.cells, self.turn, self.winner, self.phase = [], [None] * 9, None, None, "waiting"

    def add(self, at_ms, kind, what=0):
        self.moments.append((at_ms, kind, what))
        if kind == PLACED:
            self.cells[what] = self.turn
            line = any(self.cells[a] is not None and self.cells[a] == self.cells[b] == self.cells[c] for a, b, c in LINES)
            if line or None not in self.cells:
                self.phase, self.winner = "over", self.turn if line else None
            self.turn = 1 - self.turn
        elif kind == BEGAN:
            self.cells, self.turn, self.phase = [None] * 9, what, "playing"
        elif kind in (RESIGNED, DESERTED, TIMED_OUT):
            loser = self.turn if kind == TIMED_OUT else what
            self.phase, self.winner = "over", 1 - loser

    def read_whole(self, reader):
        self.__init__(reader.varint(), reader.varint())
        self.read_moments(reader.varint(), reader)

    def read_change(self, reader):
        if reader.bool():
            self.read_moments(reader.varint() if reader.bool() else 1, reader)
        else:
            self.read_whole(reader)

    def read_moments(self, count, reader):
        for _ in range(count):
            at_ms = (self.moments[-1][0] if self.moments else 0) + reader.varint()
            kind = reader.bits(3)
            what = reader.bits(8) if kind == PLACED else 0 if kind == TIMED_OUT else reader.bits(1)
            self.add(at_ms, kind, what)

    def write_whole(self, writer):
        writer.varint(self.clock_ms).varint(self.offers_ms).varint(len(self.moments))
        return self.write_moments(0, writer)

    def write_change(self, since, writer):
        """From what a client has, which is the first `since` moments."""
        count = len(self.moments) - since
        writer.bool(True).bool(count != 1)
        if count != 1:
            writer.varint(count)
        return self.write_moments(since, writer)

    def write_moments(self, since, writer):
        before_ms = self.moments[since - 1][0] if since else 0
        for at_ms, kind, what in self.moments[since:]:
            writer.varint(at_ms - before_ms).bits(kind, 3)
            if kind != TIMED_OUT:
                writer.bits(what, 8 if kind == PLACED else 1)
            before_ms = at_ms
        return writer
