# SPDX-License-Identifier: Apache-2.0
"""Clinic visits: the blood pressure of 240 patients at 3 to 12 visits each, generated from a seed.

A visit's pressure is a function of its columns, plus a random effect of the patient, plus a random effect of the visit.
Visits of one patient are therefore correlated beyond their columns, so they belong in one split, and 60 test patients
with 450 visits carry little more information than 60 patients with one visit each. For a new patient the function is
the best prediction; the variance of the two random effects remains, so the lowest root mean square error is known.

Source of the model, a random intercept: Laird and Ware, "Random-Effects Models for Longitudinal Data", Biometrics
38(4), 1982, https://doi.org/10.2307/2529876.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.data.declarations import Dataset, Source
from assay.data.families.generated import Generated, generated_file
from assay.data.families.table_columns import Number
from assay.data.families.tables import Tables
from assay.data.preparation.tables import TableSet, read_numbers
from assay.files import write_text

COLUMNS = {
    "age": (29, 90),
    "sex": (1, 2),
    "bmi": (17, 37),
    "salt": (3, 15),
    "exercise": (0, 7),
    "dose": (0, 40),
    "month": (0, 70),
}
"""Units: years; 1 for men, 2 for women; kg/m2; g per day; hours per week; mg per day; months since the first visit."""
FEWEST, MOST = 3, 12
"""The smallest and largest number of visits of a patient."""
OF_PATIENT, OF_VISIT = 9.0, 5.0
"""Standard deviations in mmHg of the random effects of patients and of visits."""
ROUNDING = 0.1
"""The unit of the pressure's last digit."""
OPTIMUM = {"rmse": (OF_PATIENT**2 + OF_VISIT**2 + ROUNDING**2 / 12) ** 0.5}


def expected_pressure(
    age: float, sex: float, bmi: float, salt: float, exercise: float, dose: float, month: float
) -> float:
    """Return the mean pressure in mmHg of all patients with these values; the drug's effect levels off."""
    del month  # has no effect
    salted = (0.6 if age < 60 else 1.2) * (salt - 9)
    drug = 22 * dose / (dose + 10)
    return 128 + 0.4 * (age - 55) + 3 * (sex == 1) + 0.8 * (bmi - 27) + salted - 1.2 * (exercise - 3) - drug


def _normal(rng: random.Random) -> float:
    """Return a nearly normal number with mean 0 and deviation 1, the same in every version of Python."""
    return math.fsum(rng.random() for _ in range(12)) - 6


def _draw_patient(rng: random.Random) -> Iterator[list[float]]:
    """Yield the visits of a patient: the columns and the pressure."""
    age, sex, bmi = rng.uniform(30, 80), rng.choice((1, 2)), rng.uniform(18.5, 35.5)
    salt, exercise = rng.uniform(6, 12), rng.uniform(1.5, 5.5)
    own, month = OF_PATIENT * _normal(rng), 0
    for _ in range(rng.randint(FEWEST, MOST)):
        seen = [
            round(age + month / 12, 1),
            sex,
            round(bmi + rng.uniform(-1, 1), 1),
            round(salt + rng.uniform(-2, 2), 1),
            round(exercise + rng.uniform(-1, 1), 1),
            rng.choice((0, 5, 10, 20, 40)),
            month,
        ]
        yield [*seen, expected_pressure(*seen) + own + OF_VISIT * _normal(rng)]
        month += rng.randint(1, 6)


def _draw(rng: random.Random, num_patients: int) -> str:
    """Return the visits of patients, one per line."""
    drawn = [list(_draw_patient(rng)) for _ in range(num_patients)]
    visits = np.array([visit for patient in drawn for visit in patient])
    patients = np.repeat(np.arange(num_patients), [len(patient) for patient in drawn])
    return _lines(TableSet.of_numbers(visits[:, :-1], visits[:, -1], tuple(COLUMNS), groups=patients))


def _lines(table: TableSet) -> str:
    """Return the file contents of a table: patient, columns and pressure, comma-separated."""
    assert table.groups is not None
    rows = np.column_stack([table.groups, table.features, table.targets])
    return "".join(",".join(f"{value:.1f}".removesuffix(".0") for value in row) + "\n" for row in rows)


@dataclass(frozen=True, kw_only=True)
class ClinicVisits(Generated, Tables):
    """A file with one visit per line."""

    def read(self, raw: Path) -> TableSet:
        """Return the visits, grouped by patient."""
        path = self.file(raw)
        table = read_numbers(path, path.read_bytes(), columns=1 + len(self.columns) + 1, delimiter=",")
        patients = table[:, 0]
        odd = np.flatnonzero(patients != np.rint(patients))
        if len(odd):
            raise ValueError(
                f"{path}: row {odd[0] + 1}: patient {patients[odd[0]]} is not an integer;"
                " delete the file and run again"
            )
        return TableSet.of_numbers(
            table[:, 1:-1], table[:, -1], tuple(self.columns), groups=patients.astype(np.int64)
        )

    def write(self, raw: Path, table: TableSet) -> None:
        write_text(self.file(raw), _lines(table))


DATASET: Dataset = ClinicVisits(
    source=Source(
        name="clinic_visits",
        files=generated_file(
            "clinic_visits",
            "visits.csv",
            61_214,
            "cf54ae65db5a91ce336e3f860d7ac8191e260907f83ae2daa82c87a624687927",
            kind="table",
        ),
        licence="Apache-2.0, like this project, which generated it",
        citation="none: generated by this project; the model is that of Laird, Ware (1982). Biometrics 38(4), 963-974.",
        published="2026",
        homepage="https://doi.org/10.2307/2529876",
        quirks=(
            "Generated, so it says nothing about real patients. Several visits per patient: they are in one split, and"
            " intervals are over patients. A model that could recognise a patient would be better than the known"
            " optimum, which is for new patients. The optimum is an expectation: on the test patients it varies."
        ),
    ),
    draw=_draw,
    num_items=240,
    num_twin_items=40,
    columns={name: Number(*limits) for name, limits in COLUMNS.items()},
    target=(40, 220),
    origins=("group",),
    split_strategy="group",
    test_fraction=0.25,
    optimum=OPTIMUM,
)
