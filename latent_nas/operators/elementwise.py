"""Operators that work on every element alone."""

from latent_nas.operators import Operator, Shape


class Elementwise(Operator):
    """One input, whose shape is the output's."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        self.check_arity(*inputs)
        return inputs[0]
