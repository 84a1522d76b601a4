"""The codec gives every symbol back, its lengths are the best ones, and bytes that were changed are refused."""

import heapq
import itertools
import time

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


def bits_of(counts, lengths):
    return int(np.dot(counts, lengths[: len(counts)]))


@pytest.mark.parametrize("size", [2, 3, 32, 256])
def test_the_lengths_are_the_best_ones(size):
    counts = np.random.default_rng(size).integers(0, 1000, size)
    counts[:2] = 7
    assert bits_of(counts, huffman.code_lengths(counts)) == heap_bits(counts)


def test_under_the_limit_too(monkeypatch):
    """Against every choice of lengths, for counts whose best code would be longer."""
    monkeypatch.setattr(huffman, "LONGEST", 3)
    counts = np.array([1, 1, 2, 4, 8, 16])
    found = huffman.code_lengths(counts)
    choices = (np.array(each) for each in itertools.product([1, 2, 3], repeat=6))
    best = min(bits_of(counts, each) for each in choices if (0.5**each).sum() <= 1)
    assert bits_of(counts, found) == best > heap_bits(counts)


def test_no_codeword_is_longer_than_the_limit():
    fibonacci = [1, 1]
    while len(fibonacci) < 40:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    lengths = huffman.code_lengths(np.array(fibonacci)).astype(int)
    assert lengths.max() == huffman.LONGEST
    assert (0.5**lengths).sum() == 1


def test_a_hand_worked_code():
    """Symbol 0 four times, 1 twice, 2 and 3 once: 0, 10, 110, 111."""
    data = huffman.encode(np.array([0, 0, 1, 3, 0, 1, 0, 2]))
    header, lengths, lanes, codes = data[:6], data[6:8], data[8:10], data[10:]
    assert header.tolist() == [8, 0, 0, 0, 4, 0]
    assert lengths.tolist() == [0x12, 0x33]
    assert lanes.tolist() == [14, 0]
    assert "".join(f"{byte:08b}" for byte in codes) == "0010111010011000"


@pytest.mark.parametrize("alphabet", [1, 2, 3, 32, 256])
@pytest.mark.parametrize("count", [0, 1, 2, 1023, 1024, 1025, 4097])
def test_every_symbol_comes_back(count, alphabet):
    symbols = np.random.default_rng(count).integers(0, alphabet, count)
    assert huffman.decode(huffman.encode(symbols)).tolist() == symbols.tolist()


@pytest.mark.parametrize("symbol", [0, 1, 255])
def test_one_symbol_alone_takes_a_bit_each(symbol):
    data = huffman.encode(np.full(800, symbol))
    assert huffman.decode(data).tolist() == [symbol] * 800
    assert len(data) <= 100 + 6 + 128 + 2


def test_skewed_symbols_take_nearly_their_entropy():
    symbols = np.minimum(np.random.default_rng(0).geometric(0.08, 100_000) - 1, 255)
    shares = np.bincount(symbols) / len(symbols)
    entropy = -(shares[shares > 0] * np.log2(shares[shares > 0])).sum()
    assert entropy < 8 * len(huffman.encode(symbols)) / len(symbols) < 1.02 * entropy


def test_half_a_million_symbols_are_decoded_in_well_below_a_second():
    symbols = np.minimum(np.random.default_rng(0).geometric(0.08, 500_000) - 1, 255)
    data = huffman.encode(symbols)
    began = time.process_time()
    found = huffman.decode(data)
    assert time.process_time() - began < 1
    np.testing.assert_array_equal(found, symbols)


def coded(lengths, lanes, codes, count, alphabet=None):
    """Bytes of a code by hand."""
    header = np.array([count & 0xFFFF, count >> 16, alphabet or len(lengths)], "<u2").view(np.uint8)
    even = [*lengths, 0][: len(lengths) + len(lengths) % 2]
    halves = [high << 4 | low for high, low in zip(even[::2], even[1::2], strict=True)]
    return np.concatenate(
        [header, np.array(halves, np.uint8), np.array(lanes, "<u2").view(np.uint8), np.array(codes, np.uint8)]
    )


def test_bytes_by_hand_are_decoded():
    assert huffman.decode(coded([1, 1], [8], [0b00110001], 8)).tolist() == [0, 0, 1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (coded([1, 1, 1], [8], [0], 8), "form no prefix code"),
        (coded([1, 2], [8], [0], 8), "form no prefix code"),
        (coded([0, 0], [8], [0], 8), "form no prefix code"),
        (coded([1], [8], [0], 8), "form no prefix code"),
        (coded([8] * 256 + [0], [64], [0] * 8, 8), "form no prefix code"),
        (coded([1, 1], [8], [0], 7), "ends at bit 8, its symbols at 7"),
        (coded([1, 2, 2], [8], [255], 8), "ends at bit 8, its symbols at"),
        (coded([1, 1], [1020, 8], [0] * 129, 1028), "lane 0 ends at bit 1020, its symbols at 1024"),
        (coded([1, 1], [8], [0], 9), "1 bytes and 8 bits for 9 symbols"),
        (coded([1, 1], [8], [0, 0], 8), "2 bytes and 8 bits"),
        (coded([1, 1], [8], [], 8), "0 bytes and 8 bits"),
        (coded([1, 1], [8], [0], 2**32 - 1), "the lanes of 4294967295 symbols end at"),
        (coded([1, 1], [0] * 50_000, [], 50_000 * 1024), "0 bytes and 0 bits for 51200000 symbols"),
        (coded([1, 1], [8], [0], 8, alphabet=65535), "the lanes of 8 symbols end at"),
        (np.zeros(3, np.uint8), "at least 6 bytes"),
        (np.zeros((3, 3), np.uint8), "at least 6 bytes"),
        (np.zeros(20, np.int64), "at least 6 bytes"),
    ],
)
def test_hostile_bytes_are_refused(data, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        huffman.decode(data)
    assert "\n" not in str(caught.value)


def test_no_change_of_a_byte_does_more_than_change_symbols_or_be_refused():
    symbols = np.random.default_rng(0).integers(0, 40, 3000)
    data = huffman.encode(symbols)
    rng, refused = np.random.default_rng(1), 0
    for _ in range(300):
        changed = data.copy()
        changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            assert len(huffman.decode(changed)) == len(symbols)
        except ValueError:
            refused += 1
    assert refused
