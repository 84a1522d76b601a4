# SPDX-License-Identifier: Apache-2.0
"""What the parts of params.yaml have in common; imports no torch."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class Strict(BaseModel):
    """Frozen, with no unknown keys and none but finite numbers.

    The base of types that are made while params.yaml is read: to look for docstrings takes 20 ms a type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Section(Strict):
    """A part of params.yaml, with a docstring below each field."""

    model_config = ConfigDict(use_attribute_docstrings=True)


@cache
def any_of(section: type[BaseModel]) -> type[BaseModel]:
    """Return the type that holds any of a section's fields, each with the section's own range."""
    fields: dict[str, Any] = {
        # The default is not checked, and None as a value is refused: a key without a value is a mistake.
        name: (Annotated[field.annotation, Field(), *field.metadata], None)
        for name, field in section.model_fields.items()
    }
    return create_model(f"{section.__name__}Changes", __base__=Strict, **fields)
