"""Networks in analog memory: weights programmed into phase-change memory, which is noisy and drifts.

``pcm`` is the device, ``crossbar`` a layer's weights in it, ``aware`` trains weights that bear it. Weights of
convolutions and dense layers are analog; biases, batch norm and activations are digital, in floats. Converters'
resolution, the noise of a single read-out and the wires' resistance are left out.
"""

TIMES_S = {"1s": 1.0, "1h": 3600.0, "1d": 86_400.0, "1month": 30 * 86_400.0}  # after programming
DRAWINGS = 25  # programmings of one network, whose mean and std are its accuracy
