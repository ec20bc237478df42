"""The kernel of a Gaussian process, with its likelihood and its factor.

It is amplitude * Matern 5/2 + slope * linear of columns on their length scales, and a linear kernel of the columns that
were given apart, which has no hyperparameters.
"""

import numpy as np

JITTER = 1e-4
STRIP = 512  # rows of the kernel at a time


def distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return squared distances (a, b) of rows (a, columns) and (b, columns)."""
    return apart_by(A @ B.T, squares(A), squares(B))


def apart_by(products: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the same of rows whose ``products`` (a, b) and ``squares`` (a,) and (b,) are known."""
    D = products * -2
    D += a[:, None]  # in place: thousands of rows make large matrices
    D += b
    return np.asarray(np.maximum(D, 0, out=D))


def squares(A: np.ndarray) -> np.ndarray:
    """Return the sum of the squares of each row of A (n, columns), (n,)."""
    return np.asarray((A * A).sum(axis=1))


def matern(D: np.ndarray) -> np.ndarray:
    """Return the Matern 5/2 kernel of squared distances, which are written over."""
    D *= 5
    r = np.sqrt(D)
    D /= 3
    D += r
    D += 1
    D *= np.exp(np.negative(r, out=r), out=r)
    return D


def matern_slope(D: np.ndarray) -> np.ndarray:
    """Return the derivative of the Matern 5/2 kernel by squared distances."""
    r = np.sqrt(5 * D)
    return np.asarray(-5 / 6 * (1 + r) * np.exp(-r))


def posterior_loss(
    theta: np.ndarray, prior: np.ndarray, Z: np.ndarray, y: np.ndarray, of: np.ndarray, apart: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the negative log posterior of theta and its gradient (Rasmussen and Williams, equations 5.8 and 5.9).

    Args:
        apart: columns of the linear kernel without hyperparameters, (n, k).
    """
    from scipy.linalg import cho_factor, cho_solve

    amplitude, slope, noise = np.exp(theta[-3:])
    S = Z * np.exp(-theta[:-3])[of]
    linear, length = S @ S.T, squares(S)
    D = apart_by(linear, length, length)
    by_distance, correlation = matern_slope(D), matern(D)
    K = amplitude * correlation + slope * linear + apart @ apart.T
    K[np.diag_indices(len(K))] += noise + JITTER
    solved = cho_factor(K, lower=True)
    alpha = cho_solve(solved, y)
    loss = 0.5 * y @ alpha + np.log(np.diag(solved[0])).sum()
    Q = cho_solve(solved, np.eye(len(y))) - np.outer(alpha, alpha)
    M = amplitude * Q * by_distance
    column = -2 * ((S * S * M.sum(axis=1)[:, None]).sum(axis=0) - (S * (M @ S)).sum(axis=0)) - slope * (
        S * (Q @ S)
    ).sum(0)
    gradient = np.zeros(len(theta))
    gradient[: len(theta) - 3] = np.bincount(of, column, len(theta) - 3)
    gradient[-3:] = 0.5 * np.array(
        [amplitude * (Q * correlation).sum(), slope * (Q * linear).sum(), noise * np.trace(Q)]
    )
    return loss + 0.5 * ((theta - prior) ** 2).sum(), gradient + theta - prior


def factor_of(S: np.ndarray, theta: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Return L (n, n) of the kernel K = L L^T of inputs S (n, columns) on their length scales, noise included.

    Args:
        apart: columns of the linear kernel without hyperparameters, (n, k).

    Above its diagonal stands anything.

    K is made in strips of rows and below its diagonal only, which for 3,000 rows takes half the time of the whole.
    """
    from scipy.linalg import cho_factor

    amplitude, slope, noise = np.exp(theta[-3:])
    K = np.zeros((len(S), len(S)))
    length = squares(S)
    for start in range(0, len(S), STRIP):
        rows, columns = slice(start, start + STRIP), slice(0, start + STRIP)
        linear = S[rows] @ S[columns].T
        near = matern(apart_by(linear, length[rows], length[columns]))
        K[rows, columns] = amplitude * near + slope * linear + apart[rows] @ apart[columns].T
    K[np.diag_indices(len(S))] += noise + JITTER
    # What is below the diagonal of rows in C is above that of columns in Fortran, which LAPACK takes without a copy.
    return np.asarray(cho_factor(K.T, overwrite_a=True, check_finite=False)[0].T)
