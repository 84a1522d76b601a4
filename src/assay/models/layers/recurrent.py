# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers that read a text within its length, in one direction or in both."""

from __future__ import annotations

import torch
from torch import nn

CELLS = {"tanh": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Layer(nn.Module):
    """One recurrent layer; if it is bidirectional, two that read the words in opposite orders.

    A text is reversed within its own length, so that padding comes last and does not affect any word's state.
    nn.LSTM's own ``bidirectional`` needs packed texts for that, which take twice as long on a CPU.
    """

    def __init__(self, cell: str, inputs: int, hidden: int, bidirectional: bool) -> None:
        super().__init__()
        self.onward = CELLS[cell](inputs, hidden, batch_first=True)
        self.back = CELLS[cell](inputs, hidden, batch_first=True) if bidirectional else None

    def forward(self, states: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map (N, T, D) to states (N, T, directions * hidden) and those at the end (N, directions * hidden).

        The forward direction ends at a text's last word, the backward direction at its first.
        """
        onward, _ = self.onward(states)
        if self.back is None:
            return onward, at_end(onward, lengths)
        back, _ = self.back(turned(states, lengths))
        ends = torch.cat([at_end(onward, lengths), at_end(back, lengths)], dim=1)
        return torch.cat([onward, turned(back, lengths)], dim=2), ends


def at_end(states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Return the state (N, D) of states (N, T, D) at each text's last word."""
    last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    return states.gather(1, last).squeeze(1)


def turned(states: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Return states (N, T, D) with each text's words in reverse order, padding last."""
    steps = torch.arange(states.shape[1], device=states.device)
    places = (lengths.unsqueeze(1) - 1 - steps) % states.shape[1]  # (N, T)
    return states.gather(1, places.unsqueeze(2).expand_as(states))
