"""Steps of a training as CUDA graphs: all that a step asks of a GPU is sent at once.

A step of a small network is a hundred kernels of a few microseconds each, which takes longer to send one by one than to
compute. A graph is what was asked for in one step, with the memory that it used; to replay it with other inputs, these
are copied there first. The numbers are those of single kernels.
"""

import contextlib
import functools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch

from latent_nas.accelerator import is_full
from latent_nas.training.batch import Batch

FIRST = 3  # steps with batches of one form that are sent kernel by kernel: libraries choose and set up what they use
REFUSED: list[str] = []  # why this process's steps are not captured, since a capture has failed
_FAILED: list[torch.cuda.CUDAGraph] = []  # held, as torch's allocator goes on asking them whose memory it gives
Step = Callable[[Batch], torch.Tensor]
log = logging.getLogger("latent_nas")


@dataclass(frozen=True)
class _Captured:
    """A graph, the batch that it reads, and the loss () that it writes."""

    graph: torch.cuda.CUDAGraph
    batch: Batch
    loss: torch.Tensor


class Graphed:
    """A training's step, captured once for every form of batch, and replayed. It holds graphs and no step."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()
        self._done: Counter[tuple[object, ...]] = Counter()
        self._captured: dict[tuple[object, ...], _Captured] = {}

    def __call__(self, step: Step, batch: Batch) -> torch.Tensor:
        """Take a step, and return its loss (), which holds until the next one.

        Args:
            step: of a batch, on the GPU; returns the loss (). The same at every call; it waits for nothing, and what it
                reads beside the batch stays in its memory.

        Raises:
            torch.cuda.OutOfMemoryError: the GPU has no memory for it.
        """
        form = batch.form
        if form not in self._captured and self._done[form] == FIRST and not REFUSED:
            self._capture(step, batch)
        if form in self._captured:
            held = self._captured[form]
            held.batch.take(batch)
            held.graph.replay()
            return held.loss
        self._done[form] += self._done[form] < FIRST
        side().wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side()):
            loss = step(batch)
        torch.cuda.current_stream().wait_stream(side())
        return loss

    def _capture(self, step: Step, batch: Batch) -> None:
        """Capture the step for a form of batch; nothing is computed by that."""
        given, graph = batch.clone(), torch.cuda.CUDAGraph()
        try:
            with (
                torch.cuda.stream(side()),  # a graph that can't be ended leaves its stream the current one
                torch.cuda.graph(graph, pool=self._pool, stream=side(), capture_error_mode="thread_local"),
            ):
                loss = step(given)
        except RuntimeError as error:
            _FAILED.append(graph)
            _recover(graph, given.rows)
            if is_full(error):
                raise
            REFUSED.append(str(error).splitlines()[0][:200])
            said = "the GPU is sent each step kernel by kernel, which is slower: no CUDA graph of it (%s)"
            log.warning(said, REFUSED[-1])
            return
        self._captured[batch.form] = _Captured(graph, given, loss)


@functools.cache
def side() -> torch.cuda.Stream:
    """Return the stream of this process's captures; cuBLAS keeps a workspace for each stream that it has seen."""
    return torch.cuda.Stream()


def _recover(failed: torch.cuda.CUDAGraph, value: torch.Tensor) -> None:
    """End the capture mode that a failed capture leaves torch's generator in, so that dropout works from now on.

    By ``reset`` in torch's latest versions, else by a capture that succeeds, of anything done to a value.
    """
    failed.reset()
    with (
        contextlib.suppress(RuntimeError),  # training goes on all the same where nothing is drawn
        torch.cuda.stream(side()),
        torch.cuda.graph(torch.cuda.CUDAGraph(), stream=side(), capture_error_mode="thread_local"),
    ):
        value.zero_()
