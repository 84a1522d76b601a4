"""What there is: every model, dataset, task and method, one line each.

Only names stand here; what they name is imported when it is used, so that listing costs nothing. A line
added for one entry does not change what another entry's cell does, which is why :mod:`assay.provenance.code_digest`
leaves this file out of the code that a cell depends on.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

LIGHTNING = "assay.training.supervised"
ESTIMATOR = "assay.training.estimator"
IMAGE_TO_CLASS = "image to class"
TEXT_TO_CLASS = "text to class"
TEXTS_TO_CLASSES = "texts of several tasks to classes"
TEXT_TO_WORD = "text to missing word"
TEXT_TO_TAGS = "text to tags"
TEXT_TO_NEXT = "text to next character"
TEXT_TO_TEXT = "text to text"
TWIN = "_twin"
PRETRAINED = ("config", "pieces", "before", "after")
"""Arguments that a network of others gives to the class that begins from it."""


@dataclass(frozen=True)
class Model:
    """A model family: where its class is, and what the matrix must know before anything is imported."""

    target: str
    """``module:class``."""
    family: str
    """The heading under which the report lists it."""
    forms: tuple[str, ...]
    """What it can make of what: it fits every task of such a form."""
    trainer: str = LIGHTNING
    """The module that trains it."""
    seeded: bool = True
    """False where the fit does not depend on the seed: such a model runs once."""
    pretrained: bool = False
    """Whether it begins from a network that others trained, which its row names."""


@dataclass(frozen=True)
class Dataset:
    """A dataset: its module. ``<name>_twin`` is its twin."""

    module: str
    parts: tuple[str, ...] = ()
    """Datasets that it is made of, and split as: the same seed and fraction must be asked for all of them."""


@dataclass(frozen=True)
class Task:
    """A kind of task: its module, and the arguments that it gives to a model."""

    module: str
    form: str
    """What it makes of what; decides which models fit."""
    provides: tuple[str, ...]
    controls: tuple[str, ...]
    """Model families of which every such task needs at least one row."""


@dataclass(frozen=True)
class Method:
    """A way to compress: its module, the trainers whose models it takes, and whether others can follow it."""

    module: str
    trainers: tuple[str, ...] = (LIGHTNING,)
    final: bool = False
    """Whether what it leaves can only be run: a graph is not trained or taken apart."""


MODELS = {
    "majority": Model(
        "assay.models.baselines.majority:Majority",
        "control",
        (IMAGE_TO_CLASS, TEXT_TO_CLASS, TEXTS_TO_CLASSES, TEXT_TO_WORD),
        ESTIMATOR,
        seeded=False,
    ),
    "logistic_regression": Model(
        "assay.models.tabular.logistic_regression:LogisticRegression",
        "linear",
        (IMAGE_TO_CLASS,),
        ESTIMATOR,
        seeded=False,
    ),
    "linear_svm": Model(
        "assay.models.tabular.linear_svm:LinearSVM", "linear", (IMAGE_TO_CLASS,), ESTIMATOR, seeded=False
    ),
    "rbf_svm": Model(
        "assay.models.tabular.rbf_svm:RBFSVM", "kernel", (IMAGE_TO_CLASS,), ESTIMATOR, seeded=False
    ),
    "decision_tree": Model(
        "assay.models.tabular.decision_tree:DecisionTree", "trees", (IMAGE_TO_CLASS,), ESTIMATOR
    ),
    "hist_gradient_boosting": Model(
        "assay.models.tabular.hist_gradient_boosting:HistGradientBoosting",
        "trees",
        (IMAGE_TO_CLASS,),
        ESTIMATOR,
        seeded=False,
    ),
    "scratch_mlp": Model(
        "assay.models.tabular.scratch_mlp:ScratchMLP", "from the formulas", (IMAGE_TO_CLASS,), ESTIMATOR
    ),
    "mlp": Model("assay.models.image.mlp:MLP", "fully connected", (IMAGE_TO_CLASS,)),
    "cnn": Model("assay.models.image.cnn:CNN", "convolutional", (IMAGE_TO_CLASS,)),
    "rnn": Model("assay.models.image.rnn:RNN", "recurrent", (IMAGE_TO_CLASS,)),
    "lstm": Model("assay.models.image.lstm:LSTM", "recurrent", (IMAGE_TO_CLASS,)),
    "transformer": Model("assay.models.image.transformer:Transformer", "attention", (IMAGE_TO_CLASS,)),
    "lenet5": Model("assay.models.image.lenet5:LeNet5", "convolutional", (IMAGE_TO_CLASS,)),
    "alexnet_small": Model(
        "assay.models.image.alexnet_small:AlexNetSmall", "convolutional", (IMAGE_TO_CLASS,)
    ),
    "vgg_small": Model("assay.models.image.vgg_small:VGGSmall", "convolutional", (IMAGE_TO_CLASS,)),
    "inception_small": Model(
        "assay.models.image.inception_small:InceptionSmall", "convolutional", (IMAGE_TO_CLASS,)
    ),
    "resnet_small": Model("assay.models.image.resnet_small:ResNetSmall", "convolutional", (IMAGE_TO_CLASS,)),
    "naive_bayes": Model(
        "assay.models.text.naive_bayes:NaiveBayes", "Bayesian", (TEXT_TO_CLASS,), ESTIMATOR, seeded=False
    ),
    "tfidf_logistic_regression": Model(
        "assay.models.text.tfidf_logistic_regression:TfidfLogisticRegression",
        "linear",
        (TEXT_TO_CLASS,),
        ESTIMATOR,
        seeded=False,
    ),
    "tfidf_linear_svm": Model(
        "assay.models.text.tfidf_linear_svm:TfidfLinearSVM",
        "linear",
        (TEXT_TO_CLASS,),
        ESTIMATOR,
        seeded=False,
    ),
    "bag_of_embeddings": Model(
        "assay.models.text.bag_of_embeddings:BagOfEmbeddings", "embeddings", (TEXT_TO_CLASS,)
    ),
    "text_cnn": Model(
        "assay.models.text.text_cnn:TextCNN", "convolutional", (TEXT_TO_CLASS, TEXTS_TO_CLASSES)
    ),
    "text_recurrent": Model(
        "assay.models.text.text_recurrent:TextRecurrent", "recurrent", (TEXT_TO_CLASS, TEXTS_TO_CLASSES)
    ),
    "text_transformer": Model(
        "assay.models.text.text_transformer:TextTransformer", "attention", (TEXT_TO_CLASS, TEXTS_TO_CLASSES)
    ),
    "hugging_face": Model(
        "assay.models.text.hugging_face:HuggingFace", "attention", (TEXT_TO_CLASS,), pretrained=True
    ),
    "bert": Model("assay.models.word_vectors.bert:Bert", "attention", (TEXT_TO_WORD,)),
    "skip_gram": Model("assay.models.word_vectors.skip_gram:SkipGram", "embeddings", (TEXT_TO_WORD,)),
    "cbow": Model("assay.models.word_vectors.cbow:CBOW", "embeddings", (TEXT_TO_WORD,)),
    "glove": Model("assay.models.word_vectors.glove:GloVe", "embeddings", (TEXT_TO_WORD,), ESTIMATOR),
    "most_frequent_tag": Model(
        "assay.models.baselines.most_frequent_tag:MostFrequentTag",
        "control",
        (TEXT_TO_TAGS,),
        ESTIMATOR,
        seeded=False,
    ),
    "bilstm_tagger": Model("assay.models.tagging.bilstm_tagger:BiLSTMTagger", "recurrent", (TEXT_TO_TAGS,)),
    "bilstm_crf": Model("assay.models.tagging.bilstm_crf:BiLSTMCRF", "recurrent", (TEXT_TO_TAGS,)),
    "bert_tagger": Model("assay.models.tagging.bert_tagger:BertTagger", "attention", (TEXT_TO_TAGS,)),
    "transformer_tagger": Model(
        "assay.models.tagging.transformer_tagger:TransformerTagger", "attention", (TEXT_TO_TAGS,)
    ),
    "unigram": Model(
        "assay.models.baselines.unigram:Unigram", "control", (TEXT_TO_NEXT,), ESTIMATOR, seeded=False
    ),
    "bigram": Model(
        "assay.models.baselines.bigram:Bigram", "counts", (TEXT_TO_NEXT,), ESTIMATOR, seeded=False
    ),
    "ngram": Model("assay.models.language.ngram:NGram", "counts", (TEXT_TO_NEXT,), ESTIMATOR, seeded=False),
    "lstm_lm": Model("assay.models.language.lstm_lm:LSTMLM", "recurrent", (TEXT_TO_NEXT,)),
    "gpt": Model("assay.models.language.gpt:GPT", "attention", (TEXT_TO_NEXT,)),
    "copy_source": Model(
        "assay.models.baselines.copy_source:CopySource", "control", (TEXT_TO_TEXT,), ESTIMATOR, seeded=False
    ),
    "first_words": Model(
        "assay.models.baselines.first_words:FirstWords", "control", (TEXT_TO_TEXT,), ESTIMATOR, seeded=False
    ),
    "word_by_word": Model(
        "assay.models.seq2seq.word_by_word:WordByWord", "counts", (TEXT_TO_TEXT,), ESTIMATOR, seeded=False
    ),
    "seq2seq_lstm": Model("assay.models.seq2seq.seq2seq_lstm:Seq2SeqLSTM", "recurrent", (TEXT_TO_TEXT,)),
    "seq2seq_attention": Model(
        "assay.models.seq2seq.seq2seq_attention:Seq2SeqAttention", "recurrent", (TEXT_TO_TEXT,)
    ),
    "seq2seq_transformer": Model(
        "assay.models.seq2seq.seq2seq_transformer:Seq2SeqTransformer", "attention", (TEXT_TO_TEXT,)
    ),
}

DATASETS = {
    "digits": Dataset("assay.data.datasets.image.digits"),
    "mnist": Dataset("assay.data.datasets.image.mnist"),
    "fashion_mnist": Dataset("assay.data.datasets.image.fashion_mnist"),
    "movie_reviews": Dataset("assay.data.datasets.text.movie_reviews"),
    "ag_news": Dataset("assay.data.datasets.text.ag_news"),
    "review_grammar": Dataset("assay.data.datasets.text.review_grammar"),
    "reviews_and_news": Dataset("assay.data.datasets.text.reviews_and_news", ("movie_reviews", "ag_news")),
    "english_texts": Dataset(
        "assay.data.datasets.text.english_texts", ("movie_reviews", "ag_news", "wnut17", "multi30k")
    ),
    "entity_grammar": Dataset("assay.data.datasets.text.entity_grammar"),
    "wnut17": Dataset("assay.data.datasets.text.wnut17", ("movie_reviews", "ag_news", "multi30k")),
    "tinyshakespeare": Dataset("assay.data.datasets.text.tinyshakespeare"),
    "markov_text": Dataset("assay.data.datasets.text.markov_text"),
    "dates": Dataset("assay.data.datasets.text.dates"),
    "multi30k": Dataset("assay.data.datasets.text.multi30k"),
    "ag_news_titles": Dataset("assay.data.datasets.text.ag_news_titles"),
}

TASKS = {
    "image_classification": Task(
        "assay.tasks.image_classification",
        form=IMAGE_TO_CLASS,
        provides=("shape", "num_classes"),
        controls=("majority",),
    ),
    "text_classification": Task(
        "assay.tasks.text_classification",
        form=TEXT_TO_CLASS,
        provides=("shape", "vocabulary", "num_classes"),
        controls=("majority",),
    ),
    "multi_task_classification": Task(
        "assay.tasks.multi_task_classification",
        form=TEXTS_TO_CLASSES,
        provides=("shape", "vocabulary", "num_classes"),
        controls=("majority",),
    ),
    "masked_words": Task(
        "assay.tasks.masked_words",
        form=TEXT_TO_WORD,
        provides=("shape", "vocabulary", "num_classes"),
        controls=("majority",),
    ),
    "tagging": Task(
        "assay.tasks.tagging",
        form=TEXT_TO_TAGS,
        provides=("shape", "vocabulary", "alphabet", "num_classes"),
        controls=("most_frequent_tag",),
    ),
    "language_modelling": Task(
        "assay.tasks.language_modelling",
        form=TEXT_TO_NEXT,
        provides=("shape", "vocabulary"),
        controls=("unigram",),
    ),
    "transduction": Task(
        "assay.tasks.transduction",
        form=TEXT_TO_TEXT,
        provides=("source_length", "target_length", "vocabulary"),
        controls=("copy_source",),
    ),
    "summarisation": Task(
        "assay.tasks.summarisation",
        form=TEXT_TO_TEXT,
        provides=("source_length", "target_length", "vocabulary"),
        controls=("first_words",),
    ),
    "translation": Task(
        "assay.tasks.translation",
        form=TEXT_TO_TEXT,
        provides=("source_length", "target_length", "vocabulary"),
        controls=("copy_source",),
    ),
}

ASKING = {
    IMAGE_TO_CLASS: "assay.evaluation.inputs.images",
    TEXT_TO_CLASS: "assay.evaluation.inputs.text",
    TEXTS_TO_CLASSES: "assay.evaluation.inputs.multi_task_text",
    TEXT_TO_WORD: "assay.evaluation.inputs.masked_words",
    TEXT_TO_TAGS: "assay.evaluation.inputs.sentences",
    TEXT_TO_NEXT: "assay.evaluation.inputs.prompts",
    TEXT_TO_TEXT: "assay.evaluation.inputs.source_texts",
}
"""How a user's own file is read for tasks of a form, and how the answers are told."""

METHODS = {
    "onnx": Method("assay.compression.methods.onnx", final=True),
    "int8_dynamic": Method("assay.compression.methods.int8_dynamic", final=True),
    "int8_static": Method("assay.compression.methods.int8_static", final=True),
    "bf16": Method("assay.compression.methods.bf16", final=True),
    "int8_qat": Method("assay.compression.methods.int8_qat", final=True),
    "prune_magnitude": Method("assay.compression.methods.prune_magnitude"),
    "prune_structured": Method("assay.compression.methods.prune_structured"),
    "low_rank": Method("assay.compression.methods.low_rank"),
    "cluster": Method("assay.compression.methods.cluster"),
    "distil": Method("assay.compression.methods.distil"),
    "fewer_trees": Method("assay.compression.methods.fewer_trees", (ESTIMATOR,)),
    "float32": Method("assay.compression.methods.float32", (ESTIMATOR,)),
    "onnx_classical": Method("assay.compression.methods.onnx_classical", (ESTIMATOR,), final=True),
}


def load(target: str) -> Any:
    """Import ``module`` or ``module:name`` and return it."""
    module, _, name = target.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name) if name else loaded


def dataset_module(dataset: str) -> str:
    """Return the module of a dataset or of a twin (``mnist_twin`` lives in ``mnist``'s file)."""
    return DATASETS[dataset.removesuffix(TWIN)].module
