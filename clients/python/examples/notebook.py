"""Writes and runs forecasts.ipynb against the service at ADDRESS: python notebook.py OUT."""

import os
import sys

import nbformat
from nbclient import NotebookClient

CELLS = [
    ("markdown", "# Forecasts of every ticker, as a frame\n\n`closing-bell serve` answers at this address; the recorded sample has ten stocks up to 2020-12-11."),
    ("code", "from closing_bell import Client\n\nbell = Client(ADDRESS)\nframe = bell.forecasts_frame()\nframe.head(6)"),
    ("markdown", "## How wide are tomorrow's intervals, in percent of the price?"),
    ("code", "first = frame[frame.horizon == 1].set_index('ticker')\nwidth = 100 * (first.upper_80 - first.lower_80) / first['mean'] / 2\nwidth.sort_values().round(2)"),
    ("markdown", "## Can they be trusted?\n\nHow often published intervals held, over all past nights; and who is in service, and why."),
    ("code", "results = bell.results()\n[(c['level'], round(c['realised'], 3), c['n']) for kind in results['intervals'] if kind['kind'] == 'adaptive' for c in kind['coverage']]"),
    ("code", "receipt = next(bell.receipts('GOOGL'))\nprint(receipt['decision'], '-', receipt['reason'])"),
]


def main() -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    setup = nbformat.v4.new_code_cell(f"ADDRESS = {os.environ['ADDRESS']!r}")
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook.cells = [setup] + [make[kind](text) for kind, text in CELLS]
    NotebookClient(notebook, timeout=60).execute()
    # Its usual address: the test's own is another each time.
    notebook.cells[0].source = "ADDRESS = 'http://127.0.0.1:8017'"
    for place, cell in enumerate(notebook.cells):
        cell.id = f"cell-{place}"
        # When it was run is no result.
        cell.metadata.pop("execution", None)
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, sys.argv[1])


main()
