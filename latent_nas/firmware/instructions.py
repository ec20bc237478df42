"""Classes of Thumb instructions, by which a core's cycle model counts: an M-profile core decodes nothing else.

Source: Arm DDI 0403 (Armv7-M Architecture Reference Manual), chapter A5, for the encodings.
"""

from typing import NamedTuple

import numpy as np

from latent_nas.cores import CLASSES

WIDE = 0b11101  # the first five bits of an instruction of 32 bits, and above


class Instruction(NamedTuple):
    """One instruction: its class, of ``CLASSES``, the registers that it moves, how it goes on, its size.

    Attributes:
        words: of LDM, STM, PUSH and POP, else 0. branch: "" of one that goes on with the next, "always", or "perhaps".
        halfwords: 1 or 2.
    """

    kind: str
    words: int = 0
    branch: str = ""
    halfwords: int = 1


def decode(first: int, second: int = 0) -> Instruction:
    """Return the instruction that begins with a halfword; ``second``: the halfword behind it."""
    return _wide(first, second) if first >> 11 >= WIDE else _narrow(first)


def _narrow(code: int) -> Instruction:
    top = code >> 12
    if code >> 6 == 0b0100001101:
        return Instruction("multiply")
    if code >> 10 == 0b010001:
        to_pc = code & 0x87 == 0x87 and code >> 8 & 3 != 1  # ADD and MOV to the program counter
        return Instruction("branch_taken", branch="always") if code >> 8 & 3 == 3 or to_pc else Instruction("alu")
    if code >> 11 == 0b01001:
        return Instruction("load")
    if top == 0b0101:
        return Instruction("store" if code >> 9 & 7 < 3 else "load")
    if 0b0110 <= top <= 0b1001:
        return Instruction("load" if code >> 11 & 1 else "store")
    if top == 0b1011:
        return _miscellaneous(code)
    if top == 0b1100:
        return Instruction("load_words" if code >> 11 & 1 else "store_words", (code & 0xFF).bit_count())
    if top == 0b1101 and code >> 8 & 0xF < 14:
        return Instruction("branch_taken", branch="perhaps")
    if code >> 11 == 0b11100:
        return Instruction("branch_taken", branch="always")
    return Instruction("alu")


def _miscellaneous(code: int) -> Instruction:
    if code & 0x0500 == 0x0100:  # CBZ, CBNZ
        return Instruction("branch_taken", branch="perhaps")
    if code & 0x0E00 == 0x0400:
        return Instruction("store_words", (code & 0x1FF).bit_count())  # PUSH
    if code & 0x0E00 == 0x0C00:
        return Instruction("load_words", (code & 0x1FF).bit_count(), "always" if code & 0x100 else "")  # POP
    return Instruction("it" if code & 0x0F00 == 0x0F00 and code & 0xF else "alu")


def _wide(first: int, second: int) -> Instruction:
    kind, words, branch = "alu", 0, ""
    group, operation = first >> 11 & 3, first >> 4 & 0x7F
    if group == 1 and operation & 0x64 == 0x00:
        load = bool(first >> 4 & 1)
        kind, words = "load_words" if load else "store_words", second.bit_count()
        branch = "always" if load and second & 0x8000 else ""
    elif group == 1 and operation & 0x64 == 0x04:
        if first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000:  # a jump by a table
            kind, branch = "load", "always"
        elif first & 0x0120:
            kind = "load_double" if first >> 4 & 1 else "store_double"
        else:
            kind = "load" if first >> 4 & 1 else "store"  # exclusive
    elif group == 2 and second >> 15:
        if second & 0x5000:  # B, BL
            branch = "always"
        elif first >> 6 & 0xE != 0xE:  # else barriers, hints and the system's registers
            branch = "perhaps"
        kind = "branch_taken" if branch else "alu"
    elif group == 3 and operation & 0x71 == 0x00:
        kind = "store"
    elif group == 3 and operation & 0x61 == 0x01:
        kind, branch = "load", "always" if first & 0x0070 == 0x0050 and second >> 12 == 15 else ""
    elif group == 3 and operation & 0x70 == 0x30:
        divides = operation & 0x08 and operation & 0x05 == 0x01 and second & 0x00F0 == 0x00F0
        kind = "divide" if divides else "multiply"
    elif group & 1 and operation & 0x60 == 0x40 and first >> 9 & 7 == 6:  # of the FPU
        kind = "load" if first >> 4 & 1 else "store"
    return Instruction(kind, words, branch, 2)


def whole_words(first: int, second: int = 0) -> int:
    """Return the register whose address has to be a multiple of 4, -1 for none.

    LDM, STM, LDRD and STRD fault on other addresses on every core (Arm DDI 0403, A3.2.1); SP, which is never else, and
    the program counter are left out.
    """
    if first >> 12 == 0b1100:
        return first >> 8 & 7
    if first >> 11 != WIDE or first >> 9 & 0b11 or (first & 0x0060 == 0x0040 and not first & 0x0120):
        return -1
    return -1 if first & 0xF in (13, 15) else first & 0xF


def mix(code: np.ndarray, sizes: np.ndarray, runs: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Return how many instructions of each class have run, (..., len(CLASSES)) int64.

    Args:
        code: halfwords (slots,) uint16. sizes: bytes of the block that begins at a slot (slots,), 0 where none does.
        runs: how often each block ran (..., slots). passed: how often it went on with what lies behind it.
    """
    found = np.zeros((*runs.shape[:-1], len(CLASSES)), np.int64)
    for slot in np.flatnonzero(sizes):
        plain, last = block(code, int(slot), int(sizes[slot]) // 2)
        ran, on = runs[..., slot].astype(np.int64), passed[..., slot].astype(np.int64)
        found += ran[..., None] * plain
        if last == "perhaps":
            found[..., CLASSES.index("branch_passed")] += on
        found[..., CLASSES.index("branch_taken")] += ran - on if last == "perhaps" else ran * (last == "always")
    return found


def block(code: np.ndarray, slot: int, halfwords: int) -> tuple[np.ndarray, str]:
    """Return the instructions of a block by class (len(CLASSES),) without its branch, and how it ends."""
    counts, at, before, last = np.zeros(len(CLASSES), np.int64), slot, "", ""
    while at < slot + halfwords:
        one = decode(int(code[at]), int(code[at + 1]) if at + 1 < len(code) else 0)
        kind = "load_next" if one.kind == "load" and before == "load" else one.kind
        if not one.branch or kind != "branch_taken":
            counts[CLASSES.index(kind)] += one.words or 1
        counts[CLASSES.index("sequences")] += one.words > 0
        counts[CLASSES.index("wide")] += one.halfwords == 2
        at, before, last = at + one.halfwords, one.kind, one.branch
    return counts, last
