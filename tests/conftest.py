"""What tests of several files are given."""

import codecs_of_tests as codecs
import pytest


@pytest.fixture(scope="module")
def toy_codec():
    return codecs.toy_codec()


@pytest.fixture(scope="module")
def mcu_codec():
    return codecs.mcu_codec()


@pytest.fixture(scope="module", params=["toy", "mcu", "uneven"])
def codec(request):
    return getattr(codecs, f"{request.param}_codec")()
