#!/usr/bin/env python3
"""Every link of the documentation leads somewhere: files exist, and headings are there. The book's summary names every page."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def anchors(page):
    """Headings as GitHub and mdBook name them."""
    names, fenced = set(), False
    for line in page.read_text().splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (heading := re.match(r"#+ +(.*)", line)):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
            names.add(re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-"))
    return names


def main():
    pages = sorted({*HERE.glob("*.md"), *HERE.glob("docs/**/*.md"), *HERE.glob("shared/**/README.md"), *HERE.glob("clients/**/README.md")})
    wrong, looked = [], 0
    for page in pages:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        text = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
        for found in LINK.finditer(text):
            link = found.group(1) or found.group(2)
            if re.match(r"[a-z]+:|//", link):
                continue
            looked += 1
            path, _, anchor = link.partition("#")
            target = (page.parent / unquote(path)).resolve() if path else page
            if not target.exists():
                wrong.append(f"{page.relative_to(HERE)}: {link} is not there")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                wrong.append(f"{page.relative_to(HERE)}: {link} has no such heading")
    listed = set(re.findall(r"\]\((\w+\.md)\)", (HERE / "docs/SUMMARY.md").read_text()))
    unlisted = {page.name for page in HERE.glob("docs/*.md")} - listed - {"SUMMARY.md"}
    wrong += [f"docs/SUMMARY.md does not list {name}" for name in sorted(unlisted)]
    words = len(re.findall(r"^\| \*\*", (HERE / "docs/glossary.md").read_text(), re.M))
    if words > 20:
        wrong.append(f"docs/glossary.md has {words} words: twenty are enough")
    lines = len((HERE / "README.md").read_text().splitlines())
    if lines > 90:
        wrong.append(f"README.md has {lines} lines: ninety are enough")
    assert looked > 100, f"only {looked} links were found"
    if wrong:
        sys.exit("\n".join(wrong))


main()
