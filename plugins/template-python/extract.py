"""Counts the lines of texts. A template: keep `main` and `open_original`, and put your own work into `extract`.

It is started once and asked about many originals, one line of JSON each. What it prints to standard error is its log. It can read the
sources, its own folder and the system's programs, and write its current folder; it has no network.
"""

import json
import os
import sys

NAME = "example.text_lines"
VERSION = "1"  # as in plugin.toml
PIECE_BYTES = 1 << 20


def extract(unit, params, emit):
    """Does one unit. Returns how it ended: ("done",), or ("skipped" or "failed", a word, a sentence)."""
    if not unit["media_type"].startswith("text/"):
        return "skipped", "unsupported", f"{unit['media_type']} is no text"
    if unit["size_bytes"] > params["bytes_max"]:
        return "skipped", "too-large", f"it has {unit['size_bytes']} bytes"
    lines = longest = current = 0
    with open_original(unit["path"]) as original:
        while piece := original.read(PIECE_BYTES):
            *ended, rest = piece.split(b"\n")
            for line in ended:
                lines += 1
                longest = max(longest, current + len(line))
                current = 0
            current += len(rest)
    if current:
        lines += 1
        longest = max(longest, current)
    emit(NAME, 1, {"lines": lines, "longest_line_bytes": longest})
    return ("done",)


def open_original(path):
    """Opens an original for reading, without touching its access time where that is allowed."""
    try:
        return open(os.open(path, os.O_RDONLY | os.O_NOATIME), "rb")
    except PermissionError:
        return open(path, "rb")


def say(message):
    sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def answer(unit, params):
    """Answers one unit: its facts, then its end. Whatever goes wrong with an original is an answer, too."""

    def emit(kind, version, payload, **more):
        say({"type": "fact", "unit": unit["unit"], "kind": kind, "schema_version": version, "payload": payload, **more})

    if "path" not in unit:
        end = "failed", "unreadable", "its path is too long to be opened by name"
    else:
        try:
            end = extract(unit, params, emit)
        except OSError as error:
            end = "failed", "unreadable", error.strerror or "it cannot be read"
    names = ("outcome", "reason", "detail")
    say({"type": "end", "unit": unit["unit"], **dict(zip(names, end))})


def main():
    say({"type": "ready", "protocol": 1, "extractor": NAME, "version": VERSION, "tools": {}})
    params = {}
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "step":
            params = message["params"]
        elif message["type"] == "unit":
            answer(message, params)


main()
