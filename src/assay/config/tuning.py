# SPDX-License-Identifier: Apache-2.0
"""The search for a row's hyperparameters, as params.yaml requests it; imports neither torch nor Optuna."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from assay.config.section import Section

Number = int | float


class Range(Section):
    """A range of numbers; of whole numbers if both ends are whole."""

    low: Number
    high: Number
    """Both ends are included."""
    log: bool = False
    """Whether values are drawn evenly on a logarithmic scale."""


Values = Annotated[list[Any], Field(max_length=1000)]


class TuningParams(Section):
    """The search for a row's hyperparameters on validation items, once per task and for all seeds."""

    trials: int = Field(ge=1, le=1000)
    """The number of settings that are tried."""
    sampler: Literal["tpe", "random"] = "tpe"
    """How settings are drawn: ``tpe`` draws the first half, at most ten, at random, and the others where the scores so
    far are best (Bergstra et al. 2011)."""
    space: dict[str, Range | Values] = Field(min_length=1, max_length=100)
    """The knobs and the keys of ``training`` that are searched: for each a range, or a list of values."""
    items: int | None = Field(default=None, ge=10)
    """Train each trial on at most this many items; ``null`` for as many as the row itself."""


def checked(
    where: str, tuning: TuningParams, sections: Mapping[str, type[BaseModel]], errors: list[str]
) -> TuningParams:
    """Return a search with values of the declared types.

    Args:
        where: the block's place in params.yaml.
        sections: ``knobs`` and, if the row's training loop reads it, ``training``, with all fields optional.
        errors: receives a line for each key that the row does not have and for each value that is not allowed.
    """
    space: dict[str, Range | Values] = {}
    for key, values in tuning.space.items():
        place = f"{where}.space.{key}"
        kind = next((each for each in sections.values() if key in each.model_fields), None)
        if kind is None:
            allowed = ", ".join(name for each in sections.values() for name in each.model_fields) or "none"
            errors.append(f"{place}: the row has no such knob or training key; allowed: {allowed}")
            continue
        errors += [f"{place}: {text}" for text in _empty(values)]
        ends = [values.low, values.high] if isinstance(values, Range) else values
        typed = list(_typed(place, key, ends, kind, errors))
        if not isinstance(values, Range):
            space[key] = typed
        elif all(type(end) in (int, float) for end in typed):
            space[key] = values.model_copy(update=dict(zip(("low", "high"), typed, strict=False)))
        else:
            errors.append(f"{place}: a range needs a number; give a list of values")
    return tuning.model_copy(update={"space": space})


def _empty(values: Range | Values) -> Iterator[str]:
    if not isinstance(values, Range):
        if not values:
            yield "no values; give at least one, or remove the key"
    elif values.low >= values.high:
        yield f"empty range: low = {values.low} must be below high = {values.high}"
    elif values.log and values.low <= 0:
        yield f"low = {values.low}: must be above 0 on a logarithmic scale"


def _typed(
    place: str, key: str, values: Iterable[Any], kind: type[BaseModel], errors: list[str]
) -> Iterator[Any]:
    for value in values:
        try:
            yield kind.model_validate({key: value}).model_dump(mode="json", include={key})[key]
        except ValidationError as error:
            problem = error.errors()[0]["msg"].replace("Input should", "should")
            errors.append(f"{place} = {value!r}: {problem}")


def section_of(key: str, knobs: Mapping[str, Any]) -> Literal["knobs", "training"]:
    """Return the section of a cell's spec that a key of the space belongs to: a knob comes first."""
    return "knobs" if key in knobs else "training"


def with_setting(spec: Mapping[str, Any], setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell's spec with the values of a setting, key of the space -> value, in place of its own."""
    changed = dict(spec)
    for key, value in setting.items():
        section = section_of(key, spec["knobs"])
        changed[section] = {**changed[section], key: value}
    return changed
