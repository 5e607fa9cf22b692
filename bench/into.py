"""Puts printed blocks into a document, each between its own marks: into.py document.md block.md..."""

import pathlib
import re
import sys

document, *blocks = map(pathlib.Path, sys.argv[1:])
text = document.read_text()
for block in blocks:
    marked = f"<!-- {block.name} -->\n\n{block.read_text().strip()}\n\n<!-- end -->"
    text, found = re.subn(rf"<!-- {re.escape(block.name)} -->.*?<!-- end -->", lambda _: marked, text, flags=re.S)
    if not found:
        sys.exit(f"{document} has no place for {block.name}")
document.write_text(text)
