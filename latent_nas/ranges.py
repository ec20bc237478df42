"""Numbers that have a least value, and the line that a smaller one gets."""


def check_least(least: int, **numbers: int) -> None:
    """Raise ValueError for the first number, by its option's name, that is smaller: ``check_least(1, top=top)``."""
    for name, number in numbers.items():
        if number < least:
            raise ValueError(f"{name.replace('_', '-')} is at least {least}, got {number}")
