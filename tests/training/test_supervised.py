"""Training gives the same weights as a loop by hand, also after an interruption and on two processes."""

import math
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from assay.config.training import Diverged
from assay.data.splits import Split
from assay.tasks.protocol import WeighsItems
from assay.training import supervised
from assay.training.lightning import precision
from tests.training.learning import (
    CPU,
    TWO,
    Classify,
    assert_equal,
    convolutional,
    digits,
    learn,
    noise,
    perceptron,
)
from tests.training.plain_training import PARAMS


def test_takes_the_steps_of_a_loop_written_out_by_hand(tmp_path):
    (data, _), reference = digits(), perceptron()
    optimizer = torch.optim.Adam(reference.parameters(), lr=PARAMS.learning_rate)
    for epoch in range(3):
        generator = torch.Generator().manual_seed(supervised._derive(1, epoch, supervised.ORDER))
        for items in torch.randperm(200, generator=generator)[:192].split(16):
            optimizer.zero_grad()
            F.cross_entropy(reference(data.inputs[items]), data.targets[items]).backward()
            optimizer.step()
    model = perceptron()
    result = learn(tmp_path, model)
    assert result.best_epoch == 3
    for value, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_equal_seeds_give_equal_weights_and_others_do_not(tmp_path):
    models = [perceptron(dropout=0.2) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        learn(tmp_path, model, params=PARAMS.model_copy(update={"augment": True}), seed=seed, augment=noise)
    assert_equal(models[0], models[1])
    assert not torch.equal(models[0][1].weight, models[2][1].weight)


def test_history_has_a_row_per_epoch_and_the_best_weights_are_kept(tmp_path):
    model = perceptron()
    _, validation = splits = digits()
    result = learn(tmp_path, model, splits=splits, optimizer="sgd", learning_rate=1.5, epochs=12)
    assert [row["epoch"] for row in result.history] == list(range(1, 13))
    assert set(result.history[0]) == {
        "epoch", "train_loss", "validation_loss", "validation_accuracy", "learning_rate",
    }  # fmt: skip
    best = max(result.history, key=lambda row: (row["validation_accuracy"], -row["validation_loss"]))
    assert result.best_epoch == best["epoch"] < 12
    with torch.inference_mode():
        logits = model(validation.inputs)
    loss, accuracy = Classify().compute_watched(Classify().metric_state(logits, validation.targets))
    assert accuracy == best["validation_accuracy"]
    assert loss == pytest.approx(best["validation_loss"])
    assert F.cross_entropy(logits, validation.targets).item() == pytest.approx(best["validation_loss"])
    assert not model.training


def test_the_last_epoch_ends_with_the_last_requested_step(tmp_path):
    whole, cut = perceptron(), perceptron()
    expected = learn(tmp_path, whole, epochs=2)
    result = learn(tmp_path, cut, epochs=9, max_steps=24)  # 12 steps per epoch
    assert_equal(cut, whole)
    assert result.history == expected.history
    [*_, last] = learn(tmp_path, perceptron(), epochs=9, max_steps=29, schedule="step").history
    assert last["epoch"] == 3
    assert last["learning_rate"] == pytest.approx(PARAMS.learning_rate / 100)  # that of the schedule's end


class Ragged(nn.Module):
    """A linear model of the sum of a row; notes how much of each batch is padding."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 10)
        self.padding = []

    def forward(self, inputs):
        if self.training:
            lengths = (inputs != 0).sum(dim=1)
            self.padding.append((1 - lengths.double().mean() / lengths.max()).item())
        return self.layer(inputs.sum(dim=1, keepdim=True))


def test_items_of_similar_length_share_a_batch_if_lengths_are_given(tmp_path):
    lengths = torch.randint(1, 60, (512,), generator=torch.Generator().manual_seed(0))
    inputs = (torch.arange(60) < lengths[:, None]).float()
    plain = Split(inputs, lengths % 10, np.arange(512))
    shares = {}
    for name, split in (("any", plain), ("similar", replace(plain, lengths=lengths))):
        model = Ragged()
        learn(tmp_path, model, splits=(split, plain))
        assert len(model.padding) == 3 * 32
        shares[name] = sum(model.padding) / len(model.padding)
    assert shares["similar"] < 0.1 < 0.4 < shares["any"]


def test_batches_of_similar_length_hold_each_item_once_and_are_not_in_order_of_length():
    lengths = torch.randint(1, 60, (512,), generator=torch.Generator().manual_seed(0))
    order = torch.randperm(512, generator=torch.Generator().manual_seed(1))
    grouped = supervised.group_by_length(order, lengths, 16, 256, torch.Generator().manual_seed(2))
    assert sorted(grouped.tolist()) == list(range(512))
    for half in (slice(0, 256), slice(256, 512)):
        assert set(grouped[half].tolist()) == set(order[half].tolist())
    means = lengths[grouped].double().view(-1, 16).mean(dim=1)
    assert means.tolist() != sorted(means.tolist())


class OwnLoss(nn.Linear):
    """Twice the cross-entropy, from the inputs themselves."""

    def loss(self, inputs, targets):
        return 2 * F.cross_entropy(self(inputs), targets)


def test_a_model_with_its_own_loss_is_trained_with_it(tmp_path):
    splits = [replace(split, inputs=split.inputs.flatten(1)) for split in digits()]
    changes = {"splits": splits, "optimizer": "sgd", "learning_rate": 0.01}
    own, plain = OwnLoss(64, 10), nn.Linear(64, 10)
    plain.load_state_dict(own.state_dict())
    twice = learn(tmp_path, own, **changes)
    once = learn(tmp_path, plain, **{**changes, "learning_rate": 0.02})
    for name, value in own.state_dict().items():
        torch.testing.assert_close(value, plain.state_dict()[name])
    for ours, theirs in zip(twice.history, once.history, strict=True):
        assert ours["train_loss"] == pytest.approx(2 * theirs["train_loss"], rel=1e-4)
        assert ours["validation_loss"] == pytest.approx(2 * theirs["validation_loss"], rel=1e-4)
        assert ours["validation_accuracy"] == theirs["validation_accuracy"]


@pytest.mark.parametrize("precision", ["bf16-mixed", "32-true"])
def test_an_own_loss_is_computed_in_the_requested_precision(tmp_path, precision):
    seen = set()

    class Spy(OwnLoss):
        def loss(self, inputs, targets):
            seen.add((self(inputs).dtype, self.training))
            return super().loss(inputs, targets)

    splits = [replace(split, inputs=split.inputs.flatten(1)) for split in digits()]
    learn(tmp_path, Spy(64, 10), splits=splits, trainer=CPU.model_copy(update={"precision": precision}))
    kind = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    assert seen == {(kind, True), (kind, False)}


def test_early_stopping_waits_for_the_patience(tmp_path):
    result = learn(tmp_path, perceptron(), optimizer="sgd", learning_rate=1e-9, epochs=50, patience=3)
    assert result.epochs_run == result.best_epoch + 3 < 50


def test_augments_only_training_batches(tmp_path):
    seen = []

    def spy(batch, generator):
        seen.append(len(batch))
        return noise(batch, generator)

    plain, augmented = perceptron(), perceptron()
    learn(tmp_path, plain, augment=spy)
    assert not seen
    learn(tmp_path, augmented, params=PARAMS.model_copy(update={"augment": True}), augment=spy)
    assert seen == [192, 192, 192]
    assert not torch.equal(plain[1].weight, augmented[1].weight)


def poisoned():
    """Return splits whose eighth batch of 16 in the first epoch holds a NaN."""
    data, validation = digits()
    generator = torch.Generator().manual_seed(supervised._derive(1, 0, supervised.ORDER))
    item = torch.randperm(200, generator=generator)[16 * 7 + 3]
    inputs = data.inputs.clone()
    inputs[item] = math.nan
    return replace(data, inputs=inputs), validation


@pytest.mark.parametrize("trainer", [CPU, TWO])
def test_a_loss_that_is_not_finite_names_the_step(tmp_path, trainer):
    with pytest.raises(Diverged, match="optimizer step 8;") as error:
        learn(tmp_path, perceptron(), splits=poisoned(), trainer=trainer)
    assert error.value.step == 8
    assert pickle.loads(pickle.dumps(error.value)).step == 8


def test_a_validation_loss_that_is_not_finite_is_divergence_too(tmp_path):
    data, validation = digits()
    with pytest.raises(Diverged) as error:
        learn(
            tmp_path,
            perceptron(),
            splits=(data, replace(validation, inputs=validation.inputs * math.inf)),
        )
    assert error.value.step == 12


class Ended(Classify):
    """Sends its process a SIGTERM at the first step, and counts the steps."""

    steps = 0

    def loss(self, logits, targets):
        self.steps += 1
        if self.steps == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        assert self.steps <= 12, "training continued with the next epoch"
        return super().loss(logits, targets)


ENDED = """
import sys
from pathlib import Path
from tests.training.learning import learn, perceptron
from tests.training.test_supervised import Ended
learn(Path(sys.argv[1]), perceptron(), task=Ended())
"""


def test_a_sigterm_ends_the_run_within_the_epoch(tmp_path):
    ended = subprocess.run([sys.executable, "-c", ENDED, str(tmp_path)], capture_output=True, text=True)
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr


def test_prints_nothing(tmp_path, capfd):
    learn(tmp_path, perceptron())
    assert capfd.readouterr() == ("", "")


def test_learns_with_convolutions_in_bfloat16_and_leaves_plain_weights(tmp_path):
    model = convolutional()
    dtypes = []
    model[0].register_forward_hook(lambda _module, _inputs, output: dtypes.append(output.dtype))
    gradients = []
    model[0].weight.register_post_accumulate_grad_hook(
        lambda _: gradients.append(torch.is_autocast_enabled("cpu"))
    )
    result = learn(tmp_path, model, trainer=CPU.model_copy(update={"precision": "bf16-mixed"}))
    assert set(dtypes) == {torch.bfloat16}
    assert set(gradients) == {False}  # autocast covers only the forward pass
    assert result.history[-1]["validation_accuracy"] > 0.8
    assert all(
        value.is_contiguous() and value.dtype != torch.bfloat16 for value in model.state_dict().values()
    )


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, "bf16-mixed"),
        ({"amx_bf16": False, "avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": False, "avx512_bf16": False, "avx512_vnni": True}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_bf16_auto_depends_on_the_processor(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    auto = CPU.model_copy(update={"precision": "bf16-auto"})
    assert precision(auto, nn.Sequential(nn.Conv2d(1, 8, 3), nn.Linear(8, 10))) == expected
    assert precision(auto, perceptron()) == "32-true"
    assert precision(auto, nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 10))) == "32-true"


def test_a_batch_larger_than_the_data_is_all_of_it(tmp_path):
    assert learn(tmp_path, perceptron(), batch_size=1000).epochs_run == 3


def test_clips_gradients_and_smooths_labels(tmp_path):
    reference, model = perceptron(), perceptron()
    (data, _) = digits()
    generator = torch.Generator().manual_seed(supervised._derive(1, 0, supervised.ORDER))
    items = torch.randperm(200, generator=generator)
    F.cross_entropy(reference(data.inputs[items]), data.targets[items], label_smoothing=0.1).backward()
    norm = torch.cat([weight.grad.flatten() for weight in reference.parameters()]).norm()
    assert norm > 0.01
    learn(tmp_path, model, optimizer="sgd", learning_rate=1.0, gradient_clip=0.01, label_smoothing=0.1,
          batch_size=200, epochs=1)  # fmt: skip
    for value, before in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(value, before - 0.01 * before.grad / norm, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "ddp", "devices": 2}, "need srun or torchrun, and neither started this"),
        ({"num_nodes": 2}, "need srun or torchrun, and neither started this"),
        ({"strategy": "ddp_fork", "devices": 3}, "not a multiple of 3"),
    ],
)
def test_devices_that_cannot_work_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        learn(tmp_path, perceptron(), trainer=CPU.model_copy(update=changes))


class Counting(Classify):
    """Writes one line per step: the number of processes, and of items in this process's share."""

    def __init__(self, folder):
        self.folder = folder

    def loss(self, logits, targets):
        if logits.requires_grad:
            with (self.folder / f"rank{dist.get_rank()}").open("a") as stream:
                print(dist.get_world_size(), len(logits), file=stream)
        return super().loss(logits, targets)


@pytest.mark.parametrize("strategy", ["ddp_fork", "auto"])
def test_two_processes_give_the_weights_of_one(tmp_path, strategy):
    single, double = perceptron(), perceptron()
    params = PARAMS.model_copy(update={"augment": True})
    trainer = TWO.model_copy(update={"strategy": strategy})
    expected = learn(tmp_path, single, params=params, augment=noise)
    result = learn(tmp_path, double, params=params, augment=noise, trainer=trainer, task=Counting(tmp_path))
    for rank in (0, 1):  # 3 epochs of 12 steps, each of 8 of the 16 items
        assert (tmp_path / f"rank{rank}").read_text().splitlines() == ["2 8"] * 36
    for name, value in double.state_dict().items():
        torch.testing.assert_close(value, single.state_dict()[name], rtol=0, atol=1e-5)
    for row, other in zip(result.history, expected.history, strict=True):
        assert row == pytest.approx(other, abs=1e-5)


class WeightedClassify(Classify, WeighsItems):
    def item_losses(self, outputs, targets, label_smoothing):
        return F.cross_entropy(outputs, targets, label_smoothing=label_smoothing, reduction="none")


def test_the_loss_of_items_with_weights_is_their_weighted_mean(tmp_path):
    (data, validation), reference = digits(), perceptron()
    weights = torch.rand(len(data)) + 0.5
    optimizer = torch.optim.Adam(reference.parameters(), lr=PARAMS.learning_rate)
    generator = torch.Generator().manual_seed(supervised._derive(1, 0, supervised.ORDER))
    for items in torch.randperm(200, generator=generator)[:192].split(16):
        optimizer.zero_grad()
        losses = F.cross_entropy(reference(data.inputs[items]), data.targets[items], reduction="none")
        (losses @ weights[items] / weights[items].sum()).backward()
        optimizer.step()
    model = perceptron()
    splits = (replace(data, weights=weights), validation)
    learn(tmp_path, model, splits=splits, task=WeightedClassify(), epochs=1)
    for value, expected in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


def test_weights_are_refused_if_the_loss_is_not_a_mean_over_items(tmp_path):
    data, validation = digits()
    splits = (replace(data, weights=torch.ones(len(data))), validation)
    with pytest.raises(ValueError, match="Classify: its loss does not support item weights"):
        learn(tmp_path, perceptron(), splits=splits)
