# SPDX-License-Identifier: Apache-2.0
"""Model cards: one Markdown file per trained model and task, with the metadata header that model hubs read.

Each statement comes from a record; what no run measured is stated to be unknown.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml
from huggingface_hub import EvalResult, ModelCardData

from assay.files import write_text
from assay.paths import UNCOMPRESSED
from assay.report.formatting import numbers
from assay.report.formatting.file_names import file_name
from assay.report.formatting.splits import origins
from assay.report.output import markdown
from assay.report.output.proof import NAMES, commands, from_scratch
from assay.report.results import tables
from assay.report.results.collect import Phase, Sheet, Variant
from assay.report.results.searches import Search
from assay.report.results.summaries import Score, Summary, best_of, better, metrics_of
from assay.report.results.trials import Trial

LICENCE = "unknown"
"""The licence of the weights: nobody has given them one."""
SPLITS = ("train", "validation", "test")
ONCE = "Test items were used once, after training."
ON_VALIDATION = f"{ONCE} Choices were made on validation items."
AFTER_TEST = (
    "Test items were used after training, but a test score of this model had been seen before its hyperparameters were"
    " chosen (docs/tuning.csv), so its test scores may be too good."
)
NOTHING_CHOSEN: Mapping[tuple[str, str], str] = MappingProxyType({})


def write(
    folder: Path,
    suite: str,
    summaries: Sequence[Summary],
    sheets: Mapping[str, Sheet],
    chosen: Mapping[tuple[str, str], str] = NOTHING_CHOSEN,
) -> dict[str, str]:
    """Make ``folder`` hold exactly one card per model and task with a finished seed, controls excluded.

    Args:
        chosen: the result of :func:`choices`.

    Returns:
        ``task/model`` -> the card's path relative to ``folder``.
    """
    plain = [each for each in summaries if each.method == UNCOMPRESSED and each.finished]
    found = {}
    for each in (each for each in plain if not each.control):
        name = f"{file_name(each.task.name)}/{file_name(each.model.name)}.md"
        beside = [other for other in summaries if other.task == each.task]
        choice = chosen.get((each.task.name, each.model.name), ON_VALIDATION)
        write_text(folder / name, card(suite, each, beside, sheets[each.task.sheet], choice))
        found[f"{each.task.name}/{each.model.name}"] = name
    _sweep(folder, set(found.values()))
    return found


def _sweep(folder: Path, kept: set[str]) -> None:
    """Remove the cards of an earlier report from ``folder``, which is created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*"), reverse=True):  # the contents of a folder before the folder
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in kept:
            path.unlink()


def choices(trials: Sequence[Trial], searches: Sequence[Search]) -> dict[tuple[str, str], str]:
    """Return (task, model) -> how its hyperparameters were chosen, for rows that were tuned, or after a test score."""
    seen = {
        (each.task, each.model)
        for each in trials
        if each.is_choice_after_test and each.method == UNCOMPRESSED
    }
    found = dict.fromkeys(seen, AFTER_TEST)
    for each in searches:
        setting = f" ({each.setting})" if each.fold is None else ", for each fold again,"
        found[each.task, each.model] = (
            f"{ONCE} Its hyperparameters{setting} were chosen among {len(each.trials)} trials on validation items."
        )
    return found


def card(
    suite: str, summary: Summary, beside: Sequence[Summary], sheet: Sheet, choice: str = ON_VALIDATION
) -> str:
    """Return the card of an uncompressed model.

    Args:
        beside: every summary of the same task, itself included.
        choice: how the hyperparameters were chosen.
    """
    task, model = markdown.text(summary.task.name), markdown.text(summary.model.name)
    seeds = len(summary.finished)
    over = (
        "from one run" if seeds == 1 else f"a mean over {seeds} {summary.task.run}s ± one standard deviation"
    )
    compressed = [
        each
        for each in beside
        if each.model == summary.model and each.method != UNCOMPRESSED and each.finished
    ]
    parts = [
        f"---\n{_metadata(summary, sheet)}\n---",
        f"# {model} on {task}",
        f"A {markdown.text(summary.model.family)} model, trained by Assay in the suite"
        f" {markdown.text(suite)} for the task {task}. Each number is {over}."
        f" {markdown.text(ON_VALIDATION if sheet.twin else choice)}",
        "## Results",
        _results(summary),
        _beside_control(summary, beside),
        _costs(summary),
        *(["### Compressed", _compressed(summary, compressed)] if compressed else []),
        "## Training data",
        *_data(summary, sheet),
        "## Intended use",
        f"Comparison with the other models of the task {task}, which were trained on the same data and scored in the"
        " same way. No other use was tested.",
        "## Limitations",
        "\n".join(f"- {line}" for line in _limits(summary, beside, sheet)),
        "## How to reproduce it",
        *_reproduction(suite, summary),
    ]
    return "\n\n".join(parts) + "\n"


def _metadata(summary: Summary, sheet: Sheet) -> str:
    """Return the YAML header's text."""
    kind = str(_training(summary.finished[0]).spec.get("kind") or summary.task.name).replace("_", "-")
    twin = ["generated-twin"] if sheet.twin else []
    results = [
        EvalResult(
            task_type=kind,
            task_name=summary.task.name,
            dataset_type=summary.task.dataset,
            dataset_name=summary.task.dataset,
            dataset_split="test",
            metric_type=metric,
            metric_name=numbers.metric_name(metric),
            metric_value=score.mean,
        )
        for metric, score in _scores(summary, "test").items()
    ]
    data = ModelCardData(
        license=LICENCE,
        tags=[kind, summary.model.family, "assay", *twin],
        datasets=[summary.task.dataset],
        metrics=[result.metric_type for result in results],
        model_name=summary.model.name,
        eval_results=results or None,
    )
    return data.to_yaml()


def _training(variant: Variant) -> Phase:
    return variant.phases[0]


def _scores(summary: Summary, split: str) -> dict[str, Score]:
    """Return each metric of a split, the primary one first."""
    named = {metric: summary.score(metric, split) for metric in metrics_of([summary])}
    return {metric: score for metric, score in named.items() if score is not None}


def _results(summary: Summary) -> str:
    validation = _scores(summary, "validation")
    rows = [
        [numbers.metric_name(metric), _shown(score, metric), _shown(validation.get(metric), metric)]
        for metric, score in _scores(summary, "test").items()
    ]
    return markdown.table(("Metric", "Test", "Validation"), rows)


def _shown(score: Score | None, metric: str) -> str:
    if score is None:
        return numbers.NOTHING
    spread = ""
    if score.deviation is not None:
        spread = f" ± {numbers.deviation(score.deviation, metric)}{numbers.metric_unit(metric)}"
    return numbers.score_with_unit(score.mean, metric) + spread


def _best_control(summary: Summary, beside: Sequence[Summary]) -> tuple[str, float] | None:
    """Return the name and mean score of the best control; None if no control has a score."""
    metric, direction = summary.task.primary, summary.task.direction
    means = {
        each.model.name: score.mean
        for each in beside
        if each.control and each.method == UNCOMPRESSED and (score := each.score(metric)) is not None
    }
    best = best_of(means.values(), direction)
    return next(((name, mean) for name, mean in means.items() if mean == best), None)


def _beside_control(summary: Summary, beside: Sequence[Summary]) -> str:
    metric = summary.task.primary
    way = "higher is better" if summary.task.direction == "maximise" else "lower is better"
    text = f"The primary metric is {markdown.text(numbers.metric_name(metric))}; {way}."
    if control := _best_control(summary, beside):
        value = numbers.score_with_unit(control[1], metric)
        text += f" The best control, {markdown.text(control[0])}, scores {value}."
    if summary.task.optimum is not None:
        optimum = numbers.score_with_unit(summary.task.optimum, metric)
        text += f" The known optimum, the best expected score of any model, is {optimum}."
    return text


def _costs(summary: Summary) -> str:
    hosts = sorted({each.host for each in summary.finished if each.host})
    rows = [
        ["Parameters", numbers.count(summary.cost("parameters"))],
        ["Size on disk", numbers.size(summary.cost("size_bytes"))],
        ["Training", numbers.seconds(summary.cost("train_seconds"))],
        ["Latency at batch 1, ms", numbers.milliseconds(summary.cost("latency_ms_batch1"))],
        ["Latency at batch 64, ms", numbers.milliseconds(summary.cost("latency_ms_batch64"))],
        ["Measured on", "; ".join(hosts) or "not recorded"],
    ]
    return markdown.table(("Cost", ""), rows)


def _compressed(summary: Summary, compressed: Sequence[Summary]) -> str:
    metric = summary.task.primary
    rows = [
        [
            each.method,
            _shown(each.score(metric), metric),
            numbers.size(each.cost("size_bytes")),
            numbers.milliseconds(each.cost("latency_ms_batch1")),
        ]
        for each in compressed
    ]
    return markdown.table(("Method", numbers.metric_name(metric), "Size", "Latency at batch 1, ms"), rows)


def _data(summary: Summary, sheet: Sheet) -> Iterator[str]:
    """Yield paragraphs on the training data."""
    source, prepared = sheet.source, sheet.prepared
    yield f"The dataset {markdown.text(sheet.name)}."
    counts = prepared.get("counts") or {}
    facts = {
        "Licence of the data": source.get("licence"),
        "Source": source.get("homepage"),
        "Citation": source.get("citation"),
        "Items": ", ".join(f"{split} {numbers.count(counts[split])}" for split in SPLITS if split in counts),
        "Split": origins(prepared),
        "Dropped by cleaning": "; ".join(
            f"{each['count']} of {each['split']} ({each['reason']})" for each in prepared.get("dropped") or []
        ),
        "Known quirks": source.get("quirks"),
    }
    yield "\n".join(
        f"- {name}: {markdown.text(value) if value else 'not recorded'}"
        for name, value in facts.items()
        if value or name in ("Licence of the data", "Items")
    )
    spec = _training(summary.finished[0]).spec
    if start := spec.get("starts_from"):
        named = f"{start.get('model')} on {start.get('task')}"
        yield f"It was initialised with the weights of {markdown.text(named)}, which was trained on other data."
    if pretrained := spec.get("pretrained"):
        named = f"{pretrained.get('source')} at {pretrained.get('revision')}"
        yield (
            f"It was initialised with the pretrained network {markdown.text(named)}, whose training data are"
            " not recorded here."
        )


def _limits(summary: Summary, beside: Sequence[Summary], sheet: Sheet) -> Iterator[str]:
    """Yield known weaknesses and what is unknown."""
    task, finished = summary.task, summary.finished
    if sheet.twin:
        yield (
            "The data are a synthetic twin of the dataset: the numbers show that the pipeline works and say"
            " nothing about the real data."
        )
    if items := {each.train_items for each in finished if each.train_items}:
        yield f"It was trained on {numbers.count(max(items))} items only."
    score, control = summary.score(task.primary), _best_control(summary, beside)
    if score and control and not better(score.mean, control[1], task.direction):
        yield f"It is not better than the control {markdown.text(control[0])}."
    if summary.task.folds:
        yield (
            f"It was trained {len(finished)} times, each time without the items of another fold, so the numbers are"
            " those of models that learn from a part of the data."
        )
    elif not summary.model.seeded:
        yield "Its fit does not depend on a seed, so it was trained once."
    elif len(finished) == 1:
        yield "It was trained once: how much another seed would change the numbers is not known."
    for status, count in summary.troubles:
        yield f"{count} of {len(summary.variants)} {task.run}s ended as {markdown.text(status)} and are excluded."
    yield from _errors(summary, sheet)
    yield (
        "It was scored only on the test items of this dataset. How it does on other data, and whom its"
        " errors would harm, was not measured."
    )
    yield "These weights have no licence; the licence of the data is given above."


def _errors(summary: Summary, sheet: Sheet) -> Iterator[str]:
    matrix = tables.confusion_of(summary)
    classes = [str(name) for name in sheet.prepared.get("classes") or []]
    if len(matrix) != len(classes):
        return
    for error in tables.most_common_errors(matrix, classes, limit=1):
        true, predicted = markdown.text(error["true"]), markdown.text(error["predicted"])
        yield (
            f"Its most common error predicts {predicted} for {true}: {error['count']} times,"
            f" {100 * error['share']:.1f}% of all test items of class {true}."
        )


def _reproduction(suite: str, summary: Summary) -> Iterator[str]:
    """Yield the commands, the training spec and the digests of the weights."""
    first = summary.finished[0]
    training = _training(first)
    commits = sorted({commit for each in summary.finished for commit in each.commits})
    lock = training.measured.get("lock")
    yield "To compare with existing results (`assay restore` brings them back after a clone):"
    yield _code("\n".join(commands(suite, first)))
    yield "To train from scratch, without existing results:"
    yield _code(from_scratch(suite, first))
    yield (
        f"Made at commit {markdown.text(', '.join(commits) or 'not recorded')}; digest of requirements.lock:"
        f" {markdown.text(lock or 'not recorded')}. The training spec:"
    )
    spec = {key: value for key, value in training.spec.items() if key not in NAMES}
    yield _code(yaml.safe_dump(spec, width=100))
    rows = [
        [each.seed, name, digest]
        for each in summary.finished
        for name, digest in sorted(_training(each).files.items())
    ]
    yield markdown.table(("Seed", "File", "SHA-256"), rows)


def _code(text: str) -> str:
    """Return an indented code block; characters that could end it, such as line separators, become "?"."""
    lines = ["".join(letter if letter.isprintable() else "?" for letter in line) for line in text.split("\n")]
    return textwrap.indent("\n".join(lines).rstrip("\n"), "    ", predicate=lambda _: True)
