"""``<prefix>_self_test.c``: a sample of the validation data, and the outputs that the network gave for it in Python."""

import numpy as np

from latent_nas.firmware.component import Component
from latent_nas.firmware.naming import real, wrapped
from latent_nas.firmware.preprocess import raw_type


def source(component: Component) -> str:
    """Return the C file; the sample is raw data, or of long ones the int8 input."""
    about, seen = component.about, component.seen
    assert seen is not None
    assert about.golden_input is not None
    assert about.golden_output is not None
    raw = about.golden_raw
    if raw is None:
        values, kind, feed = about.golden_input.reshape(-1).tolist(), "int8_t", INPUT
    else:
        kind, feed = raw_type(seen), FEED
        flat = np.asarray(raw).reshape(-1)
        values = [real(v) for v in flat.tolist()] if kind == "float" else flat.tolist()
    return TEXT.format(
        p=component.prefix,
        P=component.prefix.upper(),
        kind=kind,
        n=len(values),
        sample=wrapped(values),
        outputs=wrapped(about.golden_output.reshape(-1).tolist()),
        feed=feed.format(p=component.prefix, P=component.prefix.upper()),
    )


FEED = "    {p}_feed(sample);"

INPUT = """    for (uint32_t i = 0; i < {P}_INPUT_SIZE; i++)
        {p}_input()[i] = sample[i];"""

TEXT = """/* One sample, from raw data to the outputs. */
#include "{p}.h"

static const {kind} sample[{n}] = {{
    {sample}
}};
static const int8_t outputs[{P}_OUTPUTS] = {{
    {outputs}
}};

int {p}_self_test(void)
{{
    int wrong = 0;
    {p}_init();
{feed}
    {p}_run();
    for (uint32_t i = 0; i < {P}_OUTPUTS; i++)
        wrong += {p}_output()[i] != outputs[i];
    return wrong;
}}
"""
