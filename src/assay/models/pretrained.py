# SPDX-License-Identifier: Apache-2.0
"""Pretrained networks, from the Hugging Face hub or a folder, as the initialisation of our networks.

No code from the files is run: the configuration is data, the weights are safetensors, in one file or in
shards that an index names, the tokenizer is that of the ``tokenizers`` library; code in a repository is never
fetched. Our datasets consist of word ids, so
each word becomes the pieces into which the network's own tokenizer splits it.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from huggingface_hub import snapshot_download
from tokenizers import Tokenizer
from torch import Tensor, nn

from assay.data.special_tokens import PADDING, UNKNOWN
from assay.files import read_json, sha256

CONFIG, WEIGHTS, TOKENIZER = FILES = ("config.json", "model.safetensors", "tokenizer.json")
INDEX = "model.safetensors.index.json"
"""Stands in the place of ``WEIGHTS`` where these are cut into shards, and says which shard holds which weight."""
SHARD = re.compile(r"[\w-][\w.-]*\.safetensors")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
MOST_PIECES = 8
"""Of a word that is cut into more, only so many are read."""
NONE = -1
"""Stands where a word has fewer pieces."""


@runtime_checkable
class TakesOver(Protocol):
    """A network that can be initialised from a pretrained one."""

    def take_over(self, folder: Path, words: Tensor) -> None:
        """Overwrite the weights with those of ``folder``, and the words' pieces with ``words`` (V, P)."""


@dataclass(frozen=True)
class Pretrained:
    """A pretrained network, and the pieces of our words."""

    folder: Path
    """Holds ``FILES``, or ``INDEX`` and the shards it names for the weights."""
    words: Tensor
    """(V, P) int64, each of our word ids' pieces, ``NONE`` behind the last."""
    arguments: dict[str, Any]
    """Arguments of its class other than knobs, as plain JSON values: it can be instantiated without the files."""

    def into(self, model: nn.Module) -> None:
        """Overwrite the weights of ``model`` in place.

        Raises:
            ValueError: the class does not support it, or the weights do not fit it.
        """
        if not isinstance(model, TakesOver):
            raise ValueError(f"pretrained: {type(model).__name__} is of another make; use hugging_face")
        model.take_over(self.folder, self.words)


def read(source: str, revision: str, prepared: Path) -> Pretrained:
    """Fetch a network's files and map the words of a prepared dataset to its pieces.

    Args:
        source: a folder, or the hub's id of a repository.
        revision: the digest of the folder's weights (:func:`digest`), or the repository's commit.
        prepared: prepared.json of the dataset, next to its tokenizer.

    Raises:
        ValueError: the files are not available, are not those of ``revision``, or cannot be read.
    """
    folder = fetch(source, revision)
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ValueError(
            f"{folder / CONFIG}: no model_type; a configuration of the transformers library is needed"
        )
    tokenizer = _tokenizer(folder / TOKENIZER)
    before, after = _around(tokenizer)
    words = _pieces(_tokenizer(prepared.parent / TOKENIZER), tokenizer)
    config = {key: value for key, value in config.items() if key != "auto_map"}  # names code that is not run
    return Pretrained(
        folder, words, {"config": config, "pieces": words.shape[1], "before": before, "after": after}
    )


def fetch(source: str, revision: str) -> Path:
    """Return the folder with a network's files, downloaded once if they are on the hub.

    Raises:
        ValueError: as :func:`read`.
    """
    folder = Path(source)
    if folder.is_dir():
        _require(folder, [CONFIG, TOKENIZER, *weights(folder)])
        found = digest(folder)
        if found != revision:
            raise ValueError(
                f"{folder / weights(folder)[0]}: sha256 {found} found, pretrained.revision is {revision};"
                " put the first there if these are the weights that you mean"
            )
        return folder
    folder = _download(source, revision, [*FILES, INDEX])
    shards = weights(folder)[1:]
    if shards:
        _download(source, revision, shards)
    _require(folder, [CONFIG, TOKENIZER, *shards])
    return folder


def weights(folder: Path) -> list[str]:
    """Return the names of the files that hold a network's weights, an index before its shards.

    Raises:
        ValueError: there are none, none that can be read without running code, or a shard is elsewhere; one line.
    """
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if (folder / INDEX).is_file():
        return [INDEX, *_shards(folder / INDEX)]
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise ValueError(
            f"{folder / pickles[0]}: a pickle, which can run code when it is read; write the network again as"
            f" {WEIGHTS}: save_pretrained of the transformers library does"
        )
    raise ValueError(f"{folder}: no {WEIGHTS} and no {INDEX}; a folder to start from has {', '.join(FILES)}")


def digest(folder: Path) -> str:
    """Return the SHA-256 of a network's weights: that of the one file; of shards that of ``sha256sum``'s lines of the
    index and then of each shard, by name."""
    names = weights(folder)
    if len(names) == 1:
        return sha256(folder / names[0])
    lines = "".join(f"{sha256(folder / name)}  {name}\n" for name in names)
    return hashlib.sha256(lines.encode()).hexdigest()


def _shards(index: Path) -> list[str]:
    """Return the names of the shards that an index names, sorted."""
    found = read_json(index)
    parts = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(parts, dict) or not parts or not isinstance(found.get("metadata"), dict):
        raise ValueError(
            f"{index}: no weight_map or no metadata; an index of the transformers library is needed"
        )
    for name in parts.values():
        if not isinstance(name, str) or not SHARD.fullmatch(name):
            raise ValueError(f"{index}: shard {name!r}; a .safetensors file next to the index is needed")
    return sorted(set(parts.values()))


def _require(folder: Path, names: list[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise ValueError(
                f"{folder / name}: not found; {folder} is read with its tokenizer and every file of weights"
            )


def _download(source: str, revision: str, names: list[str]) -> Path:
    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=names, etag_timeout=10))
    except Exception as error:  # the hub's library raises its own errors, httpx's and the system's
        problem = re.sub(r"\s+", " ", str(error)).strip()[:300]
        raise ValueError(
            f"pretrained.source = {source}: no folder of that name, and the hub gives nothing at {revision}:"
            f" {type(error).__name__}: {problem}"
        ) from None


def _tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ValueError(
            f"{path}: not found; a network of the hub is read with its tokenizer, and starts on words"
        )
    try:
        return Tokenizer.from_file(os.fspath(path))
    except Exception as error:  # the library raises Exception itself
        raise ValueError(f"{path}: not a tokenizer: {error}") from None


def _around(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the pieces that the tokenizer puts before and after a text."""
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    first = next(
        (place for place in range(len(whole)) if bare and whole[place : place + len(bare)] == bare),
        len(whole),
    )
    return whole[:first], whole[first + len(bare) :]


def _pieces(ours: Tokenizer, theirs: Tokenizer) -> Tensor:
    """Return the pieces (V, P) of each word id: none for padding, the network's own for the unknown word."""
    vocabulary = ours.get_vocab()
    words = sorted(vocabulary, key=lambda word: vocabulary[word])
    # With a space before it, by which most tokenizers recognise the beginning of a word.
    cuts = [
        each.ids for each in theirs.encode_batch([f" {word}" for word in words], add_special_tokens=False)
    ]
    unknown = next(
        (number for name in ("[UNK]", "<unk>") if (number := theirs.token_to_id(name)) is not None), None
    )
    cuts[PADDING], cuts[UNKNOWN] = [], [] if unknown is None else [unknown]
    width = min(max(map(len, cuts)), MOST_PIECES)
    table = torch.full((len(words), max(width, 1)), NONE)
    for row, pieces in enumerate(cuts):
        table[row, : len(pieces)] = torch.tensor(pieces[:MOST_PIECES], dtype=torch.int64)[:width]
    return table
