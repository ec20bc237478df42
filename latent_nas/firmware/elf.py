"""What an ELF file says of a firmware: sections, symbols, what is loaded where."""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

ALLOCATED, NOBITS, SYMTAB, LOAD = 2, 8, 2, 1


@dataclass(frozen=True)
class Section:
    """A section that takes memory on the device; ``in_file``: its bytes come from flash."""

    name: str
    address: int
    bytes: int
    in_file: bool


@dataclass(frozen=True)
class Elf:
    """A little-endian 32-bit executable.

    Attributes:
        entry: address of its first instruction. sections: those in the device's memory.
        symbols: name -> (address, bytes); functions without the Thumb bit. functions: names of those that are code.
        segments: (address to load at, content).
    """

    entry: int
    sections: tuple[Section, ...]
    symbols: dict[str, tuple[int, int]]
    functions: frozenset[str]
    segments: tuple[tuple[int, bytes], ...]

    def address(self, symbol: str) -> int:
        """Return where a symbol is."""
        return self.symbols[symbol][0]

    def function_at(self, address: int) -> str:
        """Return the name of the function around an address, "?" where there is none."""
        table = sorted((self.symbols[name][0], name) for name in self.functions)
        found = bisect_right(table, (address, "\x7f")) - 1
        if found < 0 or address >= table[found][0] + max(self.symbols[table[found][1]][1], 2):
            return "?"
        return table[found][1]

    @property
    def flash_bytes(self) -> int:
        """Bytes of flash: code, constants, and the initial values of data."""
        return sum(section.bytes for section in self.sections if section.in_file)

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM: stack, data, arena."""
        return sum(s.bytes for s in self.sections if not s.in_file or s.name == ".data")


def read(path: Path) -> Elf:
    """Return what an ELF file holds.

    Raises:
        ValueError: it is not a 32-bit little-endian executable.
    """
    data = path.read_bytes()
    if data[:6] != b"\x7fELF\x01\x01":
        raise ValueError(f"{path} is not firmware: not a 32-bit little-endian ELF file")
    entry, segments_at, sections_at = struct.unpack_from("<III", data, 24)
    segment_size, segment_count, section_size, section_count, names_in = struct.unpack_from("<HHHHH", data, 42)
    headers = [struct.unpack_from("<10I", data, sections_at + i * section_size) for i in range(section_count)]
    named = [(_text(data, headers[names_in][4] + h[0]), h) for h in headers]
    sections = [Section(n, h[3], h[5], h[1] != NOBITS) for n, h in named if h[2] & ALLOCATED and h[5]]
    symbols: dict[str, tuple[int, int]] = {}
    functions = set()
    for header in headers:
        if header[1] != SYMTAB:
            continue
        for at in range(header[4], header[4] + header[5], 16):
            name_at, value, size, info, _, _ = struct.unpack_from("<IIIBBH", data, at)
            name = _text(data, headers[header[6]][4] + name_at)
            code = info & 15 == 2
            if name and not name.startswith("$"):
                symbols[name] = (value & ~1 if code else value, size)
                functions |= {name} if code else set()
    loads = [struct.unpack_from("<8I", data, segments_at + i * segment_size) for i in range(segment_count)]
    content = [(p[3], data[p[1] : p[1] + p[4]]) for p in loads if p[0] == LOAD and p[4]]
    return Elf(entry & ~1, tuple(sections), symbols, frozenset(functions), tuple(content))


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()
