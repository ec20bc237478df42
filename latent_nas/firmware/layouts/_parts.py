"""What layouts have in common: headers and C apart, a README with the steps to take, one line about the network."""

from latent_nas import __version__
from latent_nas.firmware.component import Component
from latent_nas.firmware.export import README, Project

Files = dict[str, str]  # contents by name
SPDX = "// SPDX-License-Identifier: MIT\n"
HASH = "# SPDX-License-Identifier: MIT\n"


def apart(project: Project, headers: str, sources: str) -> Files:
    """Return headers and C files by their paths in two folders."""
    found = {n: text for n, text in project.library.items() if n.endswith((".h", ".c"))}
    return {f"{headers if name.endswith('.h') else sources}/{name}": text for name, text in found.items()}


def texts(project: Project, steps: str) -> Files:
    """Return README and licence; ``steps``: from these files to a program that has them, {p} and {P} for the prefix."""
    p = project.component.prefix
    said = steps.format(p=p, P=p.upper())
    page = f"{project.library[README].rstrip()}\n\n## Steps\n\n{said.strip()}\n"
    return {README: page, "LICENSE": project.library["LICENSE"]}


def about(component: Component) -> str:
    """Return what the network is, in a line."""
    graph = component.network.graph
    shape = "x".join(map(str, graph.input_shape))
    return f"Int8 network, input {shape}, {graph.output_shape[-1]} outputs, made by latent_nas"


def version() -> str:
    """Return the version of latent_nas that build systems take for the component's: three numbers."""
    return ".".join(__version__.split(".")[:3])
