"""How many bits a channel of an image has, from the first bytes of its file."""

import struct


def jpeg2000_bits(head: bytes) -> int:
    """Return the depth in the SIZ marker (ISO/IEC 15444-1, A.5.1)."""
    siz = head.find(b"\xff\x4f\xff\x51")
    if siz < 0:
        return 16
    (channels,) = struct.unpack_from(">H", head, siz + 40)
    return max((head[siz + 42 + 3 * channel] & 0x7F) + 1 for channel in range(channels))


def avif_bits(head: bytes) -> int:
    """Return the depth in the av1C box (AV1 Codec ISO Media File Format Binding, 2.3)."""
    box = head.find(b"av1C")
    if box < 0:
        return 16
    high, twelve = head[box + 6] & 0x40, head[box + 6] & 0x20
    return 12 if twelve else 10 if high else 8
