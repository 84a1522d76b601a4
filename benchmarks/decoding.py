"""Decoding: text drawn from a GPT with and without its cache of keys and values, one core.

    python benchmarks/decoding.py [--rounds 5]

The net is that of nanoGPT's setting for a processor, with a block that holds prompt and text; its weights are
random. Prints tokens per second, medians over rounds in which the two take turns, the median ratio, and whether
both gave the same text.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from assay.models.language.gpt import GPT

VOCABULARY, BATCH, PROMPT, LENGTH = 65, 16, 16, 128


def decode(model: GPT, prompts: torch.Tensor, cached: bool) -> tuple[float, torch.Tensor]:
    """Return the seconds of one generation, and its text."""
    generator = torch.Generator().manual_seed(0)
    began = time.perf_counter()
    text = model.generate(prompts, LENGTH, generator, cached=cached)
    return time.perf_counter() - began, text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = GPT(
        vocabulary=VOCABULARY, shape=(PROMPT + LENGTH,), width=128, depth=4, heads=4, dropout=0.0
    ).eval()
    prompts = torch.randint(2, VOCABULARY, (BATCH, PROMPT))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    texts = {cached: decode(model, prompts, cached)[1] for cached in seconds}  # warm-up
    for _ in range(rounds):
        for cached, taken in seconds.items():
            taken.append(decode(model, prompts, cached)[0])
    print(f"batch {BATCH}, prompt {PROMPT}, length {LENGTH}, {rounds} rounds")
    for cached, label in ((False, "without cache"), (True, "with cache")):
        print(f"{label:14} {BATCH * LENGTH / statistics.median(seconds[cached]):9,.0f} tokens/s")
    ratio = statistics.median(
        plain / quick for plain, quick in zip(seconds[False], seconds[True], strict=True)
    )
    print(f"{'ratio':14} {ratio:9.1f}")
    print(f"{'same text':14} {'yes' if torch.equal(*texts.values()) else 'NO':>9}")


if __name__ == "__main__":
    main()
