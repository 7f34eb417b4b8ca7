"""PASETO v4.local, as much of it as a room needs: XChaCha20 under BLAKE2b. Python's own library and nothing else."""

import base64
import hashlib
import hmac
import os
import struct

HEADER = "v4.local."


def rotate(value, by):
    return (value << by | value >> 32 - by) & 0xFFFFFFFF


def rounds(state):
    for turn in range(20):
        shift = turn % 2
        for column in range(4):
            a, b, c, d = column, 4 + (column + shift) % 4, 8 + (column + 2 * shift) % 4, 12 + (column + 3 * shift) % 4
            for sum_at, add, turned, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                state[sum_at] = (state[sum_at] + state[add]) & 0xFFFFFFFF
                state[turned] = rotate(state[turned] ^ state[sum_at], by)
    return state


def xchacha20(key, nonce, data):
    constants = struct.unpack("<4I", b"expand 32-byte k")
    mixed = rounds([*constants, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce[:16])])
    subkey = mixed[:4] + mixed[12:]
    stream = b""
    while len(stream) < len(data):
        start = [*constants, *subkey, len(stream) // 64, 0, *struct.unpack("<2I", nonce[16:])]
        stream += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(rounds(list(start)), start)))
    return bytes(a ^ b for a, b in zip(data, stream))


def keys(key, nonce):
    mixed = hashlib.blake2b(b"paseto-encryption-key" + nonce, key=key, digest_size=56).digest()
    return mixed[:32], mixed[32:], hashlib.blake2b(b"paseto-auth-key-for-aead" + nonce, key=key, digest_size=32).digest()


def mac(key, *pieces):
    said = struct.pack("<Q", len(pieces)) + b"".join(struct.pack("<Q", len(piece)) + piece for piece in pieces)
    return hashlib.blake2b(said, key=key, digest_size=32).digest()


def seal(key, text, purpose):
    nonce = os.urandom(32)
    encrypt, counter, authenticate = keys(key, nonce)
    sealed = xchacha20(encrypt, counter, text.encode())
    tag = mac(authenticate, HEADER.encode(), nonce, sealed, b"", purpose)
    return HEADER + base64.urlsafe_b64encode(nonce + sealed + tag).decode().rstrip("=")


def opened(key, token, purpose):
    """What was sealed; ValueError if it was not sealed under this key."""
    if not token.startswith(HEADER):
        raise ValueError("not a v4.local token")
    body = token[len(HEADER) :]
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    nonce, sealed, tag = data[:32], data[32:-32], data[-32:]
    encrypt, counter, authenticate = keys(key, nonce)
    if not hmac.compare_digest(tag, mac(authenticate, HEADER.encode(), nonce, sealed, b"", purpose)):
        raise ValueError("not made for this door")
    return xchacha20(encrypt, counter, sealed).decode()
