"""The processes of a run that trains on several machines, and what they tell each other.

Each runs the same command with `--devices=workers` and its own TF_CONFIG, on a workdir and records
that all of them see. Every batch is split among them. Worker 0, the chief, does alone what is done
once: it prepares records, commits epochs, writes labels, scores, reports and exports.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import tensorflow as tf

from data_prep.base.errors import InputError

Result = TypeVar("Result")
# What TensorFlow says to all who wait for a worker that is gone.
_BROKEN = "Collective ops is aborted by: "


class Workers:
    """This process' place among the workers of a strategy; alone, it waits for nobody.

    All workers must call `wait`, `chief_first`, `total` and `agree` in the same order.

    Args:
        strategy: of `make_strategy`; None: of one machine.

    Attributes:
        count: how many there are; 1 for every strategy on one machine.
        number: this one's, from 0.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        self.count, self.number = 1, 0
        self._strategy = strategy
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            self.count = resolver.cluster_spec().num_tasks("worker")
            self.number = resolver.task_id

    @property
    def is_chief(self) -> bool:
        """Whether this is the worker that does what is done once."""
        return self.number == 0

    def wait(self) -> None:
        """Waits until every worker is here."""
        self.total(np.zeros(1, np.int32))

    def chief_first(self, function: Callable[[], Result]) -> Result:
        """Calls a function on the chief and then on the others, who find what it wrote."""
        if not self.is_chief:
            self.wait()
        result = function()
        if self.is_chief:
            self.wait()
        return result

    def total(self, values: np.ndarray) -> np.ndarray:
        """Adds an array up over the workers; each gets the sum, of the same shape and dtype."""
        if self.count == 1:
            return values
        replicas = self._strategy.num_replicas_in_sync // self.count
        # One of a worker's devices speaks for it.
        parts = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                np.zeros_like(values) if context.replica_id_in_sync_group % replicas else values
            )
        )
        return self._strategy.reduce("SUM", parts, axis=None).numpy()

    def agree(self, value: int, what: str) -> None:
        """Checks that a number which every worker reads for itself is the chief's.

        Raises:
            InputError: where it is not, as behind a network file system that lags.
        """
        chiefs = int(self.total(np.array(value if self.is_chief else 0)))
        if value != chiefs:
            raise InputError(
                f"worker {self.number}: {what}: {value} here, {chiefs} for the chief; its file "
                "system lags (NFS needs lookupcache=positive), start every worker again"
            )

    def share_out(self, batches: tf.data.Dataset, size: int):
        """Gives this worker's batches to its devices, `size` photos each; alone, as they are."""
        if self.count == 1:
            return batches
        return self._strategy.distribute_datasets_from_function(lambda _: batches.rebatch(size))

    @contextlib.contextmanager
    def stops_named(self) -> Iterator[None]:
        """Turns what TensorFlow raises where another worker is gone into one line.

        Raises:
            InputError: in place of a sum that could not be made.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if _BROKEN not in error.message:
                raise
            reason = error.message.split(_BROKEN)[-1].splitlines()[0]
            raise InputError(
                f"worker {self.number}: another worker has stopped ({reason}); its own output says "
                "why, start the same command on every worker again"
            ) from error


ALONE = Workers()
