"""A phase-change memory device: how exactly it can be programmed, and what becomes of it.

The statistical model of Nandakumar et al. (ICECS 2019) and Joshi et al. (Nature Communications 11, 2473, 2020), fitted
to a million devices of doped Ge2Sb2Te5; the coefficients are those that IBM's public Analog Hardware Acceleration Kit
states for it (aihwkit, "Inference and PCM statistical model"). Conductances g are parts of the largest one, 25 uS.
"""

from dataclasses import dataclass

import numpy as np

G_MAX_US = 25.0
PROGRAMMING_US = (0.26348, 1.9650, -1.1731)  # std in uS: c0 + c1 g + c2 g^2 of the target g
EXPONENT_MEAN = (-0.0155, 0.0244, 0.049, 0.1)  # a ln(g) + b, at least, at most
EXPONENT_STD = (-0.0125, -0.0059, 0.008, 0.045)
READ = (0.0088, -0.65, 0.2)  # Q = a g^b, at most
FIRST_READ_S = 20.0  # t_c: drift is counted from here
READ_PULSE_S = 250e-9
LEAST = 1e-7  # conductance, for logarithms


@dataclass(frozen=True)
class Pcm:
    """The device, each of its imperfections scaled: 1 as measured, 0 without."""

    programming: float = 1.0
    read: float = 1.0
    drift: float = 1.0

    def program(self, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the conductances that iterative programming reaches for targets in 0 to 1; never below 0."""
        std = np.polyval(PROGRAMMING_US[::-1], target) / G_MAX_US
        return np.maximum(target + self.programming * std * rng.standard_normal(target.shape), 0)

    def exponents(self, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the drift exponents nu >= 0 of devices programmed to targets in 0 to 1."""
        log = np.log(np.maximum(target, LEAST))
        mean, std = (np.clip(a * log + b, low, high) for a, b, low, high in (EXPONENT_MEAN, EXPONENT_STD))
        return self.drift * np.abs(mean + std * rng.standard_normal(target.shape))

    def at(
        self,
        programmed: np.ndarray,
        exponents: np.ndarray,
        target: np.ndarray,
        seconds: float,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return what is read some seconds after the first read: g(t) = g (t / t_c)^-nu, with 1/f noise grown till t.

        The noise's std is g(t) Q sqrt(ln((t + t_read) / (2 t_read))), the spectral density Q^2/f integrated.
        """
        t = seconds + FIRST_READ_S
        drifted = programmed * (t / FIRST_READ_S) ** -exponents
        a, b, most = READ
        q = np.minimum(a * np.maximum(target, LEAST) ** b, most)
        std = self.read * q * np.sqrt(np.log((t + READ_PULSE_S) / (2 * READ_PULSE_S)))
        return np.maximum(drifted * (1 + std * rng.standard_normal(target.shape)), 0)
