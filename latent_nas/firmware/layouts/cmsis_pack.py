"""A component as a CMSIS pack: its description as Open-CMSIS-Pack's schema wants it (PACK.xsd, 1.7)."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts._parts import Files, about, apart, texts, version

VENDOR = "latent_nas"


def files(project: Project) -> Files:
    """Return headers in Include and C in Source, beside the pack's description."""
    p, parts = project.component.prefix, apart(project, "Include", "Source")
    described = _described(p, version(), about(project.component), parts)
    return {**parts, **described, **texts(project, STEPS)}


def _described(prefix: str, version: str, about: str, files: Iterable[str]) -> dict[str, str]:
    """Return the ``.pdsc`` by its name.

    Args:
        about: what the network is, in a line. files: headers and C files, as they lie in the pack.
    """
    listed = [f'<file category="{"header" if n.endswith(".h") else "source"}" name="{n}"/>' for n in sorted(files)]
    text = PDSC.format(p=prefix, vendor=VENDOR, version=version, about=escape(about), files="\n        ".join(listed))
    return {f"{VENDOR}.{prefix}.pdsc": text}


# Its url is where later versions would be fetched; there are none.
PDSC = """<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: MIT -->
<package schemaVersion="1.7.7" xmlns:xs="http://www.w3.org/2001/XMLSchema-instance"
 xs:noNamespaceSchemaLocation="PACK.xsd">
  <vendor>{vendor}</vendor>
  <name>{p}</name>
  <description>{about}</description>
  <url>https://example.org/yours/</url>
  <license>LICENSE</license>
  <releases>
    <release version="{version}">Made by latent_nas {version}.</release>
  </releases>
  <components>
    <component Cclass="Machine Learning" Cgroup="Network" Csub="{p}" Cversion="{version}">
      <description>{about}</description>
      <files>
        <file category="doc" name="README.md"/>
        <file category="include" name="Include/"/>
        {files}
      </files>
    </component>
  </components>
</package>
"""

STEPS = """
1. Zip what is in this folder as `latent_nas.{p}.pack`, or take `latent_nas.{p}.pdsc` as it lies here.
2. `cpackget add latent_nas.{p}.pdsc`; in Keil's Pack Installer: File, Import, the zipped one.
3. In `csolution.yml`, below `packs:`, add `- pack: latent_nas::{p}`; in `cproject.yml`, below `components:`, add
   `- component: Machine Learning:Network:{p}`. In uVision: Manage Run-Time Environment, Machine Learning, Network, {p}.
4. `#include "{p}.h"` in `main.c`, then the lines above; build.
"""
