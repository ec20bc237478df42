"""Numbers that have a least value, and the line that a smaller one gets."""


def check_least(least: int, **numbers: int) -> None:
    """Raise ValueError for the first number, by its option's name, that is smaller: ``check_least(1, top=top)``.

    Or that is no int: what Python callers give is kept as JSON and read again as what it has to be.
    """
    for name, number in numbers.items():
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"{name.replace('_', '-')} is a whole number (int), got {number!r}")
        if number < least:
            raise ValueError(f"{name.replace('_', '-')} is at least {least}, got {number}")
