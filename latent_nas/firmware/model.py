"""``<prefix>.c``: a network's constants, operators in their order, and where its tensors lie in the arena."""

from latent_nas.costs.memory import MemoryPlan
from latent_nas.firmware.emit import Call, statement_of
from latent_nas.firmware.naming import PREFIX, string
from latent_nas.training.metadata import Metadata
from latent_nas.training.quantise import QuantisedNetwork


def model(
    network: QuantisedNetwork,
    plan: MemoryPlan,
    operators: dict[int, str],
    prefix: str = PREFIX,
    about: Metadata | None = None,
) -> str:
    """Return the C of a network whose memory is planned.

    Args:
        operators: node id to the name of its function, in the order in which they run.
        prefix: of all names that others see. about: whose classes' names stand beside the network.

    Raises:
        ValueError: an operator has no kernel.
    """
    data, functions, state = [], [], 0

    def at(offset: int) -> str:
        return f"{prefix}_arena + {offset}"

    for i, name in operators.items():
        node = network.graph.nodes[i]
        xs = tuple(at(plan.offsets[j]) for j in node.inputs)
        scratch = at(plan.scratch_offsets[i]) if plan.scratch_sizes[i] else f"{prefix}_arena"
        shapes = network.graph.shapes_into(node)
        call = Call(node, shapes, network.constants[i], xs, at(plan.offsets[i]), scratch, f"model_state + {state}")
        state += node.operator.state_bytes(*shapes)
        declared, statement = statement_of(call)
        data.append(declared)
        functions.append(f"__attribute__((noinline)) static void {name}(void)\n{{\n    {statement}\n}}\n")
    return MODEL.format(
        p=prefix,
        P=prefix.upper(),
        state=STATE.format(bytes=state) if state else "",
        init="    model_position = 0;\n" if state else "",
        done="\n    model_position++;" if state else "",
        data="\n".join(data),
        functions="\n".join(functions),
        runs="\n".join(f"    {name}();" for name in operators.values()),
        input=at(plan.offsets[0]),
        output=at(plan.offsets[-1]),
        classes=_classes(about.classes, prefix) if about else "",
    )


def _classes(names: tuple[str, ...], prefix: str) -> str:
    if not names:
        return ""
    listed = ",\n    ".join(string(name) for name in names)
    return f"\nconst char *const {prefix}_class_names[{prefix.upper()}_CLASSES] = {{\n    {listed},\n}};\n"


MODEL = """/* The network: its constants, and its operators in their order. */
#include "{p}.h"
#include "kernels.h"

#define ALIGNED __attribute__((aligned(4)))

#ifndef {P}_OWN_ARENA /* else yours: int8_t {p}_arena[{P}_ARENA_BYTES], on a multiple of 8 */
/* A section named .bss.* takes no flash under any linker script. */
__attribute__((section(".bss.{p}_arena"), aligned(8))) int8_t {p}_arena[{P}_ARENA_BYTES];
#endif
{state}
{data}
{functions}
void {p}_init(void)
{{
{init}}}

void {p}_run(void)
{{
{runs}{done}
}}

int8_t *{p}_input(void)
{{
    return {input};
}}

const int8_t *{p}_output(void)
{{
    return {output};
}}
{classes}"""

STATE = """
/* What tokens leave behind for those after them, and how many there were. */
__attribute__((section(".bss.model_state"), aligned(8))) static int8_t model_state[{bytes}];
static uint32_t model_position;
"""
