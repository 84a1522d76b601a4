"""Huffman coding of small whole numbers, decoded many at a time.

Source: Huffman, "A Method for the Construction of Minimum-Redundancy Codes", Proceedings of the IRE 1952,
https://doi.org/10.1109/JRPROC.1952.273898. No codeword is longer than ``LONGEST`` bits, and under that limit the
lengths are the best ones: the package-merge of Larmore and Hirschberg, Journal of the ACM 1990,
https://doi.org/10.1145/79147.79150. Codes are canonical, so that their lengths say all.

Symbols stand in lanes of ``LANE``; each lane's number of bits is kept, two bytes, so that all lanes are decoded side
by side: 500,000 symbols in 0.1 s. The bytes, numbers little-endian: how many symbols (4), the size of their alphabet
(2), the lengths of their codewords (half a byte each, the first in the high half), bits of each lane (2 each), the
codewords.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LONGEST = 15
LANE = 1024
ALPHABET = 256
HEADER = 6


def encode(symbols: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return symbols (N,), each from 0 to 255, as bytes."""
    counts = np.bincount(symbols)
    assert len(counts) <= ALPHABET
    lengths = code_lengths(counts)
    sizes = lengths[symbols].astype(np.int64)
    lanes = np.add.reduceat(sizes, np.arange(0, len(symbols), LANE)) if len(symbols) else sizes
    header = np.array([len(symbols) & 0xFFFF, len(symbols) >> 16, len(lengths)], "<u2").view(np.uint8)
    even = np.append(lengths, np.zeros(len(lengths) % 2, np.uint8))
    halves = even[::2] << 4 | even[1::2]
    parts = header, halves, lanes.astype("<u2").view(np.uint8), _packed(symbols, sizes, lengths)
    return np.concatenate(parts)


def decode(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the symbols (N,) of what :func:`encode` left.

    Raises:
        ValueError: the lengths form no prefix code, or the bytes are too few, too many, or not the lanes' symbols.
    """
    if data.dtype != np.uint8 or data.ndim != 1 or len(data) < HEADER:
        raise ValueError(
            f"Huffman code: {data.dtype} of shape {data.shape}; at least {HEADER} bytes expected"
        )
    low, high, alphabet = data[:HEADER].view("<u2").tolist()
    count, first = low | high << 16, HEADER + -(-alphabet // 2)
    last = first + 2 * -(-count // LANE)
    if len(data) < last:
        raise ValueError(f"Huffman code: {len(data)} bytes; the lanes of {count} symbols end at {last}")
    lengths = np.stack([data[HEADER:first] >> 4, data[HEADER:first] & 15], axis=1).ravel()[:alphabet]
    ends = data[first:last].view("<u2").astype(np.int64).cumsum()
    bits = int(ends[-1]) if count else 0
    if len(data) != last + -(-bits // 8) or count > bits:
        raise ValueError(f"Huffman code: {len(data) - last} bytes and {bits} bits for {count} symbols")
    return _symbols(data[last:], lengths, count, ends) if count else np.zeros(0, np.uint8)


def code_lengths(counts: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the length of each symbol's codeword; 0 for symbols that do not occur.

    A code is always complete: beside a symbol that is alone another one gets a codeword.
    """
    used = np.flatnonzero(counts).tolist()
    if len(used) == 1:
        lengths = np.zeros(max(used[0] + 1, 2), np.uint8)
        lengths[[used[0], 0 if used[0] else 1]] = 1
        return lengths
    leaves = sorted((int(counts[symbol]), [symbol]) for symbol in used)
    packages: list[tuple[int, list[int]]] = []
    for _ in range(LONGEST):
        merged = sorted(leaves + packages, key=lambda item: item[0])
        pairs = zip(merged[::2], merged[1::2], strict=False)  # one that is left over has no partner
        packages = [(one[0] + other[0], one[1] + other[1]) for one, other in pairs]
    kept = [symbol for _, package in packages[: len(used) - 1] for symbol in package]
    return np.bincount(kept, minlength=len(counts)).astype(np.uint8) if kept else np.zeros(0, np.uint8)


def _in_order(lengths: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the symbols that have codewords in the order of these, read as fractions."""
    order = np.argsort(lengths, kind="stable")
    return order[lengths[order] > 0]


def _packed(
    symbols: NDArray[np.integer], sizes: NDArray[np.int64], lengths: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return the codewords of the symbols, of ``sizes`` bits, one after the other."""
    order = _in_order(lengths)
    shares = 1 << (LONGEST - lengths[order].astype(np.int64))  # of 2**LONGEST fractions
    words = np.zeros(len(lengths), np.int64)
    words[order] = np.cumsum(shares) - shares >> LONGEST - lengths[order]
    coded, starts = words[symbols], np.cumsum(sizes) - sizes
    bits = np.zeros(int(sizes.sum()), np.uint8)
    for place in range(int(lengths.max(initial=0))):
        long = sizes > place
        bits[starts[long] + place] = coded[long] >> (sizes[long] - 1 - place) & 1
    return np.packbits(bits)


def _symbols(
    data: NDArray[np.uint8], lengths: NDArray[np.uint8], count: int, ends: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return ``count`` symbols of lanes that end at the bits ``ends`` (lanes,)."""
    entries = _entries(data, lengths)
    at = np.concatenate([[0], ends[:-1]])
    found = np.zeros((min(LANE, count), len(ends)), np.uint16)
    shortest = count - (len(ends) - 1) * LANE  # symbols of the last lane
    for step in range(len(found)):
        running = len(ends) - (step >= shortest)
        here = entries.take(at[:running], mode="clip")
        found[step, :running] = here
        at[:running] += here & 15
    if not np.array_equal(at, ends):
        lane = int(np.flatnonzero(at != ends)[0])
        raise ValueError(f"Huffman code: lane {lane} ends at bit {ends[lane]}, its symbols at {at[lane]}")
    return (found >> 4).T.ravel()[:count].astype(np.uint8)


def _entries(data: NDArray[np.uint8], lengths: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return for each bit, and one bit more, which codeword begins there: its symbol times 16 plus its length.

    Raises:
        ValueError: the lengths are those of no complete prefix code of at most 256 symbols.
    """
    order = _in_order(lengths)
    shares = 1 << (LONGEST - lengths[order].astype(np.int64))
    if len(lengths) > ALPHABET or shares.sum() != 1 << LONGEST:
        raise ValueError(
            f"Huffman code: the lengths of {len(order)} codewords for {len(lengths)} symbols form no prefix code"
        )
    table = np.repeat((order << 4 | lengths[order]).astype(np.uint16), shares)  # by the next LONGEST bits
    padded = np.append(data, np.zeros(2, np.uint8)).astype(np.uint32)
    three = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]  # bytes; 8 windows begin in the first of them
    windows = three[:, None] >> np.arange(9, 1, -1, dtype=np.uint32) & (1 << LONGEST) - 1
    return np.append(table[windows.ravel()], np.uint16(1))  # a lane that runs out of bits runs past its end
