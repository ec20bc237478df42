"""Features of a whole network of images, whatever its blocks are: names that spaces share, in the order of columns."""

WHOLE = (
    "macs",
    "parameters",
    "channels",
    "tensor.sum",
    "tensor.live",
    "tensor.apart",
    "pixels.last",
    "width.least",
    "width.mean",
    "width.inverse",
    "volume.least",
    "volume.inverse",
    "layers.fine",
    "layers.middle",
    "layers.coarse",
    "receptive_field",
    "chain.longest",
)
