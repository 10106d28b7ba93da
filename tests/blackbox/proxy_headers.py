"""PROXY headers as proxy-protocol.txt of HAProxy has them: written and read anew here, by nothing of the program.

Addresses are text: "192.0.2.1:56324", "[2001:db8::1]:443", "unix:/run/x.sock".
"""
import ipaddress
import re
import struct
from typing import NamedTuple

from peers import socket_address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0, 1
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL, NETNS = 0x01, 0x02, 0x03, 0x04, 0x05, 0x20, 0x30
UNSPEC, TCP4, UDP4, TCP6, UNIX_STREAM = 0x00, 0x11, 0x12, 0x21, 0x31
V1_BYTES_MAX = 107

_ADDRESS_BYTES = {0x0: 0, 0x1: 4, 0x2: 16, 0x3: 108}
_LINE = re.compile(rb"PROXY (?:UNKNOWN(?: [^\r]*)?|TCP([46]) (\S+) (\S+) (0|[1-9]\d*) (0|[1-9]\d*))\r\n")


class Header(NamedTuple):
    version: int
    command: int
    source: str = ""       # empty when the header does not say
    destination: str = ""
    tlvs: tuple = ()       # (type, value), in their order
    crc_is_right: bool = False

    def tlv(self, kind):
        values = [value for each, value in self.tlvs if each == kind]
        assert len(values) == 1, f"one TLV of type {kind:#x}, not {values}"
        return values[0]


def v1(source, destination):
    (source_ip, source_port), (destination_ip, destination_port) = _ip(source), _ip(destination)
    assert source_ip.version == destination_ip.version
    return f"PROXY TCP{source_ip.version} {source_ip} {destination_ip} {source_port} {destination_port}\r\n".encode()


def v1_unknown(rest=""):
    return f"PROXY UNKNOWN{rest}\r\n".encode()


def v2(source, destination, tlvs=(), crc=False):
    if source.startswith("unix:"):
        family = UNIX_STREAM
        addresses = b"".join(each.removeprefix("unix:").encode().ljust(108, b"\0") for each in (source, destination))
    else:
        (source_ip, source_port), (destination_ip, destination_port) = _ip(source), _ip(destination)
        assert source_ip.version == destination_ip.version
        family = {4: TCP4, 6: TCP6}[source_ip.version]
        addresses = source_ip.packed + destination_ip.packed + struct.pack(">HH", source_port, destination_port)
    return v2_of(PROXY, family, addresses, tlvs, crc)


def v2_of(command, family=UNSPEC, addresses=b"", tlvs=(), crc=False):
    """Any header of version 2, the wrong ones as well."""
    body = addresses + b"".join(map(_tlv, tlvs)) + (_tlv((CRC32C, bytes(4))) if crc else b"")
    header = SIGNATURE + struct.pack(">BBH", 0x20 | command, family, len(body)) + body
    return header[:-4] + struct.pack(">I", crc32c(header)) if crc else header


def v2_of_size(source, destination, size):
    """A header of exactly `size` bytes, filled up with a NOOP."""
    return v2(source, destination, [(NOOP, bytes(size - len(v2(source, destination)) - 3))])


def crc32c(data):
    """Bit by bit, from the polynomial (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def receive(peer):
    """The header with which `peer` begins; whatever follows it is still to be received."""
    begin = peer.receive(len(SIGNATURE))  # the shortest of version 1 has 15 bytes
    if begin != SIGNATURE:
        return _read_v1(begin + peer.receive_line())
    head = peer.receive(4)
    return _read_v2(begin + head + peer.receive(struct.unpack(">H", head[2:])[0]))


def _read_v1(line):
    match = _LINE.fullmatch(line)
    assert match and len(line) <= V1_BYTES_MAX, f"no PROXY line: {line!r}"
    family, source, destination, source_port, destination_port = (each and each.decode() for each in match.groups())
    if not family:
        return Header(1, PROXY)
    kind = {"4": ipaddress.IPv4Address, "6": ipaddress.IPv6Address}[family]
    return Header(1, PROXY, _text(kind(source), int(source_port)), _text(kind(destination), int(destination_port)))


def _read_v2(header):
    command, family = header[12], header[13]
    assert command in (0x20, 0x21), f"version and command are {command:#x}"
    assert family in (UNSPEC, TCP4, TCP6, UNIX_STREAM), f"family and transport are {family:#x}"
    size = _ADDRESS_BYTES[family >> 4]
    body, position = header[16:], 2 * size + (4 if family in (TCP4, TCP6) else 0)
    assert len(body) >= position, "too short for its addresses"
    tlvs, crc_is_right = [], False
    while position < len(body):
        kind, length = struct.unpack_from(">BH", body, position)
        value = body[position + 3:position + 3 + length]
        assert len(value) == length, "a TLV is longer than the header"
        if kind == CRC32C:
            at = 16 + position + 3
            crc_is_right = struct.unpack(">I", value)[0] == crc32c(header[:at] + bytes(4) + header[at + 4:])
        tlvs.append((kind, value))
        position += 3 + length
    source, destination = _v2_addresses(family, size, body)
    return Header(2, command & 1, source, destination, tuple(tlvs), crc_is_right)


def _v2_addresses(family, size, body):
    first, second = body[:size], body[size:2 * size]
    if family == UNSPEC:
        return "", ""
    if family == UNIX_STREAM:
        return tuple("unix:" + each.rstrip(b"\0").decode() for each in (first, second))
    ports = struct.unpack_from(">HH", body, 2 * size)
    return tuple(_text(ipaddress.ip_address(each), port) for each, port in zip((first, second), ports))


def _tlv(tlv):
    kind, value = tlv
    return struct.pack(">BH", kind, len(value)) + value


def _ip(text):
    _, (host, port) = socket_address(text)
    return ipaddress.ip_address(host), port


def _text(ip, port):
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"
