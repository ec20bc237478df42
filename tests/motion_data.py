"""Accelerations of a body in motion, made: classes differ by frequency and strength, nothing else stays the same."""

import numpy as np

RATE = 50  # Hz
CLASSES = {  # Hz and m/s2 of the fundamental
    "still": (0.0, 0.0),
    "sway": (0.8, 0.6),
    "walk": (1.9, 2.0),
    "jog": (2.7, 2.0),
    "saw": (6.5, 0.7),
    "drill": (9.0, 0.7),
}


def motion(name, steps, rng):
    """Return (steps, 3) in m/s2: two harmonics of random phases along one axis, a sensor worn at any angle, noise."""
    hertz, size = CLASSES[name]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    t = np.arange(steps)[:, None] / RATE
    phases = 2 * np.pi * hertz * rng.uniform(0.9, 1.1) * t * (1, 2, 1) + rng.uniform(0, 2 * np.pi, 3)
    first, second, across = np.sin(phases).T
    along = first + 0.4 * second
    body = size * rng.uniform(0.6, 1.5) * np.stack([along, 0.4 * across, 0.2 * along], axis=1)
    drift = 0.4 * np.sin(2 * np.pi * 0.15 * t + rng.uniform(0, 2 * np.pi, 3))
    return (body + drift) @ turn + 9.81 * turn[2] + rng.normal(0, 0.6, (steps, 3))


def windows(n, steps, seed=0):
    """Return series (n of every class, steps, 3) float32 and the names of their classes."""
    rng = np.random.default_rng(seed)
    names = [name for name in CLASSES for _ in range(n)]
    return np.stack([motion(name, steps, rng) for name in names]).astype(np.float32), np.array(names)
