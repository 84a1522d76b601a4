"""What makes each neural family itself, and its size worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.models.image.alexnet_small import AlexNetSmall, ResponseNorm
from assay.models.image.cnn import CNN
from assay.models.image.inception_small import BEFORE_POOL, Inception, InceptionSmall
from assay.models.image.lenet5 import LeNet5, ScaledTanh, Subsampling
from assay.models.image.lstm import LSTM
from assay.models.image.mlp import MLP
from assay.models.image.resnet_small import Block as ResidualBlock
from assay.models.image.resnet_small import ResNetSmall
from assay.models.image.rnn import RNN
from assay.models.image.transformer import Attention, Transformer
from assay.models.image.vgg_small import VGGSmall
from assay.models.layers.image_layers import Enlarge, image_rows

SMALL_IMAGE = {"shape": (1, 28, 28), "num_classes": 10}


def size(model):
    return sum(p.numel() for p in model.parameters())


def some(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def kinds(model, kind):
    return [m for m in model.modules() if isinstance(m, kind)]


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ([128, 128], 784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10),
        ([128, 64], 784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10),
        ([], 784 * 10 + 10),
    ],
)
def test_mlp_size(hidden, expected):
    assert size(MLP(**SMALL_IMAGE, hidden=hidden, dropout=0.0)) == expected


def test_cnn_size():
    convolutions = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 64 + 64)
    dense = (64 * 7 * 7 * 64 + 64) + (64 * 10 + 10)
    model = CNN(**SMALL_IMAGE, channels=[32, 64, 64], dense=64, dropout=0.25)
    assert size(model) == convolutions + dense


def test_lenet5_size():
    # The paper's layers, but that C3 sees all six maps (1516 there) and that the output is linear.
    c1, s2, c3, s4, c5, f6 = 156, 12, 6 * 25 * 16 + 16, 32, 48120, 10164
    assert size(LeNet5(**SMALL_IMAGE)) == c1 + s2 + c3 + s4 + c5 + f6 + 84 * 10 + 10


def test_recurrent_sizes():
    tanh = (28 + 128 + 2) * 128 + (128 + 128 + 2) * 128
    head = 128 * 10 + 10
    assert size(RNN(**SMALL_IMAGE, hidden=128, layers=2, dropout=0.0)) == tanh + head
    assert size(LSTM(**SMALL_IMAGE, hidden=128, layers=2, dropout=0.0)) == 4 * tanh + head


@pytest.mark.parametrize("kind", [MLP, CNN])
def test_dropout_acts_in_training_only(kind):
    knobs = {"hidden": [64]} if kind is MLP else {"channels": [4, 4, 4], "dense": 16}
    model, images = kind(shape=(1, 8, 8), num_classes=3, dropout=0.5, **knobs), some(4, 1, 8, 8)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize("wrong", [[32, 64], [32, 64, 64, 64]])
def test_cnn_takes_three_channel_numbers(wrong):
    with pytest.raises(ValueError, match="expected 3"):
        CNN(**SMALL_IMAGE, channels=wrong, dense=8, dropout=0.0)


def test_rows_are_steps_from_the_top():
    images = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    rows = image_rows(images)
    assert rows.shape == (2, 4, 15)
    torch.testing.assert_close(rows[1, 2], images[1, :, 2, :].flatten())


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_the_order_of_rows_matters(kind):
    torch.manual_seed(0)
    model, images = kind(shape=(1, 8, 8), num_classes=3, hidden=8, layers=2, dropout=0.0), some(2, 1, 8, 8)
    assert not torch.allclose(model(images), model(images.flip(2)), atol=1e-3)


def test_tanh_network_is_the_recurrence():
    torch.manual_seed(0)
    model, images = RNN(shape=(1, 5, 4), num_classes=3, hidden=6, layers=1, dropout=0.0), some(2, 1, 5, 4)
    weights = model.recurrent
    state = torch.zeros(2, 6)
    for row in range(5):
        inputs = F.linear(images[:, 0, row], weights.weight_ih_l0, weights.bias_ih_l0)
        state = torch.tanh(inputs + F.linear(state, weights.weight_hh_l0, weights.bias_hh_l0))
    torch.testing.assert_close(model(images), model.head(state))


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_one_recurrent_layer_may_have_dropout(kind):
    assert kind(shape=(1, 8, 8), num_classes=3, hidden=8, layers=1, dropout=0.5)(some(2, 1, 8, 8)).shape == (
        2,
        3,
    )


@pytest.mark.parametrize(
    ("shape", "patch", "count"), [((1, 8, 8), 2, 16), ((1, 28, 28), 4, 49), ((3, 32, 16), 8, 8)]
)
def test_transformer_has_one_position_a_patch(shape, patch, count):
    model = Transformer(shape=shape, num_classes=3, patch=patch, width=8, depth=1, heads=2, dropout=0.0)
    assert model.positions.shape == (1, count, 8)
    assert model(some(2, *shape)).shape == (2, 3)


def test_transformer_heeds_where_a_patch_lies():
    torch.manual_seed(0)
    model = Transformer(shape=(1, 8, 8), num_classes=3, patch=4, width=8, depth=1, heads=2, dropout=0.0)
    images = some(2, 1, 8, 8)
    swapped = images.roll(4, dims=3)  # the two columns of patches change places
    assert not torch.allclose(model(images), model(swapped), atol=1e-5)
    nn.init.zeros_(model.positions)
    torch.testing.assert_close(model(images), model(swapped))


def test_attention_is_torchs():
    torch.manual_seed(0)
    ours, tokens = Attention(12, 3), some(2, 5, 12)
    theirs = nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.queries_keys_values.weight,
            "in_proj_bias": ours.queries_keys_values.bias,
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    torch.testing.assert_close(ours(tokens), theirs(tokens, tokens, tokens)[0])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"patch": 3}, "patch = 3 does not divide an image of 8 x 8"),
        ({"heads": 3}, "not a multiple of heads = 3"),
    ],
)
def test_transformer_refuses_what_does_not_divide(changed, message):
    knobs = {"patch": 4, "width": 8, "depth": 1, "heads": 2, "dropout": 0.0}
    with pytest.raises(ValueError, match=message):
        Transformer(shape=(1, 8, 8), num_classes=3, **{**knobs, **changed})


def test_scaled_tanh_keeps_plus_and_minus_one():
    torch.testing.assert_close(
        ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0])), torch.tensor([-1.0, 0.0, 1.0]), atol=1e-4, rtol=0
    )


def test_subsampling_by_hand():
    layer = Subsampling(2)
    layer.coefficient.data = torch.tensor([2.0, -1.0]).view(2, 1, 1)
    layer.bias.data = torch.tensor([0.5, 0.0]).view(2, 1, 1)
    maps = torch.tensor([[1.0, 2.0], [3.0, 6.0]]).expand(1, 2, 2, 2)
    assert layer(maps).flatten().tolist() == [6.5, -3.0]


def test_alexnet_pools_overlap():
    model = AlexNetSmall(**SMALL_IMAGE, channels=[4, 8, 8, 8, 8], dense=8, dropout=0.5)
    pools = kinds(model, nn.MaxPool2d)
    assert [(p.kernel_size, p.stride) for p in pools] == [(3, 2)] * 3
    assert [c.out_channels for c in kinds(model, nn.Conv2d)] == [4, 8, 8, 8, 8]
    assert len(kinds(model, nn.Linear)) == 3
    assert len(kinds(model, nn.Dropout)) == 2


def test_response_norm_is_torchs():
    maps = some(2, 7, 3, 3) * 50
    expected = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)(maps)
    torch.testing.assert_close(ResponseNorm(7)(maps), expected)


def test_response_norm_by_hand():
    maps = torch.full((1, 6, 1, 1), 100.0)
    # An inner channel has five neighbours, itself included; the outermost has three.
    found = ResponseNorm(6)(maps).flatten()
    assert found[2].item() == pytest.approx(100 / (2 + 1e-4 * 5 * 1e4) ** 0.75)
    assert found[0].item() == pytest.approx(100 / (2 + 1e-4 * 3 * 1e4) ** 0.75)


def test_vgg_is_threes_and_doubles():
    model = VGGSmall(**SMALL_IMAGE, width=4, convolutions=2, dense=8, dropout=0.5)
    convolutions = kinds(model, nn.Conv2d)
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    assert [c.out_channels for c in convolutions] == [4, 4, 8, 8, 16, 16]
    assert [(p.kernel_size, p.stride) for p in kinds(model, nn.MaxPool2d)] == [(2, 2)] * 3


def test_inception_module_stacks_four_branches():
    widths = BEFORE_POOL[0]
    module, maps = Inception(32, widths).eval(), some(2, 32, 6, 6)
    found = module(maps)
    assert found.shape == (2, widths.outputs, 6, 6)
    branches = found.split([widths.ones, widths.threes, widths.fives, widths.pool_proj], dim=1)
    for branch, part in zip(branches, (module.ones, module.threes, module.fives, module.pool), strict=True):
        torch.testing.assert_close(branch, part(maps))
    assert sorted({c.kernel_size for c in kinds(module, nn.Conv2d)}) == [(1, 1), (3, 3), (5, 5)]


def test_inception_averages_the_whole_map():
    model = InceptionSmall(**SMALL_IMAGE, dropout=0.2)
    assert size(model.head) == (model.head.in_features + 1) * 10
    assert len(kinds(model, Inception)) == 3


def test_a_block_whose_residual_is_zero_passes_its_input():
    block, maps = ResidualBlock(8, 8, 1).eval(), some(2, 8, 5, 5).relu()
    nn.init.zeros_(block.residual[-1].weight)
    torch.testing.assert_close(block(maps), maps)


def test_a_block_adds_its_residual():
    block, maps = ResidualBlock(8, 8, 1).eval(), some(2, 8, 5, 5)
    torch.testing.assert_close(block(maps), torch.relu(maps + block.residual(maps)))


def test_resnet_projects_only_where_the_size_changes():
    model = ResNetSmall(**SMALL_IMAGE, widths=[8, 16, 32], blocks=2)
    blocks = kinds(model, ResidualBlock)
    assert len(blocks) == 6
    assert [isinstance(b.shortcut, nn.Identity) for b in blocks] == [True, True, False, True, False, True]


@pytest.mark.parametrize("wrong", [[8, 16], [8, 16, 32, 64]])
def test_resnet_takes_three_widths(wrong):
    with pytest.raises(ValueError, match="zip"):
        ResNetSmall(**SMALL_IMAGE, widths=wrong, blocks=1)


def test_small_images_are_enlarged_and_others_are_not():
    enlarge = Enlarge(16)
    assert enlarge(some(2, 1, 8, 8)).shape == (2, 1, *enlarge.sides((1, 8, 8))) == (2, 1, 16, 16)
    large = some(2, 1, 28, 20)
    assert enlarge(large) is large
    assert enlarge.sides((1, 28, 20)) == (28, 20)


def test_enlarging_keeps_a_flat_image_flat():
    torch.testing.assert_close(Enlarge(16)(torch.full((1, 1, 8, 8), 0.3)), torch.full((1, 1, 16, 16), 0.3))
