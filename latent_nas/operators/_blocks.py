"""What this project's blocked kernels (firmware/emit) make of a convolution: counts of their time and scratch."""

from math import prod

from latent_nas.operators._rim import Rim
from latent_nas.operators.window import Padding, Pair, output_size, pads

Counts = dict[str, float]
LARGE = 2300  # products above which sums mostly can reach 2^23: weights are about 28 in the mean, of at most 127


def column_work(
    image: tuple[int, ...], filters: int, kernel: Pair, stride: Pair, padding: Padding, groups: int, overwrites: bool
) -> Counts:
    """Return the counts of kernels that multiply the columns of three pixels by pairs of filters, in blocks of four.

    column_blocks, of one pixel; byte_blocks, the same where channels are not whole blocks; kept, elements of rows that
    are needed after they are written over; columns, of two or three pixels; tiles, pairs of filters times these, and
    tile_blocks of them; odd_tiles, of a filter without a pair; lone_pairs and lone_blocks, of a pixel that is left
    over; large_blocks, of single pixels in place of all these, where sums may be too large for them; widened, blocks
    made int16; byte_pixels, whose channels are not whole blocks; of windows wider than a pixel runs, run_blocks and
    run_rest, copied into columns. And, for libraries that copy tap by tap: taps_inside the image, their elements
    gathered_inside and, of these, tail4_inside that are left over after blocks of 4 channels; gathered_outside,
    elements of taps outside, which are set and not read. The kernel of groups goes tap by tap: all up to run_rest are 0
    there, and count are grouped_outputs, their grouped_taps and grouped_macs.

    Args:
        image: (height, width, channels) of the input. overwrites: the output may lie over it.
    """
    height, width, channels = image
    pixels, blocks = prod(output_size(height, width, kernel, stride, padding)), -(-prod(kernel) * channels // 4)
    pairs, large = -(-filters // 2), prod(kernel) * channels > LARGE
    lone, times = (0, 0) if large else (pixels % 3 == 1, pixels // 3 + (pixels % 3 == 2))
    alone = kernel == stride == (1, 1)
    runs, words, rest = (0, 0, 0) if alone else Rim.of(height, width, kernel, stride, padding).runs(channels)
    inside = Rim.of(height, width, kernel, stride, padding).inside
    rows = 1 + pads(height, width, kernel, stride, padding)[0]
    counts: Counts = {
        "column_blocks": blocks,
        "byte_blocks": 0 if channels % 4 == 0 else blocks,
        "kept": 0 if alone or not overwrites else rows * width * channels,
        "columns": times,
        "tiles": times * pairs,
        "tile_blocks": times * pairs * blocks,
        "odd_tiles": times * (filters % 2),
        "lone_pairs": lone * pairs,
        "lone_blocks": lone * pairs * blocks,
        "large_blocks": pixels * pairs * blocks * large,
        "widened": 0 if large else pixels * blocks,
        "byte_pixels": pixels * (channels % 4 > 0),
        "runs": runs,
        "run_blocks": words,
        "run_rest": rest,
    }
    grouped = pixels * filters if groups > 1 else 0
    return (counts if groups == 1 else dict.fromkeys(counts, 0.0)) | {
        "grouped_outputs": grouped,
        "grouped_taps": grouped * prod(kernel),
        "grouped_macs": grouped * prod(kernel) * channels // groups,
        "taps_inside": inside,
        "gathered_inside": inside * channels,
        "tail4_inside": inside * (channels % 4),
        "gathered_outside": (pixels * prod(kernel) - inside) * channels,
    }


def strip_work(image: tuple[int, ...], kernel: Pair, stride: Pair, padding: Padding) -> Counts:
    """Return the counts of depthwise kernels that hold the rows under a row of outputs as int16, channel by channel.

    Rows lie along the longer side, or along windows that are lines. strip_bytes, what they take, of four channels;
    strip_rows, of outputs of four channels; strip_lanes, of one; near_pairs and far_pairs, pairs of outputs of windows
    3x3 at stride 1 and 2; near_lines and far_lines, the same of lines of nine at most; line_outputs, line_taps and
    line_channels of these; of longer lines, or in larger steps, long_outputs and their long_pairs of taps; of other
    windows slow_outputs, slow_rows of their taps, slow_pairs of taps; strip_words and strip_rest, pairs of elements of
    four channels, and elements of one, made int16.
    """
    height, width, channels = image
    outputs = output_size(height, width, kernel, stride, padding)
    down = outputs[0] > outputs[1] if (kernel[0] == 1) == (kernel[1] == 1) else kernel[1] == 1
    along, across = (0, 1) if down else (1, 0)
    step, taps, window = stride[along], kernel[along], kernel[across]
    line = window == 1 and taps <= 9 and step <= 2
    quick = line or (kernel == (3, 3) and step <= 2)
    fours, ones = divmod(channels, 4) if quick else (0, channels)
    taps, weights = (9, 12) if line else (taps, window * ((taps + 2) // 2 * 2))
    pitch = ((outputs[along] - 1) * step + taps + 4) // 2 * 2
    lanes, rows, each = (4 if fours else 1), outputs[across] * channels, -(-outputs[along] // 2)
    other = 0 if quick else rows * outputs[along]
    slow, long = (0, other) if window == 1 else (other, 0)
    return {
        "strip_bytes": 4 * window + 2 * lanes * (weights + (window + 1) * pitch),
        "strip_rows": outputs[across] * (fours + ones),
        "strip_lanes": rows,
        "near_pairs": rows * each if quick and step == 1 and not line else 0,
        "far_pairs": rows * each if quick and step == 2 and not line else 0,
        "near_lines": rows * each if line and step == 1 else 0,
        "far_lines": rows * each if line and step == 2 else 0,
        "line_outputs": rows * outputs[along] if line else 0,
        "line_taps": rows * outputs[along] * kernel[along] if line else 0,
        "line_channels": channels if line else 0,
        "long_outputs": long,
        "long_pairs": long * -(-taps // 2),
        "slow_outputs": slow,
        "slow_rows": slow * window,
        "slow_pairs": slow * window * -(-taps // 2),
        "strip_words": image[across] * fours * -(-image[along] // 2),
        "strip_rest": image[across] * ones * image[along],
    }


def nibble_work(image: tuple[int, ...], made: tuple[int, ...], kernel: Pair, groups: int, inside: float) -> Counts:
    """Return the counts of kernels of 4-bit weights, which multiply the columns of three pixels by one filter a time.

    nibble_blocks, of eight values of a window; nibble_columns, of three pixels or less; nibble_tiles, filters times
    these, and nibble_tile_blocks of them. nibble_rows, of windows; nibble_fours, values made int16 by four, and
    nibble_ones, those by one. Of depthwise layers unpacked_bytes, their weights and channels as they run.

    Args:
        image, made: (height, width, channels) of input and output. inside: values of windows that lie in the image.
    """
    (height, width, filters), window = made, prod(kernel) * image[2] // groups
    blocks, columns, values = -(-window // 8), -(-height * width // 3), float(height * width * window)
    fours = 0 if image[2] % 4 else inside
    return {
        "nibble_blocks": blocks,
        "nibble_columns": columns,
        "nibble_tiles": columns * filters,
        "nibble_tile_blocks": columns * filters * blocks,
        "nibble_rows": height * width * kernel[0],
        "nibble_fours": fours / 4,
        "nibble_ones": values - fours,
        "unpacked_bytes": 12 * image[2] + 4 * -(-window * image[2] // 4),
    }
