"""What belongs together is worked out by hand for small networks; that it fits is held against zeroed weights."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from assay.compression.support import dependency_graph
from assay.compression.support.dependency_graph import decoded, find, norms, numbered, silenced, without
from assay.compression.support.marked_layers import COPIES
from assay.models.layers.text_encoder import Block, attention_mask


class Net(nn.Module):
    """Layers by name, and a function of them and the inputs."""

    def __init__(self, run, **layers):
        super().__init__()
        self.run = run
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, inputs):
        return self.run(self, inputs)


def parts(stacks):
    """Return of each stack, of each group: how many units, and which layers' the first one is of."""
    return [
        [
            (len(group), {(part[1], part[2]): count for part, count in group[0].parts.items()})
            for group in stack
        ]
        for stack in stacks
    ]


def places(unit):
    return {name: sorted(found) for kind in (unit.made, unit.read) for name, found in kind.items()}


def holds(model, inputs):
    """Say how many units can go and that without every other one the network is the one that reads none of them."""
    stacks = find(model, inputs)
    half = [unit for stack in stacks for group in stack for unit in group[1::2]]
    with torch.no_grad():
        torch.testing.assert_close(without(model, half)(inputs), silenced(model, half)(inputs))
    return stacks


def test_hidden_units_of_a_dense_network_but_not_what_it_answers():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).eval()
    [[group]] = holds(model, torch.randn(9, 5))
    assert [places(unit) for unit in group] == [
        {("0.weight", 0): [number], ("0.bias", 0): [number], ("2.weight", 1): [number]} for number in range(4)
    ]


def test_a_channel_takes_all_its_places_behind_flatten_and_its_normalisation():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3 * 9, 2)
    ).eval()
    [[group]] = holds(model, torch.randn(9, 1, 8, 8))
    assert places(group[1]) == {
        **{(f"1.{name}", 0): [1] for name in ("weight", "bias", "running_mean", "running_var")},
        ("0.weight", 0): [1],
        ("0.bias", 0): [1],
        ("4.weight", 1): list(range(9, 18)),
    }


def test_what_is_added_goes_together_and_what_is_stacked_on_its_own():
    torch.manual_seed(0)
    layers = {name: nn.Linear(4, 4) for name in ("first", "second", "third")}
    model = Net(
        lambda net, x: net.head(torch.cat([net.first(x) + net.second(x), net.third(x)], dim=1)),
        **layers,
        head=nn.Linear(8, 2),
    ).eval()
    assert parts(holds(model, torch.randn(9, 4))) == [
        [(4, {("first", 0): 1, ("second", 0): 1})],
        [(4, {("third", 0): 1})],
    ]


def test_gated_halves_go_together():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 10), nn.GLU(), nn.Linear(5, 2)).eval()
    [[group]] = holds(model, torch.randn(9, 4))
    assert places(group[2])["0.weight", 0] == [2, 7]
    assert places(group[2])["2.weight", 1] == [2]


def test_heads_are_units_of_their_queries_keys_and_values():
    torch.manual_seed(0)
    block = Block(12, 3, 0.0)
    model = Net(
        lambda net, x: net.head(net.block(net.embedding(x), attention_mask(x > 0)).mean(dim=1)),
        embedding=nn.Embedding(9, 12),
        block=block,
        head=nn.Linear(12, 2),
    ).eval()
    stacks = holds(model, torch.randint(1, 9, (9, 6)))
    heads, feed_forward = sorted((stack[0] for stack in stacks), key=len)
    assert (len(heads), len(feed_forward)) == (3, 48)
    rows = [row + offset for offset in (0, 12, 24) for row in range(4, 8)]
    assert places(heads[1]) == {
        ("block.attention.queries_keys_values.weight", 0): rows,
        ("block.attention.queries_keys_values.bias", 0): rows,
        ("block.attention.output.weight", 1): [4, 5, 6, 7],
    }


@pytest.mark.parametrize("cell", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_parts_of_a_recurrent_layer_lose_equally_many_units_each_its_own(cell, bidirectional):
    torch.manual_seed(0)
    width = 10 if bidirectional else 5
    model = Net(
        lambda net, x: net.head(net.layer(x)[0][:, -1]),
        layer=cell(3, 5, num_layers=2, batch_first=True, bidirectional=bidirectional),
        head=nn.Linear(width, 2),
    ).eval()
    [stack] = holds(model, torch.randn(9, 7, 3))
    assert [len(group) for group in stack] == [5] * (4 if bidirectional else 2)
    gates = {nn.RNN: 1, nn.GRU: 3, nn.LSTM: 4}[cell]
    found = places(stack[0][1])
    assert found["layer.weight_ih_l0", 0] == [1 + 5 * gate for gate in range(gates)]
    assert found["layer.weight_hh_l0", 1] == [1]
    assert found["layer.weight_ih_l1", 1] == [1]
    assert ("head.weight", 1) not in found
    if bidirectional:
        assert places(stack[1][1])["layer.weight_ih_l1", 1] == [6]
        assert places(stack[3][1])["head.weight", 1] == [6]


def handing_on(net, x):
    """An encoder's last state is where a decoder begins that is called once a step."""
    _, state = net.encoder(x)
    outputs = []
    for step in range(3):
        output, state = net.decoder(x[step : step + 1], state)
        outputs.append(net.head(output[0]))
    return torch.cat(outputs, dim=1)


@pytest.mark.parametrize("cell", [nn.GRU, nn.LSTM])
def test_states_that_are_handed_on_join_both_layers(cell):
    torch.manual_seed(0)
    run = Net(handing_on, encoder=cell(3, 6), decoder=cell(3, 6), head=nn.Linear(6, 2))
    model = Net(lambda net, x: net.run_(x.transpose(0, 1)), run_=run).eval()
    assert parts(holds(model, torch.randn(9, 5, 3))) == [
        [(6, {("run_.encoder", 0): 1, ("run_.decoder", 0): 1})]
    ]


def dense():
    return {"first": nn.Linear(4, 4), "head": nn.Linear(4, 2)}


def sequence(*layers):
    return nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 4, 1), *layers, nn.Flatten(), nn.Linear(16, 2))


STAY = {
    "a single layer": lambda: nn.Linear(4, 4),
    "a single unit": lambda: nn.Sequential(nn.Linear(4, 1), nn.Linear(1, 2)),
    "what a softmax looks at": lambda: nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=1), nn.Linear(4, 2)),
    "what a layer normalisation looks at": lambda: nn.Sequential(
        nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)
    ),
    "what is added to a weight of its own": lambda: Net(
        lambda net, x: net.head(net.first(x) + net.shift), **dense(), shift=nn.Parameter(torch.randn(4))
    ),
    "what is added to the inputs": lambda: Net(lambda net, x: net.head(net.first(x) + x), **dense()),
    "a layer whose weight alone is read": lambda: Net(
        lambda net, x: net.head(x @ net.first.weight), **dense()
    ),
    "a layer whose weight is read too": lambda: Net(
        lambda net, x: net.head(net.first(x)) + net.first.weight.sum(), **dense()
    ),
    "a size in the code": lambda: Net(
        lambda net, x: net.head(net.first(x).view(-1, 2, 2).flatten(1)), **dense()
    ),
    "channels of a convolution by groups": lambda: sequence(nn.Conv1d(4, 4, 1, groups=2)),
    "channels of a convolution of each alone": lambda: sequence(nn.Conv1d(4, 4, 1, groups=4)),
    "channels of a normalisation by groups": lambda: sequence(nn.GroupNorm(2, 4)),
    "a projected recurrent layer": lambda: Net(
        lambda net, x: net.head(net.layer(x[:, None])[0][:, 0]),
        layer=nn.LSTM(4, 6, proj_size=3, batch_first=True),
        head=nn.Linear(3, 2),
    ),
    "one of two directions": lambda: Net(
        lambda net, x: torch.cat(
            [net.head(net.layer(x[:, None])[0][:, 0, :3]), net.layer(x[:, None])[0][:, 0, 3:]], dim=1
        ),
        layer=nn.GRU(4, 3, bidirectional=True, batch_first=True),
        head=nn.Linear(3, 2),
    ),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # that oneDNN has none
@pytest.mark.parametrize("name", sorted(STAY))
def test_stays(name):
    torch.manual_seed(0)
    assert find(STAY[name]().eval(), torch.randn(9, 4)) == []


def test_what_does_not_fit_leaves_the_others_alone():
    torch.manual_seed(0)
    model = Net(
        lambda net, x: net.head(F.relu(net.second(net.first(x) + x))), **dense(), second=nn.Linear(4, 6)
    )
    model.head = nn.Linear(6, 2)
    assert parts(holds(model.eval(), torch.randn(9, 4))) == [[(6, {("second", 0): 1})]]


def test_a_layer_of_each_channel_alone_may_be_of_any_kind():
    torch.manual_seed(0)
    [[group]] = holds(sequence(nn.PReLU(4)).eval(), torch.randn(9, 4))
    assert places(group[3])["2.weight", 0] == [3]


def test_values_for_all_items_at_once_are_no_obstacle():
    """Positions looked up once, not once an item: their layer stays, and what is added to them."""
    torch.manual_seed(0)
    model = Net(
        lambda net, x: net.head(F.relu(net.hidden(net.words(x) + net.places(torch.arange(6))[None]))).sum(1),
        words=nn.Embedding(9, 4),
        places=nn.Embedding(6, 4),
        hidden=nn.Linear(4, 5),
        head=nn.Linear(5, 2),
    ).eval()
    assert parts(holds(model, torch.randint(0, 9, (9, 6)))) == [[(5, {("hidden", 0): 1})]]


def test_the_network_is_not_modified():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2)).eval()
    before = copy.deepcopy(model.state_dict())
    [[group]] = find(model, torch.randn(9, 1, 8, 8))
    without(model, group[:2])
    silenced(model, group[:2])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all("forward" not in vars(layer) for layer in model.modules())
    assert model(torch.randn(2, 1, 8, 8)).isfinite().all()


def test_what_training_leaves_alone_it_leaves_alone_afterwards():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(8, 2)).eval()
    model[0].weight.requires_grad_(False)
    [[group]] = find(model, torch.randint(0, 9, (9, 2)))
    smaller = without(model, group[:1])
    assert [weight.requires_grad for weight in smaller.parameters()] == [False, True, True]


def test_norms_are_over_all_that_makes_or_reads_a_unit():
    model = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2), nn.Linear(2, 1)).eval()
    with torch.no_grad():
        for weight, values in zip(
            model.parameters(), ([[1], [2]], [2, 0], [4, 1], [0, 2], [[2, 4]], [9]), strict=True
        ):
            weight.copy_(torch.tensor(values))
        model[1].running_mean.fill_(100)
    [[group]] = find(model, torch.randn(9, 1))
    assert norms(model, group).tolist() == [5.0, 5.0]


@pytest.mark.parametrize("size", [1, 2, 5, 32, 33, 1000])
def test_numbers_say_which_unit_an_input_stems_from(size):
    generator = torch.Generator().manual_seed(size)
    sources = torch.randint(-1, size, (40,), generator=generator)  # -1: of none
    reached = torch.zeros(size, 40, dtype=torch.bool)
    reached[sources[sources >= 0], (sources >= 0).nonzero().flatten()] = True
    assert torch.equal(decoded(hits_of(reached), size), reached)


def test_where_units_meet_the_numbers_are_not_enough_but_where_the_first_is_among_them():
    reached = torch.zeros(6, 2, dtype=torch.bool)
    reached[[1, 2], 0] = True
    assert decoded(hits_of(reached), 6) is None
    reached[[0], 0] = True
    assert torch.equal(decoded(hits_of(reached), 6).T, torch.tensor([[True] * 6, [False] * 6]))


def hits_of(reached):
    """Return what the numbered marks of all units hit (COPIES, width)."""
    marks = numbered(len(reached))
    hits = torch.zeros(COPIES, reached.shape[1], dtype=torch.bool)
    hits[: len(marks)] = (marks[:, :, None] & reached).any(dim=1)
    return hits


def test_units_that_meet_are_marked_one_by_one_also_where_there_are_many():
    """Pairs of neighbours meet: 45 pairs of 90 units, three passes of marks."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 90), nn.Unflatten(1, (45, 2)), nn.Softmax(dim=2), nn.Flatten(), nn.Linear(90, 2)
    )
    trace = dependency_graph.Trace(model.eval(), torch.randn(1, 4))
    found = dependency_graph.units(trace)
    assert [places(unit)["0.weight", 0] for unit in found] == [[2 * pair, 2 * pair + 1] for pair in range(45)]
