#!/usr/bin/env python3
"""Holds docs/operations.md against the source: every warning and error of the log, every metric and every alarm must be in it."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs/operations.md"
EVENT = re.compile(r'tracing::(?:warn|error)!\(((?:[^"()]|\([^()]*\)|"(?:[^"\\]|\\.)*")*)\)', re.S)
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


def events():
    """The text of each warning and error, as it stands in the source."""
    for path in sorted([*HERE.glob("shared/*/src/**/*.rs"), *HERE.glob("functions/*/src/**/*.rs")]):
        for found in EVENT.finditer(path.read_text()):
            for text in TEXT.findall(found.group(1)):
                yield path.relative_to(HERE), re.sub(r"\\\n\s*", "", text)


def main():
    page = PAGE.read_text()
    wanted = [(path, text) for path, text in events()]
    template = (HERE / "infra/template.yaml").read_text()
    wanted += [("infra/template.yaml", name) for name in re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm", template, re.M)]
    wanted += [("infra/template.yaml", name) for name in re.findall(r"^  (\w+):\n(?:    Condition: .*\n)?    Type: AWS::CloudWatch::Alarm", template, re.M)]
    assert len(wanted) > 60, "the source has more events and alarms than were found"
    metrics = (HERE / "shared/web/src/api/metrics.rs").read_text()
    wanted += [("metrics.rs", name) for name in set(re.findall(r"closing_bell_\w+", metrics))]
    missing = sorted({f"{text}   ({path})" for path, text in wanted if text not in page})
    if missing:
        sys.exit("docs/operations.md says nothing of:\n  " + "\n  ".join(missing))
    print(f"operations: {len(wanted)} events, metrics and alarms, each with what it means")


main()
