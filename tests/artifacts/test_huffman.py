"""Every symbol comes back, in nearly as few bits as the best Huffman code; bytes that were changed are refused."""

import heapq
import zlib

import numpy as np
import pytest

from assay.artifacts import huffman


def heap_bits(counts):
    """Bits in all of a Huffman code, by the textbook's heap."""
    heap, bits = [int(count) for count in counts if count], 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        bits += joined
        heapq.heappush(heap, joined)
    return bits


@pytest.mark.parametrize("alphabet", [1, 2, 3, 32, 256])
@pytest.mark.parametrize("count", [0, 1, 2, 1023, 1024, 1025, 100_000])
def test_every_symbol_comes_back(count, alphabet):
    symbols = np.random.default_rng(count).integers(0, alphabet, count)
    assert huffman.decode(huffman.encode(symbols)).tolist() == symbols.tolist()


@pytest.mark.parametrize("symbol", [0, 1, 255])
def test_one_symbol_alone_takes_a_bit_each(symbol):
    data = huffman.encode(np.full(80_000, symbol))
    assert huffman.decode(data).tolist() == [symbol] * 80_000
    assert len(data) <= 10_000 + 200


@pytest.mark.parametrize("share", [0.08, 0.3, 0.9])
def test_skewed_symbols_take_the_bits_of_the_best_code(share):
    symbols = np.minimum(np.random.default_rng(0).geometric(share, 100_000) - 1, 255)
    assert 8 * len(huffman.encode(symbols)) < 1.01 * heap_bits(np.bincount(symbols))


def test_the_bytes_are_a_stream_of_zlib():
    symbols = np.random.default_rng(0).integers(0, 40, 3000)
    assert zlib.decompress(huffman.encode(symbols).tobytes()) == symbols.astype(np.uint8).tobytes()


WHOLE = huffman.encode(np.arange(100))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (np.zeros(3, np.uint8), "unknown compression method"),
        (np.zeros(0, np.uint8), "0 bytes that are not exactly one complete stream"),
        (WHOLE[:-1], "not exactly one complete stream"),
        (np.append(WHOLE, np.uint8(0)), "not exactly one complete stream"),
        (np.frombuffer(zlib.compress(bytes(10**8)), np.uint8), "not exactly one complete stream"),
        (np.zeros((3, 3), np.uint8), r"uint8 of shape \(3, 3\); bytes expected"),
        (np.zeros(20, np.int64), "int64"),
        (np.ones(9, np.float32), "float32"),
    ],
)
def test_hostile_bytes_are_refused(data, reason):
    with pytest.raises(ValueError, match=f"Huffman code: .*{reason}") as caught:
        huffman.decode(data)
    assert "\n" not in str(caught.value)


def test_every_change_of_a_byte_is_refused():
    data = huffman.encode(np.random.default_rng(0).integers(0, 40, 3000))
    rng = np.random.default_rng(1)
    for _ in range(300):
        changed = data.copy()
        changed[rng.integers(2, len(data))] ^= rng.integers(
            1, 256
        )  # behind the header, which has spare values
        with pytest.raises(ValueError, match="Huffman code: "):
            huffman.decode(changed)
