"""Steps of a training as CUDA graphs: all that a step asks of a GPU is sent at once.

A step of a small network is a hundred kernels of a few microseconds each, which takes longer to send one by one than to
compute. A graph is what was asked for in one step, with the memory that it used; to replay it with other inputs, these
are copied there first. The numbers are those of single kernels.
"""

import logging
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch

from latent_nas.accelerator import is_full
from latent_nas.training.batch import Batch

FIRST = 3  # steps with batches of one form that are sent kernel by kernel: libraries choose and set up what they use
log = logging.getLogger("latent_nas")


@dataclass(frozen=True)
class _Captured:
    """A graph, the batch that it reads, and the loss () that it writes."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    loss: torch.Tensor


class Graphed:
    """A step that is captured once for every form of batch, and replayed.

    Args:
        step: of a batch, on the GPU; returns the loss (). It waits for nothing, and what it reads beside the batch
            stays in its memory.
    """

    def __init__(self, step: Callable[[Batch], torch.Tensor]) -> None:
        self._step = step
        self._stream, self._pool = torch.cuda.Stream(), torch.cuda.graph_pool_handle()
        self._done: Counter[tuple[object, ...]] = Counter()
        self._captured: dict[tuple[object, ...], _Captured] = {}
        self._refused = False

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Take a step, and return its loss (), which holds until the next one.

        Raises:
            torch.cuda.OutOfMemoryError: the GPU has no memory for it.
        """
        form = batch.form
        if form not in self._captured and self._done[form] == FIRST and not self._refused:
            self._capture(batch)
        if form in self._captured:
            held = self._captured[form]
            held.batch.take(batch)
            held.graph.replay()
            return held.loss
        self._done[form] += self._done[form] < FIRST
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable")
            loss = self._step(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return loss

    def _capture(self, batch: Batch) -> None:
        """Capture the step for a form of batch; nothing is computed by that."""
        given, graph = batch.clone(), torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                loss = self._step(given)
        except RuntimeError as error:
            if is_full(error):
                raise
            self._refused = True
            why = str(error).splitlines()[0][:200]
            log.warning("the GPU is sent each step kernel by kernel, which is slower: no CUDA graph of it (%s)", why)
            return
        self._captured[batch.form] = _Captured(graph, given, loss)
