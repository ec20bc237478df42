"""What is in the data: counts, the split, what was decided, and samples as the network gets them."""

import base64

from latent_nas.report import Section
from latent_nas.report._html import Html, join, table, tag
from latent_nas.runs import files
from latent_nas.runs.read import Run

CLASSES = 40  # that are listed
LARGEST = 4 << 20  # bytes of the picture


class Data(Section):
    """The task's data, as the search found them when it began."""

    title, place = "Data", 50

    def concerns(self, run: Run) -> bool:
        """Return whether the run kept what it found; earlier releases did not."""
        return run.data is not None

    def show(self, run: Run) -> Html:
        """Return counts, lines and the picture."""
        found = run.data
        if found is None:
            raise ValueError("the run kept nothing of its data")
        parts = [tag("p", tag("strong", found.lines[0]))] if found.lines else []
        if found.counts:
            rows: list[list[object]] = [
                [name, *(counts[i] if i < len(counts) else 0 for counts in found.counts.values())]
                for i, name in enumerate(found.classes or ("samples",))
            ]
            parts.append(table(["class" if found.classes else "", *found.counts], rows[:CLASSES]))
        notes = [line for line in found.lines[1:] if not line.startswith("  ")]
        parts.append(tag("ul", *(tag("li", line) for line in notes)))
        place = run.path / files.SAMPLES
        if place.is_file() and place.stat().st_size <= LARGEST:
            source = base64.b64encode(place.read_bytes()).decode()  # as an image nothing in it can run
            words = "Samples of every class as the network gets them, in int8 steps; of series a colour is a channel."
            parts += [
                tag("p", words),
                tag("img", src=f"data:image/svg+xml;base64,{source}", alt=words, style="max-width:100%;height:auto"),
            ]
        return join(*parts)


Plugin = Data
