"""What is taught counts as it should, teaches, and leaves a student that is read back."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from assay.compression.methods.distil import (
    NEVER,
    Lesson,
    Taught,
    compress,
    hidden_loss,
    listening,
    read_by,
    soft_loss,
)
from assay.config import registry
from assay.config.training import TrainerParams, TrainingParams
from assay.models.image.mlp import MLP
from assay.provenance.records import Skip
from assay.tasks import (
    image_classification,
    language_modelling,
    multi_task_classification,
    tagging,
    transduction,
)
from assay.training import supervised
from tests.compression.conftest import LIGHTNING, TEXT_ROWS, TRAINING, context, make_text, written

# Fixtures of the networks whose answer is not one class.
from tests.compression.methods.test_other_forms import NETWORKS, PARAMS, network, twin  # noqa: F401 (fixtures)
from tests.compression.support.test_integers import KNOBS, make

TARGET = "assay.models.image.mlp:MLP"
ARGUMENTS = {"shape": [1, 8, 8], "num_classes": 10, "hidden": [64, 64], "dropout": 0.0}
SMALL = {"hidden": [16]}
ASKED = {
    "temperature": 4.0,
    "teacher": 0.9,
    "hidden": 0.0,
    "epochs": 1.0,
    "begin": "drawn",
}
SMALLER = {
    "mlp": {"hidden": [8]},
    "cnn": {"channels": [2, 4, 4], "dense": 32},
    "rnn": {"hidden": 8},
    "lstm": {"hidden": 8},
    "transformer": {"width": 8},
    "alexnet_small": {"channels": [2, 4, 4, 4, 4]},
    "vgg_small": {"width": 2},
    "resnet_small": {"widths": [2, 4, 8]},
    "bag_of_embeddings": {"width": 4},
    "text_cnn": {"width": 4},
    "text_recurrent": {"width": 4, "hidden": 4},
    "text_transformer": {"width": 4},
    "bert": {"width": 8, "heads": 1},
    "skip_gram": {"width": 4},
    "cbow": {"width": 4},
    "bilstm_tagger": {"hidden": 4},
    "bilstm_crf": {"hidden": 4},
    "bert_tagger": {"width": 8},
    "transformer_tagger": {"width": 8},
    "lstm_lm": {"hidden": 8},
    "gpt": {"depth": 1},
    "seq2seq_lstm": {"hidden": 8},
    "seq2seq_attention": {"hidden": 8},
    "seq2seq_transformer": {"width": 8},
}


def mlp(*hidden):
    torch.manual_seed(0)
    return MLP(**{**ARGUMENTS, "hidden": list(hidden)}).eval()


def of_mlp(images, targets=None, model=None, **changed):
    model = model or mlp(64, 64)
    of = context(model, images, targets, target=TARGET, arguments=ARGUMENTS, **changed)
    return replace(of, student=SMALL)


def briefly(of):
    """Ask for two steps of training."""
    return replace(of, cell={**of.cell, "training": {**TRAINING, "max_steps": 2, "batch_size": 8}})


def test_the_soft_loss_is_the_divergence_of_softened_probabilities():
    student, teacher = (np.random.default_rng(seed).normal(size=(2, 3, 5)) * 3 for seed in (1, 2))
    read = np.ones((2, 3, 5), dtype=bool)
    read[1, 2] = False  # padding
    ours, theirs = (log_softmax(logits / 4, axis=-1) for logits in (student, teacher))
    expected = 16 * (np.exp(theirs) * (theirs - ours)).sum(-1)[read[..., 0]].mean()
    found = soft_loss(*(torch.tensor(part) for part in (student, teacher, read)), 4.0)
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_of_classes_that_are_not_read_nothing_counts():
    student, teacher = torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[2.0, 1.0, -7.0]])
    read = torch.tensor([[True, True, False]])
    alone = soft_loss(student[:, :2], teacher[:, :2], read[:, :2], 2.0)
    assert soft_loss(student, teacher, read, 2.0).item() == pytest.approx(alone.item())


def test_at_a_high_temperature_logits_are_matched():
    """Section 2.1 of the paper: the gradient becomes (z - v) / K for logits whose mean is zero."""
    logits = torch.tensor([[1.0, -2.0, 1.0]], requires_grad=True)
    teacher = torch.tensor([[3.0, 0.0, -3.0]])
    soft_loss(logits, teacher, torch.ones(1, 3, dtype=torch.bool), 1000.0).backward()
    np.testing.assert_allclose(logits.grad, (logits.detach() - teacher) / 3, atol=5e-3)


@pytest.mark.parametrize(
    ("task", "shape", "targets", "expected"),
    [
        (image_classification.TASK, (2, 3), [0, 2], [[1, 1, 1], [1, 1, 1]]),
        (multi_task_classification.TASK, (2, 4), [[0, 0, 2], [3, 2, 4]], [[1, 1, 0, 0], [0, 0, 1, 1]]),
        (tagging.TASK, (1, 3, 2), [[1, 0, -1]], [[[1, 1], [1, 1], [0, 0]]]),
        (language_modelling.TASK, (1, 2, 2), [[-100, 1]], [[[0, 0], [1, 1]]]),
        (transduction.TASK, (1, 2, 4), [[3, 0, 0]], [[[1, 1, 1, 1], [0, 0, 0, 0]]]),
    ],
)
def test_what_a_task_does_not_read_is_found(task, shape, targets, expected):
    outputs = torch.randn(shape) * 100  # however sure the student is
    assert read_by(task, outputs, torch.tensor(targets)).int().tolist() == expected


def test_hidden_states_are_compared_where_something_is_read():
    teacher = torch.tensor([[[1.0, 1.0], [2.0, 2.0], [9.0, 9.0]]])
    student = torch.tensor([[[1.0, 1.0], [4.0, 2.0], [0.0, 5.0]]])
    rows = torch.tensor([[True, True, False, False]])  # one place more than the states have
    assert hidden_loss(student, teacher, rows).item() == pytest.approx((4 / 4) / (10 / 4))
    every = hidden_loss(student, teacher, torch.tensor([True]))
    assert every.item() == pytest.approx((4 + 81 + 16) / (10 + 162))


def test_the_last_linear_layer_is_listened_to_and_then_no_more():
    model, images = mlp(16), torch.randn(3, 1, 8, 8)
    with listening(model) as heard:
        model(images)
    assert torch.equal(heard[0], model.hidden(images))
    model(images)
    assert len(heard) == 1


def lesson(teacher, *, temperature=2.0, share=0.5, hidden=0.0):
    return Lesson(teacher, image_classification.TASK, temperature, share, hidden, label_smoothing=0.0)


def test_the_teacher_is_no_part_of_what_learns():
    teacher, student = mlp(64, 64).requires_grad_(True), mlp(16)
    taught = Taught(student, lesson(teacher)).train()
    assert [*map(id, taught.parameters())] == [*map(id, student.parameters())]
    assert set(taught.state_dict()) == {f"student.{name}" for name in student.state_dict()}
    taught.loss(torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])).backward()
    assert all(weight.grad is None for weight in teacher.parameters())
    assert not taught._teacher[0].training


def test_shares_add_up():
    images, targets = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    teacher, student = mlp(64, 16), mlp(32, 16)
    losses = [
        Taught(student, lesson(teacher, share=share, hidden=2.0)).train().loss(images, targets).item()
        for share in (0.0, 0.25, 1.0)
    ]
    assert losses[1] == pytest.approx(0.75 * losses[0] + 0.25 * losses[2])
    soft = Taught(student, lesson(teacher, share=1.0)).train().loss(images, targets).item()
    hidden = hidden_loss(student.hidden(images), teacher.hidden(images), torch.ones(4, dtype=torch.bool))
    assert losses[2] == pytest.approx(soft + 2 * hidden.item())
    assert Taught(student, lesson(teacher)).eval().loss(images, targets).item() == pytest.approx(losses[0])


def test_states_of_other_shapes_are_not_compared():
    images, targets = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    losses = [
        Taught(mlp(16), lesson(mlp(64), share=1.0, hidden=hidden)).train().loss(images, targets).item()
        for hidden in (0.0, 5.0)
    ]
    assert losses[0] == losses[1]


def test_another_lesson_is_another_training():
    """The checkpoint of an interrupted one goes by the module's description."""
    teacher, student = mlp(64, 64), mlp(16)
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        other.head.bias[0] += 1
    lessons = [lesson(teacher), lesson(teacher, share=0.6), lesson(teacher, temperature=3.0), lesson(other)]
    assert len({str(Taught(student, each)) for each in lessons}) == len(lessons)


def test_without_a_teacher_the_student_learns_from_labels_alone(digits, tmp_path):
    (images, targets), _ = digits
    of = of_mlp(images[:300], targets[:300], folder=tmp_path)
    student = compress(of, **{**ASKED, "teacher": 0.0}).model
    alone = mlp(16)
    supervised.train(
        alone,
        image_classification.TASK,
        of.splits["train"],
        of.splits["validation"],
        params=TrainingParams.model_validate(TRAINING),
        trainer=TrainerParams.model_validate(LIGHTNING),
        seed=0,
        threads=1,
        augment=None,
        folder=tmp_path,
    )
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(student.state_dict()[name], value)


def test_a_teacher_sets_wrong_labels_right(learned, digits, tmp_path):
    """Half of the labels are drawn at random; the teacher has seen the true ones."""
    (images, targets), (others, theirs) = digits
    teacher, generator = learned(mlp(64, 64)), torch.Generator().manual_seed(0)
    noise = torch.randint(0, 10, targets.shape, generator=generator)
    wrong = torch.where(torch.rand(targets.shape, generator=generator) < 0.5, noise, targets)
    of = of_mlp(images, wrong, teacher, validation=(others[:300], theirs[:300]), folder=tmp_path)
    before = copy.deepcopy(teacher.state_dict())
    of = replace(of, student={"hidden": [24]})
    asked = {**ASKED, "epochs": 3.0, "temperature": 2.0}
    taught, alone = (compress(of, **{**asked, "teacher": share}).model for share in (0.9, 0.0))
    assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
    with torch.inference_mode():
        right = [(model(others).argmax(1) == theirs).float().mean() for model in (teacher, taught, alone)]
    assert right[1] > right[2] + 0.03
    assert right[0] - right[1] < (right[0] - right[2]) / 2


def test_a_student_begins_as_its_teacher_if_asked(learned, digits, tmp_path):
    (images, targets), (others, theirs) = digits
    teacher = learned(mlp(64, 64))
    of = briefly(of_mlp(images, targets, teacher, validation=(others[:300], theirs[:300]), folder=tmp_path))
    of = replace(of, student={"hidden": [48, 48]})
    scores = [of.score(compress(of, **{**ASKED, "begin": begin}).model) for begin in ("teacher", "drawn")]
    assert scores[0] > scores[1] + 0.3


def test_longer_training_takes_more_steps(digits, tmp_path, monkeypatch):
    (images, targets), _ = digits
    asked = {}
    monkeypatch.setattr(supervised, "train", lambda *_, params, **__: asked.update(params.model_dump()))
    compress(of_mlp(images, targets, folder=tmp_path), **{**ASKED, "epochs": 1.25})
    assert (asked["epochs"], asked["max_steps"], asked["learning_rate"]) == (
        13,
        225,
        TRAINING["learning_rate"],
    )


def test_the_record_makes_the_student_again_and_the_same_bytes_twice(digits, tmp_path):
    (images, targets), _ = digits
    bytes_of = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        of = briefly(of_mlp(images[:100], targets[:100], folder=folder))
        made = compress(of, **ASKED)
        loaded = written(made, folder, of)
        bytes_of.append((folder / "model.safetensors").read_bytes())
    assert bytes_of[0] == bytes_of[1]
    assert made.facts == {"arguments": {**ARGUMENTS, "hidden": [16]}}
    assert made.parameters == 64 * 16 + 16 + 16 * 10 + 10
    with torch.inference_mode():
        np.testing.assert_array_equal(loaded.outputs(images.numpy()), made.model(images))


def test_what_has_no_smaller_student_is_skipped():
    of = of_mlp(torch.randn(3, 1, 8, 8))
    cell = {**of.cell, "model": "mlp_sgd"}
    with pytest.raises(Skip, match=r"params\.yaml describes no student of mlp_sgd"):
        compress(replace(of, cell=cell, student=None), **ASKED)
    with pytest.raises(Skip, match="the student has 8970 parameters, its teacher 8970: it is not smaller"):
        compress(replace(of, student={}), **ASKED)


def test_every_network_has_a_student_here():
    """But for those without a knob for their size."""
    texts = {name for name, _ in TEXT_ROWS.values()}
    without = {name for name in {*KNOBS, *texts, *NETWORKS} if student_of(name) is None}
    assert without == {"lenet5", "inception_small"}


def student_of(family):
    """Return how the student of a network with the tests' knobs differs: that of its row if there is no smaller one."""
    rows = (row.student for row in PARAMS.models.values() if row.model == family and row.student)
    return SMALLER.get(family) or next(rows, None)


def check(of, folder):
    """Teach a student for two steps, and read it back."""
    asked = {**ASKED, "hidden": 1.0, "begin": "teacher"}
    family = of.record["target"].partition(":")[0].rpartition(".")[2]
    made = compress(briefly(replace(of, folder=folder, student=student_of(family))), **asked)
    assert made.parameters < sum(weight.numel() for weight in of.model.parameters())
    inputs = of.splits["train"].inputs[:4].numpy()
    found = written(made, folder, of).outputs(inputs)
    with torch.inference_mode():
        assert found.shape == of.model(torch.from_numpy(inputs)).shape
    assert np.isfinite(found).all()
    assert (found > NEVER).any()


@pytest.mark.parametrize("name", sorted(set(KNOBS) & set(SMALLER)))
def test_networks_of_images_are_taught(name, tmp_path):
    arguments = {"shape": [1, 8, 8], "num_classes": 10, **KNOBS[name]}
    images = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    check(context(make(name), images, target=registry.MODELS[name].target, arguments=arguments), tmp_path)


@pytest.mark.parametrize("row", sorted(TEXT_ROWS))
def test_networks_of_texts_are_taught(row, texts, tmp_path):
    name, knobs = TEXT_ROWS[row]
    arguments = {"vocabulary": 400, "num_classes": 4, "words": 400, "dropout": 0.0, **knobs}
    ids, targets = (part[:20] for part in texts)
    target = registry.MODELS[name].target
    check(context(make_text(row), ids, targets, target=target, arguments=arguments), tmp_path)


def test_networks_of_other_forms_are_taught(network, tmp_path):  # noqa: F811
    check(network, tmp_path)
