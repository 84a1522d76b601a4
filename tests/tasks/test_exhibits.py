"""Exhibits are in metrics.json by their keys; none is a mapping, unlike the metrics of a split."""

import json
from typing import get_args

from assay.tasks.exhibits import ConfusionMatrix, Exhibit, ImageGrid, Samples, as_json

SHOWN = [
    ConfusionMatrix([[1, 0], [2, 3]]),
    Samples([{"given": "a", "expected": "b", "said": "c"}]),
    ImageGrid({"given": [[[0, 255]]], "reconstructed": [[[7, 8]]]}),
]


def test_each_type_has_its_own_key_and_is_plain_data():
    assert {type(each) for each in SHOWN} == set(get_args(Exhibit))
    found = as_json(SHOWN)
    assert json.loads(json.dumps(found)) == {
        "confusion": [[1, 0], [2, 3]],
        "samples": [{"given": "a", "expected": "b", "said": "c"}],
        "images": [
            {"title": "given", "images": [[[0, 255]]]},
            {"title": "reconstructed", "images": [[[7, 8]]]},
        ],
    }
