"""Runs the code cells of a notebook without Jupyter; as a script it also writes what they print into the file.

cd EMPTY_FOLDER && python .../tests/notebooks.py .../examples/pictures_to_firmware.ipynb
"""

import ast
import contextlib
import io
import json
import sys
from pathlib import Path

LARGEST = 4000  # characters of an output


def run(notebook, replaced=()):
    """Return the outputs of a notebook's cells, run in this folder: a list of (kind, text) each, None of text cells.

    Args:
        replaced: pairs of texts, so that a test runs with less; each has to stand in a code cell.
    """
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    for text, other in replaced:
        assert any(text in source for source in sources), f"{notebook} has no {text!r}"
        sources = [source.replace(text, other) for source in sources]
    scope, outputs = {"__name__": "notebook"}, []
    for cell, source in zip(cells, sources, strict=True):
        outputs.append(_cell(source, scope) if cell["cell_type"] == "code" else None)
    return outputs


def _cell(source, scope):
    """Run one cell and return what it shows: what it prints, and its last expression as text and HTML."""
    own = "\n".join(line for line in source.splitlines() if not line.startswith(("!", "%")))
    tree, said, shown = ast.parse(own), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "<cell>", "exec"), scope)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), scope)  # noqa: S307 - our own notebook
    outputs = [("stdout", said.getvalue())] if said.getvalue() else []
    return outputs + ([("text/plain", repr(shown))] if shown is not None else [])


def kept(notebook):
    """Run a notebook in this folder and keep its outputs in it, which have to be small."""
    document = json.loads(Path(notebook).read_text(encoding="utf-8"))
    number = 0
    for cell, outputs in zip(document["cells"], run(notebook), strict=True):
        if outputs is None:
            continue
        number += 1
        cell["execution_count"], cell["outputs"] = number, []
        for kind, text in outputs:
            assert len(text) <= LARGEST, f"cell {number} says {len(text)} characters"
            lines = text.splitlines(keepends=True)
            if kind == "stdout":
                cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": lines})
            else:
                told = {"output_type": "execute_result", "execution_count": number, "metadata": {}}
                cell["outputs"].append({**told, "data": {"text/plain": lines}})
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    Path(notebook).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    kept(Path(sys.argv[1]))
