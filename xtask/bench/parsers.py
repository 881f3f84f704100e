"""The libraries that `cargo xtask bench ingest` compares with: one of them reads one file per process.

    python parsers.py PEER FILE [--checked]
    python parsers.py sheet ROWS.csv SHEET.xlsx      writes the sheet that is read
    python parsers.py airlines RAW.csv.bz2 TURNS.csv writes the turns of the published conversations

A peer prints one JSON object with the names that `functions/uploads/examples/read.rs` uses, and measures the same things:
CPU-seconds without imports and the peak of resident memory. With `--checked` it does to each row what any reader of
training data must do: white space and control characters become single spaces, an empty or an endless text and a label that
is none are refused. Without, it only parses.
"""

import argparse
import bz2
import csv
import json
import re
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

MAX_TEXT = 4_000
MAX_LABEL = 100
GAPS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\ufeff]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Row = tuple[str, str]


def pandas_csv(path: Path) -> Any:
    import pandas

    return pandas.read_csv(path, dtype=str, keep_default_na=False)


def pandas_ndjson(path: Path) -> Any:
    import pandas

    return pandas.read_json(path, lines=True, dtype=False)


def pandas_json(path: Path) -> Any:
    import pandas

    return pandas.read_json(path, dtype=False)


def python_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def python_ndjson(path: Path) -> list[dict[str, str]]:
    with path.open("rb") as file:
        return [json.loads(line) for line in file]


def python_json(path: Path) -> list[dict[str, str]]:
    with path.open("rb") as file:
        return json.load(file)


def openpyxl_sheet(path: Path) -> list[dict[str, str]]:
    import openpyxl

    sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
    rows = sheet.iter_rows(values_only=True)
    header = [str(name) for name in next(rows)]
    return [dict(zip(header, row)) for row in rows]


PEERS = {
    "pandas-csv": pandas_csv,
    "pandas-ndjson": pandas_ndjson,
    "pandas-json": pandas_json,
    "python-csv": python_csv,
    "python-ndjson": python_ndjson,
    "python-json": python_json,
    "openpyxl-sheet": openpyxl_sheet,
}


def pairs(parsed: Any) -> Iterator[Row]:
    """Text and intent of each row, however the peer gives them."""
    if isinstance(parsed, list):
        return ((row["text"], row["intent"]) for row in parsed)
    return zip(parsed["text"], parsed["intent"])


def checked(rows: Iterable[Row]) -> dict[str, int]:
    """What becomes of each row."""
    kept, invalid = [], 0
    for text, intent in rows:
        text, intent = GAPS.sub(" ", text).strip(), intent.strip()
        if not text or len(text) > MAX_TEXT or len(intent) > MAX_LABEL or CONTROL.search(intent):
            invalid += 1
        else:
            kept.append((text, intent))
    return {"accepted": len(kept), "invalid": invalid}


def measure(peer: str, path: Path, checks: bool) -> dict[str, Any]:
    read = PEERS[peer]
    if peer.startswith("pandas"):
        import pandas  # noqa: F401
    if peer.startswith("openpyxl"):
        import openpyxl  # noqa: F401
    started, before = time.perf_counter(), time.process_time()
    parsed = read(path)
    counts = checked(pairs(parsed)) if checks else {"accepted": len(parsed)}
    return {
        "bytes": path.stat().st_size,
        "counts": counts,
        "cpu_seconds": time.process_time() - before,
        "wall_seconds": time.perf_counter() - started,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def write_sheet(rows: Path, sheet: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    with rows.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            page.append(row)
    book.save(sheet)


TURN = re.compile(r"<(cust|rep)__(.*?)__\1>", re.DOTALL)


def write_turns(raw: Path, turns: Path) -> None:
    """One row for each turn of the published file, which marks them inside two cells of one row."""
    with bz2.open(raw, "rt", encoding="utf-8", newline="") as source, turns.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["conversation_id", "role", "text"])
        for row in csv.DictReader(source):
            for who, words in TURN.findall(row["first_utterance"] + " " + row["context"]):
                writer.writerow([row["first_tweet_id"], "customer" if who == "cust" else "agent", words.strip()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*PEERS, "sheet", "airlines"])
    parser.add_argument("file", type=Path)
    parser.add_argument("output", type=Path, nargs="?")
    parser.add_argument("--checked", action="store_true")
    given = parser.parse_args()
    if given.what == "sheet":
        write_sheet(given.file, given.output)
    elif given.what == "airlines":
        write_turns(given.file, given.output)
    else:
        json.dump(measure(given.what, given.file, given.checked), sys.stdout)
        print()


if __name__ == "__main__":
    main()
