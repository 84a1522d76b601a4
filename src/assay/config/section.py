# SPDX-License-Identifier: Apache-2.0
"""Base classes of the sections of params.yaml; imports no torch."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class Strict(BaseModel):
    """Frozen, without unknown keys, finite numbers only.

    The base of types that are created while params.yaml is read, without docstrings, which take 20 ms per type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Section(Strict):
    """A part of params.yaml, with a docstring below each field."""

    model_config = ConfigDict(use_attribute_docstrings=True)


@cache
def any_of(section: type[BaseModel]) -> type[BaseModel]:
    """Return a type with all of a section's fields optional, each with the section's range."""
    fields: dict[str, Any] = {
        # The default is not checked, but None as a value is refused: a key without a value is an error.
        name: (Annotated[field.annotation, Field(), *field.metadata], None)
        for name, field in section.model_fields.items()
    }
    return create_model(f"{section.__name__}Changes", __base__=Strict, **fields)
