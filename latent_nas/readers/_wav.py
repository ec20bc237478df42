"""WAV files as recorders and tools write them: sizes that nobody filled in, chunks without padding, every PCM width."""

import struct
from pathlib import Path

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
ENDLESS = 0x7FFFF000  # the least size that tools write to a pipe, where they can't know it; of a closed file 0
KNOWN = (b"fmt ", b"data", b"LIST", b"fact", b"cue ", b"smpl", b"bext", b"JUNK", b"PEAK", b"id3 ", b"inst")
LARGEST = 1 << 30  # bytes of one recording
CODECS = {2: "ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM", 0x55: "MP3", 0x161: "WMA"}


def read(path: Path) -> tuple[int, np.ndarray]:
    """Return the rate in Hz and samples (n, channels) float32 from -1 to 1.

    Raises:
        ValueError: no WAV file, another encoding than PCM, or a file that ends before its samples do.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.stat().st_size >> 20} MB; at most {LARGEST >> 20} MB of a recording are read")
    data = path.read_bytes()
    if data[:4] not in (b"RIFF", b"RIFX", b"RF64") or data[8:12] != b"WAVE":
        raise ValueError("not a WAV file")
    if data[:4] == b"RIFX":
        raise ValueError("a WAV file of big-endian samples (RIFX)")
    form: tuple[int, int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int(struct.unpack_from("<I", data, at + 4)[0])
        start = at + 8
        if name == b"fmt ":
            form = _format(data[start : start + size])
        elif name == b"data":
            if form is None:
                raise ValueError("its samples come before their format")
            return form[2], _samples(data[start:], size, form)
        at = _next(data, start + size, size)
    raise ValueError("no samples in it")


def _format(chunk: bytes) -> tuple[int, int, int, int, int]:
    """Return encoding, channels, rate, bytes of a step and bits that a sample takes.

    A sample of 12, 20 or 24 bits stands in the upper bits of as many bytes as a step has for each channel, where the
    bytes of a second agree.
    """
    if len(chunk) < 16:
        raise ValueError("its format is cut")
    encoding, channels, rate, second, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if encoding == EXTENSIBLE and len(chunk) >= 26:
        encoding = struct.unpack_from("<H", chunk, 24)[0]
    if encoding not in (PCM, FLOAT):
        raise ValueError(f"encoded as {CODECS.get(encoding, f'format {encoding:#x}')}; wanted PCM")
    agree = channels and block % channels == 0 and second == rate * block
    if encoding == PCM and agree and 0 < bits <= 8 * block // channels <= 32:
        bits = 8 * block // channels
    if not channels or bits not in ((32, 64) if encoding == FLOAT else (8, 16, 24, 32)):
        raise ValueError(f"{channels} channels of {bits} bits; wanted PCM of 8 to 32 bits")
    return encoding, channels, rate, channels * bits // 8, bits


def _next(data: bytes, end: int, size: int) -> int:
    """Return where the next chunk begins: an odd one has a byte of padding behind it, which some tools forget."""
    return end + size % 2 if data[end : end + 4] not in KNOWN or data[end + 1 : end + 5] in KNOWN else end


def _samples(data: bytes, size: int, form: tuple[int, int, int, int, int]) -> np.ndarray:
    encoding, channels, _, block, bits = form
    unknown = size == 0 or size >= ENDLESS
    if not unknown and size - len(data) >= block:
        raise ValueError(f"ends after {len(data) / size:.0%} of its samples")
    held = len(data) if unknown else min(size, len(data))
    if size == 0 and data[:4] in KNOWN:
        held = 0
    raw = data[: held - held % block]
    if not raw:
        raise ValueError("no samples in it")
    found: np.ndarray
    if encoding == FLOAT:
        found = np.frombuffer(raw, f"<f{bits // 8}").astype(np.float32)
    elif bits == 8:
        found = (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    elif bits == 24:
        triples = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        padded = np.concatenate([np.zeros((len(triples), 1), np.uint8), triples], axis=1)
        found = np.ascontiguousarray(padded).view("<i4").reshape(-1).astype(np.float32) / np.float32(2**31)
    else:
        found = np.frombuffer(raw, f"<i{bits // 8}").astype(np.float32) / np.float32(2 ** (bits - 1))
    return found.reshape(-1, channels)
