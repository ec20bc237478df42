"""Regularised evolution that begins anew, with random networks, where its population has stopped to improve."""

import numpy as np

from latent_nas.strategies.evolution import Evolution


class EvolutionRestarts(Evolution):
    """Regularised evolution with restarts; what earlier populations were trained counts for the best, not as parents.

    Attributes:
        patience: trainings without a better network of this population before the next one begins.
    """

    name = "evolution_restarts"
    patience = 40

    def _begun(self) -> int:
        """Return the index of the record with which the present population began."""
        start, best, improved = 0, -np.inf, 0
        for i, accuracy in enumerate(self.accuracies):
            if accuracy > best:  # a failed training, NaN, is none
                best, improved = accuracy, i
            if i - improved >= self.patience and i - start >= self.population:
                start, best, improved = i + 1, -np.inf, i + 1
        return start


Plugin = EvolutionRestarts
