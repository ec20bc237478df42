"""What lies beside a firmware's C: the Makefile and the README."""

from math import prod

from latent_nas.costs.memory import MemoryPlan
from latent_nas.devices import Device, Region
from latent_nas.training.quantise import QuantisedNetwork


def makefile(device: Device) -> str:
    """Return the Makefile that builds it with arm-none-eabi-gcc."""
    return MAKEFILE.format(flags=" ".join(device.core.gcc_flags))


def readme(network: QuantisedNetwork, device: Device, plan: MemoryPlan, region: Region, answer: str = "") -> str:
    """Return the README: where input and output lie, and what their integers mean; ``answer``: a row on that."""
    y, core = network.quants[-1], device.core
    return README.format(
        device=device.name,
        core=f"{core.name}: {'; '.join(core.lacks()) or 'kernels with SMLAD'}",
        input=_input(network),
        outputs=prod(network.graph.output_shape),
        y=y,
        answer=answer,
        arena=plan.peak,
        region=region.name,
        address=region.address,
        lacks=f"\nTo run on {device.name}: {device.lacks}.\n" if device.lacks else "",
    )


def _input(network: QuantisedNetwork) -> str:
    vocabulary, x = network.graph.input.vocabulary, network.quants[0]
    if vocabulary:
        return f"uint16, one token; `model_init()` begins a new text | 0 to {vocabulary - 1}"
    shape = " x ".join(map(str, network.graph.input_shape))
    return f"int8, {shape} (height x width x channels) | real = {x.scale!r} * (q - ({x.zero_point}))"


MAKEFILE = """# make, or make CC=clang; NN=-DNN_PLAIN builds the kernels without SMLAD.
CC = arm-none-eabi-gcc
FLAGS = {flags} -mthumb -std=c99 -O2 -Wall -Wextra -ffreestanding \\
 -ffunction-sections -fdata-sections -fno-tree-loop-distribute-patterns $(NN)
OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))

firmware.elf: $(OBJECTS) device.ld
	$(CC) $(FLAGS) -nostartfiles -nodefaultlibs -Wl,--gc-sections -T device.ld $(OBJECTS) -lgcc -o $@
	arm-none-eabi-size $@

%.o: %.c
	$(CC) $(FLAGS) -c $< -o $@

clean:
	rm -f $(OBJECTS) firmware.elf

.PHONY: clean
"""

README = """# Firmware of an int8 network for {device}

`make` builds `firmware.elf` with arm-none-eabi-gcc. `main.c` runs the network for ever; put your own `exchange` in
place of its weak one: it takes the last outputs and writes the next inputs.

| what | where | numbers |
|---|---|---|
| input | `model_input()`, {input} |
| output | `model_output()`, int8, {outputs} | real = {y.scale!r} * (q - ({y.zero_point})) |
{answer}| arena | region `{region}` ({address:#010x}) | {arena} B, static; the plan's offsets are in `model.c` |

Outputs and inputs share the arena: read the outputs before you write the next inputs. Cores with the DSP extension
use the kernels with SMLAD, all others plain C; both give the same bits. The core here is {core}.

The linker refuses what does not fit a region of the device. `startup.c` has the vector table; interrupts beyond the
core's are yours to add.
{lacks}
`make clean && make NN=-DBENCH` builds a firmware that measures itself: cycles per operator (DWT->CYCCNT) as CSV over
semihosting, or over your UART if you define `bench_write` and `bench_end`. Save what it prints, and
`latent-nas calibrate --measurements cycles.csv --base native --runtime my_board --out DIR` reads it.

`LICENSE` (MIT) is that of the code of latent_nas in here; the network in `model.c` is yours.
"""
