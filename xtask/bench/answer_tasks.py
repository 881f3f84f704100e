"""Writes tasks with known answers from published data: what is learnt, what is asked, what nothing answers.

usage: answer_tasks.py DATA OUT

Each task is {"rows": [{kind, question, reply, conversation, matter}], "test": [{question, matter}], "foreign": [{question}]}.
Names, numbers and dates that bitext leaves open are drawn at random, and seven of ten of its replies get a salutation and a
signature: conversations as a team would export them. The standard library is all that is needed.
"""

import csv
import json
import random
import re
import sys
from pathlib import Path

FIRST = "Anna Tom Maria John Elena Peter Ivan Sofia Lucas Emma Oliver Mia Noah Liam Olga Karl Ines Pablo Ruth Hugo".split()
LAST = "Smith Petrov Garcia Müller Rossi Novak Brown Keller Lopez Ivanova Weber Silva".split()
HELD_OUT = 500
FOREIGN = 400
KEPT_PARAGRAPHS = 200
# What a slot of bitext holds, by the first of these words that is in its name.
SLOTS = [
    (("company", "website", "portal", "platform", "app"), lambda rng: "Lindenhof"),
    (("phone",), lambda rng: f"+1-800-{rng.randint(100, 999)}-{rng.randint(0, 9999):04}"),
    (("email",), lambda rng: f"support{rng.randint(1, 99)}@shop.example"),
    (("url", "link"), lambda rng: f"www.shop{rng.randint(1, 9)}.example"),
    (("date",), lambda rng: f"{rng.randint(1, 28)} {rng.choice(['March', 'April', 'May', 'June'])} 2026"),
    (("amount", "money", "currency", "price"), lambda rng: f"${rng.randint(5, 500)}.{rng.randint(0, 99):02}"),
    (("number", " id", "invoice", "tracking"), lambda rng: rng.choice(["", "ORD-", "#"]) + str(rng.randint(10**4, 10**8))),
    (("hour", "time"), lambda rng: f"{rng.randint(7, 20)}:00"),
    (("name", "person", "client"), lambda rng: rng.choice(FIRST) + rng.choice(["", " " + rng.choice(LAST)])),
]


def filled(text, values, rng):
    """The text with each slot filled; a slot that comes again in a conversation has the same value."""

    def value(slot):
        name = slot.group(1).strip().lower()
        if name not in values:
            drawn = next((draw(rng) for words, draw in SLOTS if any(word in name for word in words)), None)
            values[name] = drawn or slot.group(1).strip()
        return values[name]

    return re.sub(r"\{\{([^}]*)\}\}", value, text)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bitext(data):
    rng = random.Random(7)
    rows = []
    for number, row in enumerate(rows_of(data / "bitext/bitext_customer_support_8b6ca3d.csv")):
        values = {}
        reply = filled(row["response"], values, rng)
        if rng.random() < 0.7:
            reply = rng.choice(["Hello {},\n\n", "Hi {}! ", "Dear {}, "]).format(rng.choice(FIRST)) + reply
        if rng.random() < 0.7:
            reply += rng.choice(["\n\nKind regards,\n{}", "\n\nBest,\n{}", "\n\n{} from support"]).format(rng.choice(FIRST))
        question = filled(row["instruction"], values, rng)
        rows.append(entry("reply", question, reply, f"c{number}", row["intent"]))
    rng.shuffle(rows)
    return task(rows[:-HELD_OUT], rows[-HELD_OUT:], [])


def stackfaq(data):
    entries = json.loads((data / "stackfaq/stackfaq.json").read_text(encoding="utf-8"))
    rows = [entry("faq", it["question"], answer, None, str(it["id"])) for it in entries for answer in it["answers"]]
    test = [entry("faq", query, "", None, str(it["id"])) for it in entries for query in it["queries"]]
    foreign = [row["text"] for row in rows_of(data / "banking77/test.csv")]
    random.Random(5).shuffle(foreign)
    return task(rows, test, foreign[:FOREIGN])


def xquad(data, language, kept):
    folder = data / "multilingual/xquad" / language
    paragraphs = [row["text"] for row in rows_of(folder / "paragraphs.csv")]
    questions = [(row["text"], int(row["paragraph"])) for row in rows_of(folder / "questions.csv")]
    kept = kept or len(paragraphs)
    rows = [entry("article", None, text, None, str(at)) for at, text in enumerate(paragraphs[:kept])]
    test = [entry("article", text, "", None, str(at)) for text, at in questions if at < kept]
    return task(rows, test, [text for text, at in questions if at >= kept])


def entry(kind, question, reply, conversation, matter):
    return {"kind": kind, "question": question, "reply": reply, "conversation": conversation, "matter": matter}


def task(rows, test, foreign):
    asked = [{"question": row["question"], "matter": row["matter"]} for row in test]
    return {"rows": rows, "test": asked, "foreign": [{"question": text} for text in foreign]}


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    tasks = {"bitext": bitext(data), "stackfaq": stackfaq(data)}
    for language in ("en", "de", "ru"):
        tasks[f"xquad-{language}"] = xquad(data, language, None)
        tasks[f"xquad-{language}-removed"] = xquad(data, language, KEPT_PARAGRAPHS)
    for name, content in tasks.items():
        path = out / f"{name}.json"
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
