# SPDX-License-Identifier: Apache-2.0
"""A pretrained classifier of the transformers library.

Source: Wolf et al., "Transformers: State-of-the-Art Natural Language Processing", EMNLP 2020 (demonstrations),
https://aclanthology.org/2020.emnlp-demos.6. Weights are safetensors; code from outside is not run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel, logging

from assay.models.declaration import Network
from assay.models.layers.word_embedding import cut
from assay.models.pretrained import NONE

logging.set_verbosity_error()  # what it reports about reinitialised weights is checked below
logging.disable_progress_bar()
POOLER = ".pooler."
"""The layer under the head, which networks that learned masked words alone lack: it is drawn like the head."""


class HuggingFace(nn.Module):
    """Words, split into the network's pieces, its own encoder and head.

    Args:
        vocabulary: number of our word ids.
        num_classes: number of logits.
        config: the network's configuration, ``model_type`` included.
        pieces: maximum number of pieces per word.
        before: pieces before every text.
        after: pieces after every text.
        length: maximum number of pieces, including those before and after.

    Raises:
        ValueError: the library has no such classifier, or it cannot read this many pieces.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        num_classes: int,
        config: dict[str, Any],
        pieces: int,
        before: list[int],
        after: list[int],
        length: Annotated[int, Field(ge=4)],
    ) -> None:
        super().__init__()
        # Without the names of its own classes, whose number may differ.
        bare = {key: value for key, value in config.items() if key not in ("id2label", "label2id")}
        known = AutoConfig.for_model(**{**bare, "num_labels": num_classes})
        longest = getattr(known, "max_position_embeddings", length)
        if length > longest:
            raise ValueError(
                f"hugging_face: length = {length}; {known.model_type} reads at most {longest} pieces"
            )
        # Not its fused attention, which is a tenth as fast on a processor for texts of this length.
        made = AutoModelForSequenceClassification.from_config(
            known, trust_remote_code=False, attn_implementation="eager"
        )
        self.network: PreTrainedModel = made.float()
        self.length, self.padding = length, known.pad_token_id or 0
        self.register_buffer("words", torch.full((vocabulary, pieces), NONE))
        self.register_buffer("before", torch.tensor(before, dtype=torch.int64), persistent=False)
        self.register_buffer("after", torch.tensor(after, dtype=torch.int64), persistent=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map word ids (N, T) to logits (N, num_classes)."""
        pieces = self.cut_up(cut(ids))
        real = pieces != NONE
        real[:, 0] = True  # an empty text must not become NaN
        known = torch.where(pieces == NONE, self.padding, pieces)
        logits: torch.Tensor = self.network(input_ids=known, attention_mask=real.long()).logits
        return logits

    def cut_up(self, ids: torch.Tensor) -> torch.Tensor:
        """Map word ids (N, T) to pieces (N, S), including those before and after, ``NONE`` after the last."""
        pieces = self.get_buffer("words")[ids].flatten(1)
        before, after = (self.get_buffer(name).expand(ids.shape[0], -1) for name in ("before", "after"))
        room = self.length - before.shape[1] - after.shape[1]
        pieces = torch.where((pieces != NONE).cumsum(dim=1) <= room, pieces, NONE)
        pieces = torch.cat([before, pieces, after], dim=1)
        places = torch.arange(pieces.shape[1], device=ids.device)
        order = torch.where(pieces == NONE, places + len(places), places).argsort(dim=1)
        pieces = pieces.gather(1, order)[:, : self.length]
        return cut(pieces + 1) - 1  # empty columns are removed, as from words

    def take_over(self, folder: Path, words: torch.Tensor) -> None:
        """Overwrite the weights, except a classifier's own, with those of a folder, and the words' pieces.

        A head for another number of classes is reinitialised, like a missing one, with a line on stderr.

        Raises:
            ValueError: the weights are not this network's.
        """
        try:
            given, info = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=self.network.config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise ValueError(f"{folder}: cannot be loaded: {' '.join(str(error).split())[:300]}") from None
        body = f"{self.network.base_model_prefix}."
        missing = sorted(
            name for name in info["missing_keys"] if name.startswith(body) and POOLER not in name
        )
        if missing:
            raise ValueError(f"{folder}: {len(missing)} weights are missing, first {missing[0]}")
        others = sorted(info["mismatched_keys"])
        if wrong := [each for each in others if each[0].startswith(body)]:
            name, found, needed = wrong[0]
            raise ValueError(f"{folder}: {name} has shape {tuple(found)}, config.json says {tuple(needed)}")
        if others:
            name, found, needed = others[0]
            line = f"{name} has shape {tuple(found)}, for {self.network.config.num_labels} classes {tuple(needed)}"
            print(f"{folder}: {line} is needed; the head is reinitialised", file=sys.stderr)
        self.network.load_state_dict(given.float().state_dict())
        with torch.no_grad():
            self.get_buffer("words").copy_(words)


MODEL = Network(HuggingFace, family="attention", signatures=("text -> class",), pretrained=True)
