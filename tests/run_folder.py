"""A run folder of really trained networks without the hours: records of the shipped table, kept as by a search."""

import json
from dataclasses import replace

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.codec import Codec
from latent_nas.evaluators.work import _computed
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.described import describe
from latent_nas.jobs.make import dataset
from latent_nas.jobs.make.artefacts import shipped_table
from latent_nas.jobs.models import pretrained
from latent_nas.jobs.search.about import about_data, keep_data
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.records import ranked, versions
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import Result, read_result
from latent_nas.study.findings import best_of
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Setup
from latent_nas.training.quantise import KIND

NASTY = "</script><img src=x onerror=alert(1)>'\"&"
BATCH = 4


def make(
    path,
    n,
    finished=True,
    strategy="latent_rl",
    reason="",
    failing=False,
    judge=None,
    objective="metric",
    weight_bits=8,
):
    """Return a run folder of n trainings, whose last failed for ``reason`` if there is one, or all if ``failing``.

    ``judge``: makes other records of them, e.g. of another ``objective``. ``weight_bits``: of costs and final networks.

    Trainings and costs are real; predictions, the agent's journal, confusion and firmware are drawn.
    """
    setup, rng = Setup(replace(MAIN_TARGET, weight_bits=weight_bits)), seeds.rng(0, "run folder")
    config = SearchConfig(setup.target, trainings=n, batch=BATCH, objective=objective, front_end_apart=False)
    folder = RunFolder.create(path, {**config.to_json(), "strategy": strategy})
    keep_data(folder, setup, about_data(setup))
    store, codec = folder.store(), Codec.load(pretrained(Setup(MAIN_TARGET), "codec"), setup.space)
    records = list(map(judge, chosen(n))) if judge else chosen(n)
    if weight_bits < 8:
        records = [replace(r, **_computed(setup.costs(r.genes))) for r in records]
    if reason:
        bad = range(n) if failing else [n - 1]
        for i in bad:
            records[i] = replace(records[i], status="failed", reason=reason, measured_int8={})
    for number in range(-(-n // BATCH)):
        told = records[number * BATCH : (number + 1) * BATCH]
        keep_round(store, codec, number, told, rng)
    if records:
        folder.write_tables(setup, records, store)
        folder.write_latent(codec, records)
    best = ranked(records)[:3]
    if finished and best:
        finish(folder, setup, store, best, rng)
        result = read_result(json.loads((path / "result.json").read_text()), "result.json")
        folder.write_result(replace(result, config=config.to_json()))
    store.close()
    return path


def chosen(n):
    """The first n networks of the shipped table that keep the main limits, as a study's records."""
    table = dataset.read(shipped_table(Setup(MAIN_TARGET)))
    known = {}
    for record in table:
        if record.ok and not MAIN_LIMITS.exceeded(record.flash_bytes, record.ram_bytes, record.latency_ms):
            known.setdefault(record.genes, record)
    return [replace(r, round=i // BATCH, versions=versions()) for i, r in enumerate(list(known.values())[:n])]


def keep_round(store, codec, number, told, rng):
    """Keep a round as a study does."""
    steps, slots = 4, codec.slots
    codes = np.repeat(codec.encode(np.array([r.genes for r in told]))[:, None], steps + 1, axis=1)
    for step in range(1, steps + 1):
        codes[:, step:, rng.integers(slots)] = rng.integers(codec.codes)
    scores = np.sort(rng.normal(0.9, 0.02, (len(told), steps + 1)), axis=1)
    lesson = {"episodes": 2000, "reward_std": 0.3, "length": 3.5}
    school = [{"step": 8192 * (i + 1), "reward": float(rng.normal(0.2, 0.05)), **lesson} for i in range(8)]
    if number:
        store.write_journal(
            number, {"school": school, "episodes": {"codes": codes.tolist(), "scores": scores.tolist()}}
        )
    store.propose(number, [r.genes for r in told], b"")
    for record in told:
        store.add(record)
    good = [r for r in told if r.ok]
    found = {"round": number, "trainings": len(told), "failed": len(told) - len(good)}
    if not number or not good:
        found |= {"rank_correlation": None, "optimism": None, "coverage": None}
    else:
        predictions = [prediction(r, rng) for r in good]
        off = [p["predicted_objective"] - p["measured_objective"] for p in predictions]
        found |= {
            "rank_correlation": 0.4,
            "optimism": float(np.mean(off)),
            "coverage": 0.75,
            "predictions": predictions,
        }
    store.close_round(number, {**found, **best_of(ranked(told)[:1])}, b"")


def prediction(record, rng):
    """A prediction a little off."""
    predicted = float(record.measured_objective + rng.normal(0, 0.02))
    predicted = min(predicted, 1.0) if record.higher_is_better else predicted
    return {
        "genes": list(record.genes),
        "predicted_objective": predicted,
        "predicted_low": predicted - 0.03,
        "predicted_high": predicted + 0.03,
        "measured_objective": record.measured_objective,
    }


def finish(folder, setup, store, best, rng):
    """End a run: final networks with their folders, and firmware of the first."""
    networks = []
    for rank, record in enumerate(best, 1):
        check = replace(record, fidelity="full", epochs=20, curve=tuple(np.linspace(0.5, 0.97, 30).round(4).tolist()))
        matrix = np.diag(np.full(10, 48)) + rng.integers(0, 3, (10, 10))
        rows = matrix.astype(float).tolist()
        finals = [
            replace(record, fidelity="full", part="test", seed=s, curve=(), evidence={"confusion": rows})
            for s in range(3)
        ]
        for one in (check, *finals):
            store.add(one)
        networks.append(describe(setup, MAIN_LIMITS, record, check, finals, None))
        graph = json.dumps(deploy(setup.narrow(setup.space.graph(record.genes))).graph.to_json()).encode()
        files = {"graph.json": graph, "integers.safetensors": artifacts.pack({})}
        artifacts.save(folder.path / "networks" / f"{rank}", artifacts.Artifact(KIND, {}, files=files))
    emulated = {
        "bit_exact": True,
        "inputs": 10,
        "peak_stack_bytes": 200,
        "instructions": 400_000,
        "instructions_by_operator": {"1:conv2d": 300_000, "2:dense": 100_000},
        "emulated_ms": [2.6, 4.8],
    }
    sizes = {"flash_bytes": 40_000, "ram_bytes": 3000, "arena_bytes": 1700}
    found = {"rank": 1, "device": "stm32f405", "kernels": "smlad", **sizes, "emulated": emulated}
    folder.write_json("firmware/1-stm32f405-smlad.json", found)
    folder.write_result(Result(tuple(networks), wall_s=60.0, versions=versions()))
