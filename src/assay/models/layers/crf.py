# SPDX-License-Identifier: Apache-2.0
"""Linear-chain conditional random field: a path's score is the sum of its words' and its transitions' scores.

Source: Lafferty, McCallum and Pereira, "Conditional Random Fields", ICML 2001,
https://repository.upenn.edu/handle/20.500.14332/6188; on top of a network as in Lample et al., "Neural
Architectures for Named Entity Recognition", NAACL 2016, https://arxiv.org/abs/1603.01360.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from assay.models.layers.recurrent import turned

Reduce = Callable[[torch.Tensor], torch.Tensor]


class CRF(nn.Module):
    """The scores of transitions between tags, and of beginning or ending with a tag."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.steps = nn.Parameter(torch.zeros(num_classes, num_classes))  # (from, to)
        self.begin = nn.Parameter(torch.zeros(num_classes))
        self.end = nn.Parameter(torch.zeros(num_classes))

    def nll(self, scores: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood (N,) in nats of tags (N, T) given the words' scores (N, T, K).

        Args:
            tags: those after a sentence's end are not read.
            lengths: (N,) words per sentence, at least 1.
        """
        alphas = onward(scores, self.begin, self.steps, lambda totals: totals.logsumexp(dim=-2))
        last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, scores.shape[2])
        partition = (alphas.gather(1, last).squeeze(1) + self.end).logsumexp(dim=1)
        return partition - self.worth(scores, tags, lengths)

    def worth(self, scores: torch.Tensor, tags: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the score (N,) of the paths of tags (N, T)."""
        real = torch.arange(tags.shape[1], device=tags.device) < lengths.unsqueeze(1)  # (N, T)
        tags = tags.clamp(min=0)
        words = (scores.gather(2, tags.unsqueeze(2)).squeeze(2) * real).sum(dim=1)
        steps = (self.steps[tags[:, :-1], tags[:, 1:]] * real[:, 1:]).sum(dim=1)
        last = tags.gather(1, (lengths - 1).unsqueeze(1)).squeeze(1)
        return words + steps + self.begin[tags[:, 0]] + self.end[last]

    def max_marginals(self, scores: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return the score of the best path through each tag of each word, minus that of the best path.

        The best tags of the words, each with 0, are the Viterbi path.

        Returns:
            (N, T, K), at most 0; zeros after a sentence's end.
        """
        # The backward pass is the forward pass over the words in reverse order, without their own scores.
        before, after = onward(
            torch.stack([scores, turned(scores, lengths)]),
            torch.stack([self.begin, self.end]).unsqueeze(1),
            torch.stack([self.steps, self.steps.T]).unsqueeze(1),
            lambda totals: totals.amax(dim=-2),
        )
        totals = before + turned(after, lengths) - scores
        real = torch.arange(scores.shape[1], device=scores.device) < lengths.unsqueeze(1)
        marginals: torch.Tensor = (totals - totals.amax(dim=2, keepdim=True)) * real.unsqueeze(2)
        return marginals


def onward(scores: torch.Tensor, begin: torch.Tensor, steps: torch.Tensor, reduce: Reduce) -> torch.Tensor:
    """Return ``reduce`` over all paths to each tag of each word, including that tag.

    Args:
        scores: (..., T, K).
        begin: (..., K).
        steps: (..., K, K), from a tag to the next.
        reduce: maps (..., from, to) to (..., to).
    """
    first, *rest = scores.unbind(dim=-2)
    states = [begin + first]
    for score in rest:
        states.append(reduce(states[-1].unsqueeze(-1) + steps) + score)
    return torch.stack(states, dim=-2)
