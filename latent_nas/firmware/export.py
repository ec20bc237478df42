"""The C project of an int8 network: weights, operator order and arena offsets of its memory plan, kernels, start-up."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from latent_nas import artifacts
from latent_nas.costs.layer import layer
from latent_nas.costs.memory import MemoryPlan
from latent_nas.costs.memory import plan as memory_plan
from latent_nas.devices import Device, Region
from latent_nas.firmware import bench
from latent_nas.firmware.calls import Call, c_of
from latent_nas.firmware.linker import arena_region, script
from latent_nas.firmware.text import Speech
from latent_nas.graph import Graph
from latent_nas.runtimes import open_runtime
from latent_nas.training.quantise import QuantisedNetwork

KERNELS = Path(__file__).parent / "c"
RUNTIME = "native"


@dataclass(frozen=True)
class Project:
    """The sources of a firmware and where its tensors lie.

    Attributes:
        network: as it runs there: of a text, in steps. files: contents by name. plan: of the arena.
        state_bytes: beside it, what is remembered from run to run. region: of RAM, that holds both.
        operators: (node id, name of its function) in the order in which they run.
    """

    device: Device
    network: QuantisedNetwork
    files: dict[str, str]
    plan: MemoryPlan
    region: Region
    operators: tuple[tuple[int, str], ...]
    state_bytes: int = 0

    @property
    def heaviest(self) -> str:
        """The layer that takes most flash, in words."""
        graph = self.network.graph

        def flash(i: int) -> int:
            figures = layer(graph.nodes[i].operator, graph.shapes_into(graph.nodes[i]))
            return figures.weights_bytes + figures.bias_bytes

        return _name(graph, max(range(len(graph.nodes)), key=flash))

    def write(self, folder: Path) -> None:
        """Write all files into a folder."""
        for name, text in self.files.items():
            artifacts.write(folder / name, text)


def project(
    network: QuantisedNetwork, device: Device, region: Region | None = None, speech: Speech | None = None
) -> Project:
    """Return the firmware of a network for a device.

    Args:
        region: force the arena there, fit or not; None: the first region that it fits.
        speech: what a network of text says; None: it waits for tokens from outside, as others do for data.

    Raises:
        ValueError: it fits no region, or an operator has no kernel in C.
    """
    network = network.in_steps()
    graph = network.graph
    layers = [layer(node.operator, graph.shapes_into(node)) for node in graph.nodes]
    plan = memory_plan(graph, layers, open_runtime(RUNTIME))
    state = sum(one.state_bytes for one in layers)
    widest = max(range(len(graph.nodes)), key=lambda i: plan.live[i])
    region = region or arena_region(device, plan.peak + state, _name(graph, widest))
    operators = tuple(_operators(network, plan))
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(KERNELS.iterdir()) if path.is_file()}
    files["model.c"] = _model(network, plan, dict(operators)) + bench.source(graph, device, operators)
    if speech:
        files["text.c"] = speech.source()
    files["device.ld"] = script(device, region)
    files["Makefile"] = _makefile(device)
    files["README.md"] = _readme(network, device, plan, region)
    return Project(device, network, files, plan, region, operators, state)


def _name(graph: Graph, i: int) -> str:
    return f"{i}:{graph.nodes[i].operator.kernel(*graph.shapes_into(graph.nodes[i]))}"


def _operators(network: QuantisedNetwork, plan: MemoryPlan) -> Iterator[tuple[int, str]]:
    for i in plan.order:
        node = network.graph.nodes[i]
        shapes = network.graph.shapes_into(node)
        if node.operator.work(*shapes):
            yield i, f"operator_{i}_{node.operator.kernel(*shapes)}"


def _model(network: QuantisedNetwork, plan: MemoryPlan, operators: dict[int, str]) -> str:
    data, functions, state = [], [], 0

    def at(offset: int) -> str:
        return f"model_arena + {offset}"

    for i, name in operators.items():
        node = network.graph.nodes[i]
        xs = tuple(at(plan.offsets[j]) for j in node.inputs)
        scratch = at(plan.scratch_offsets[i]) if plan.scratch_sizes[i] else "model_arena"
        shapes = network.graph.shapes_into(node)
        call = Call(node, shapes, network.constants[i], xs, at(plan.offsets[i]), scratch, f"model_state + {state}")
        state += node.operator.state_bytes(*shapes)
        declared, statement = c_of(call)
        data.append(declared)
        functions.append(f"void {name}(void);\n__attribute__((noinline)) void {name}(void)\n{{\n    {statement}\n}}\n")
    return MODEL.format(
        bytes=plan.peak,
        state=STATE.format(bytes=state) if state else "",
        init="    model_position = 0;\n" if state else "",
        done="\n    model_position++;" if state else "",
        data="\n".join(data),
        functions="\n".join(functions),
        runs="\n".join(f"    {name}();" for name in operators.values()),
        input=at(plan.offsets[0]),
        output=at(plan.offsets[-1]),
    )


def _makefile(device: Device) -> str:
    return MAKEFILE.format(flags=" ".join(device.core.gcc_flags))


def _readme(network: QuantisedNetwork, device: Device, plan: MemoryPlan, region: Region) -> str:
    y = network.quants[-1]
    return README.format(
        device=device.name,
        input=_input(network),
        outputs=prod(network.graph.output_shape),
        y=y,
        arena=plan.peak,
        region=region.name,
        address=region.address,
    )


def _input(network: QuantisedNetwork) -> str:
    vocabulary, x = network.graph.input.vocabulary, network.quants[0]
    if vocabulary:
        return f"uint16, one token; `model_init()` begins a new text | 0 to {vocabulary - 1}"
    shape = " x ".join(map(str, network.graph.input_shape))
    return f"int8, {shape} (height x width x channels) | real = {x.scale!r} * (q - ({x.zero_point}))"


MODEL = """/* The network: generated by latent_nas. */
#include "model.h"
#include "kernels.h"

#define ALIGNED __attribute__((aligned(4)))

extern int8_t model_arena[{bytes}];
__attribute__((section(".arena"), aligned(8))) int8_t model_arena[{bytes}];
{state}
{data}
{functions}
void model_init(void)
{{
{init}}}

void model_run(void)
{{
{runs}{done}
}}

int8_t *model_input(void)
{{
    return {input};
}}

const int8_t *model_output(void)
{{
    return {output};
}}
"""

STATE = """
/* What tokens leave behind for those after them, and how many there were. */
__attribute__((section(".arena"), aligned(8))) static int8_t model_state[{bytes}];
static uint32_t model_position;
"""

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
| arena | region `{region}` ({address:#010x}) | {arena} B, static; the plan's offsets are in `model.c` |

Outputs and inputs share the arena: read the outputs before you write the next inputs. Cores with the DSP extension
(Cortex-M4, M7) use the kernels with SMLAD, all others plain C; both give the same bits. The linker refuses what does
not fit a region of the device. `startup.c` has the vector table; interrupts beyond the core's are yours to add.

`make clean && make NN=-DBENCH` builds a firmware that measures itself: cycles per operator (DWT->CYCCNT) as CSV over
semihosting, or over your UART if you define `bench_write` and `bench_end`. Save what it prints, and
`latent-nas calibrate --measurements cycles.csv --base native --runtime my_board --out DIR` reads it.
"""
