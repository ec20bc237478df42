"""``latent-nas serve-mcp``, started and asked as a program would, by the protocol's own client."""

import asyncio
import json
import os
import sys
import time

import pytest

pytest.importorskip("mcp", reason="extra mcp: not installed")
pytest.importorskip("unicorn", reason="extra mcu: not installed")
pytest.importorskip("onnx", reason="extra onnx: not installed")

from mcp import ClientSession, StdioServerParameters, stdio_client

from latent_nas.firmware.draw import drawn
from latent_nas.graph import Builder
from latent_nas.interchange import onnx_export
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What one session was told: by tool, and how long each took."""
    place = tmp_path_factory.mktemp("mcp")
    b = Builder((8, 8, 4))
    b.add(Dense(3), b.add(GlobalPool(), b.add(Conv2d(8), 0)))
    onnx_export.export_int8(drawn(b.build(), 0, 4)[0], place / "net.onnx")
    (place / "mine.py").write_text("open('touched', 'w')")
    begin = {"out": "run", "task": "digits", "device": "stm32f405", "trainings": 1, "final_seeds": 1}
    asked = [
        ("list_choices", {"kind": "devices"}),
        ("cost", {"network": "net.onnx", "devices": ["stm32f405", "rp2040"], "limits": {"flash_kb": 1}}),
        ("cost", {"network": "net.onnx", "devices": ["stm32"]}),
        ("cost", {"network": "mine.py", "devices": ["stm32f405"]}),
        ("query", {"limits": {"flash_kb": 16}, "top": 2}),
        ("deploy_and_prove", {"source": "net.onnx", "out": "fw", "device": "rp2040", "prefix": "kws"}),
        ("deploy_and_prove", {"source": "net.onnx", "out": "fw2", "layout": "makefile"}),
        ("begin_search", begin),
        ("begin_search", begin),
        ("search_status", {"run": "run"}),
    ]

    async def session():
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "latent_nas", "serve-mcp"], cwd=str(place), env=dict(os.environ)
        )
        async with stdio_client(server) as streams, ClientSession(*streams) as client:
            await client.initialize()
            tools = (await client.list_tools()).tools
            found = []
            for name, arguments in asked:
                started = time.monotonic()
                found.append((await client.call_tool(name, arguments), time.monotonic() - started))
            for _ in range(600):
                status = await client.call_tool("search_status", {"run": "run"})
                if said(status)["state"] == "finished":
                    break
                await asyncio.sleep(1)
            return tools, found, status

    return place, *asyncio.run(session())


def said(result):
    """Return the JSON of an answer, or the line of an error."""
    text = "\n".join(part.text for part in result.content)
    return text if result.is_error else json.loads(text)


def test_every_tool_says_what_it_takes(answers):
    _, tools, _, _ = answers
    by_name = {tool.name: tool for tool in tools}
    assert set(by_name) == {"list_choices", "cost", "query", "begin_search", "search_status", "deploy_and_prove"}
    schema = by_name["cost"].input_schema
    assert schema["required"] == ["network", "devices"]
    assert schema["properties"]["devices"]["type"] == "array"
    assert all(len(tool.description) > 80 for tool in tools)


def test_costs_candidates_and_a_proof_are_answered(answers):
    place, _, found, _ = answers
    results = [result for result, _ in found]
    assert "stm32f405" in "".join(part.text for part in results[0].content)
    rows = results[1].structured_content["result"]
    assert [row["device"] for row in rows] == ["stm32f405", "rp2040"]
    assert all(row["fits"] is False for row in rows)  # the kernels alone are more than 1 KB
    candidates = said(results[4])["candidates"]
    assert len(candidates) == 2
    assert all(c["flash_bytes"] <= 16 * 1024 for c in candidates)
    proof = said(results[5])
    assert proof["bit_exact"] is True
    assert (place / "fw" / "kws.h").is_file()


def test_wrong_input_is_answered_in_a_line_and_nothing_is_run(answers):
    place, _, found, _ = answers
    unknown, code, layout, twice = (found[i][0] for i in (2, 3, 6, 8))
    assert all(result.is_error for result in (unknown, code, layout, twice))
    assert "no device 'stm32'" in said(unknown)
    assert "may be code" in said(code)
    assert "run" in said(twice)
    assert not (place / "touched").exists()
    assert not (place / "fw2").exists()


def test_a_search_goes_on_by_itself(answers):
    place, _, found, status = answers
    assert said(found[7][0])["run"] == "run"
    assert said(found[9][0])["state"] in ("0 of 1 trainings", "1 of 1 trainings")
    last = said(status)
    assert last["state"] == "finished", last
    assert 0 < last["measured"] <= 1
    assert (place / "run" / "report.html").is_file()
