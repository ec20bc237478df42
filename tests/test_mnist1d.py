"""MNIST-1D as its authors' package makes it: figures of mnist1d 0.0.2.post1, ``make_dataset(get_dataset_args())``."""

import numpy as np
import pytest

from latent_nas.tasks import open_task
from latent_nas.tasks.mnist1d import series


def test_the_series_are_those_of_the_authors_package():
    x, y = series()
    assert x.shape == (5000, 40)
    assert x[0, :6] == pytest.approx([-0.33200567, -0.47191037, -0.77869708, -1.00974083, -0.88235257, 0.10393481])
    assert x[-1, :6] == pytest.approx([-0.51932871, -0.69872276, -1.28103769, -2.16101485, -2.38942113, -0.242339])
    assert x[:, 3].sum() == pytest.approx(-2.444405253319177)
    assert (x**3).sum() == pytest.approx(-13126.103828802175)
    assert np.bincount(y).tolist() == [500] * 10


def test_the_official_test_part_is_the_last_thousand_and_validation_has_every_class():
    data, (x, y) = open_task("mnist1d").data(), series()
    assert (len(data.train), len(data.valid), len(data.test)) == (3200, 800, 1000)
    np.testing.assert_array_equal(data.test.x[:, :, 0, 0], x[4000:].astype(np.float32))
    np.testing.assert_array_equal(data.test.y, y[4000:])
    learn = np.bincount(y[:4000])
    assert np.abs(np.bincount(data.valid.y) - learn / 5).max() <= 1
