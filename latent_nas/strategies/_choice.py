"""p(place) * p(code | place) of a batch and its derivatives, one loop over the rows each.

What torch does in thirty passes over memory, a third of them sorting rows by their place, is done here while a row is
in the core's cache. ``_policy`` makes operators of it, and a test holds them to what autograd says.
"""

import math

import numpy as np

from latent_nas.compiled import compiled


@compiled
def choose(
    hidden: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    draws: np.ndarray,
    place: np.ndarray,
    code: np.ndarray,
    places: np.ndarray,
    codes: np.ndarray,
    joint: np.ndarray,
    entropy: np.ndarray,
) -> None:
    """Fill in what the policy says of n rows.

    Args:
        hidden: (n, b). weight, bias: (places, codes, b) and (places or more, codes) of the codes' logits.
        draws: (n, 2) in [0, 1) to draw ``place`` and ``code`` (n,) by, which are filled in; (0, 2) if they are given.
            The last place, ``places``, is to stop and takes no code.
        places: (2, n, places + 1), [0] holds logits and becomes log p, [1] becomes p. codes: the same, (2, n, codes),
            all filled in. joint, entropy: (n,), log p of place and code, and the entropies of their two distributions.
    """
    stop = len(weight)
    for row in range(len(hidden)):
        entropy[row] = _softmax(places[0, row], places[1, row])
        if len(draws):
            place[row], code[row] = _draw(places[1, row], draws[row, 0]), 0
        p = place[row]
        joint[row] = places[0, row, p]
        if p == stop:
            continue
        h = hidden[row]
        for c in range(weight.shape[1]):
            w, logit = weight[p, c], bias[p, c]
            for j in range(len(h)):
                logit += w[j] * h[j]
            codes[0, row, c] = logit
        entropy[row] += _softmax(codes[0, row], codes[1, row])
        if len(draws):
            code[row] = _draw(codes[1, row], draws[row, 1])
        joint[row] += codes[0, row, code[row]]


@compiled
def derive(
    by_joint: np.ndarray,
    by_entropy: np.ndarray,
    hidden: np.ndarray,
    weight: np.ndarray,
    place: np.ndarray,
    code: np.ndarray,
    places: np.ndarray,
    codes: np.ndarray,
    by_hidden: np.ndarray,
    by_places: np.ndarray,
    by_weight: np.ndarray,
    by_bias: np.ndarray,
) -> None:
    """Add the loss's derivatives by hidden, by the codes' weight and bias; fill in those by the places' logits.

    Args:
        by_joint, by_entropy: derivatives of the loss by what ``choose`` found, (n,). The others as it left them.
    """
    by_codes = np.empty(codes.shape[2], hidden.dtype)
    for row in range(len(hidden)):
        p = place[row]
        _by_logits(places[0, row], places[1, row], p, by_joint[row], by_entropy[row], by_places[row])
        if p == len(weight):
            continue
        _by_logits(codes[0, row], codes[1, row], code[row], by_joint[row], by_entropy[row], by_codes)
        h, by_h = hidden[row], by_hidden[row]
        for c in range(len(by_codes)):
            g, w, by_w = by_codes[c], weight[p, c], by_weight[p, c]
            by_bias[p, c] += g
            for j in range(len(h)):
                by_w[j] += g * h[j]
                by_h[j] += g * w[j]


@compiled
def spread_rows(rows: np.ndarray, picked: np.ndarray, out: np.ndarray) -> None:
    """Add each of rows (n, width) to the rows ``picked`` (n, k) of ``out``; ``kernels.add_rows`` backwards."""
    for row in range(len(rows)):
        added = rows[row]
        for i in range(picked.shape[1]):
            sums = out[picked[row, i]]
            for j in range(len(added)):
                sums[j] += added[j]


@compiled
def _softmax(logits: np.ndarray, chances: np.ndarray) -> float:
    """Replace logits by log p, fill in p and return the entropy."""
    largest, total, mean = logits[0], 0.0, 0.0
    for i in range(1, len(logits)):
        largest = max(largest, logits[i])
    for i in range(len(logits)):
        logits[i] -= largest
        chances[i] = math.exp(logits[i])
        total += chances[i]
        mean += chances[i] * logits[i]
    log_total = math.log(total)
    for i in range(len(logits)):
        logits[i] -= log_total
        chances[i] /= total
    return log_total - mean / total


@compiled
def _draw(chances: np.ndarray, draw: float) -> int:
    """Return where the sum of chances exceeds the draw."""
    for i in range(len(chances)):
        draw -= chances[i]
        if draw < 0:
            return i
    return int(chances.argmax())


@compiled
def _by_logits(
    logs: np.ndarray, chances: np.ndarray, chosen: int, by_log: float, by_entropy: float, out: np.ndarray
) -> None:
    """Fill in derivatives by logits: of log p of the one chosen, onehot - p, and of the entropy, -p (log p + H)."""
    entropy = 0.0
    for i in range(len(logs)):
        entropy -= chances[i] * logs[i]
    for i in range(len(logs)):
        out[i] = -chances[i] * (by_log + by_entropy * (logs[i] + entropy))
    out[chosen] += by_log
