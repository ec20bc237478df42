"""A local Ray cluster of two nodes, one of which is killed half-way; beside it, the same by --workers 1.

python benchmarks/ray_cluster.py --trainings 40
"""

import argparse
import json
import os
import socket
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

from ray.cluster_utils import Cluster

from latent_nas import seeds
from latent_nas.evaluators import Job
from latent_nas.evaluators.training import Training
from latent_nas.records import Record
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Setup

PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--smallest", action="store_true", help="of many random networks, those of least MACs")
    args = parser.parse_args()
    setup = Setup(MAIN_TARGET)
    genes = setup.space.sample(seeds.rng(0, "ray cluster"), 40 * args.trainings)
    if args.smallest:
        genes = genes[setup.space.features(genes)[:, setup.space.feature_names.index("macs")].argsort(kind="stable")]
    else:
        genes = genes[: 10 * args.trainings]  # a third or so keep the limits
        genes = genes[setup.fits(genes, MAIN_LIMITS)]
    jobs = [Job(tuple(g), 0) for g in dict.fromkeys(map(tuple, genes.tolist()))][: args.trainings]

    cluster = Cluster(initialize_head=True, head_node_args={**_node(), "include_dashboard": False})
    second = cluster.add_node(**_node())
    cluster.wait_for_nodes()
    by_ray = Training(MAIN_TARGET, ray=cluster.address)
    slots = by_ray.crew.slots
    started, found = time.perf_counter(), list[Record]()
    for record in by_ray.evaluate(jobs):
        found.append(record)
        if len(found) == args.trainings // 2:
            cluster.remove_node(second, allow_graceful=False)  # SIGKILL
            print(f"a node was killed after {len(found)} records", flush=True)
    ray_s = time.perf_counter() - started
    by_ray.close()
    cluster.shutdown()

    started, alone = time.perf_counter(), Training(MAIN_TARGET, 1)
    local = {r.genes: r for r in alone.evaluate(jobs)}
    local_s = time.perf_counter() - started
    alone.close()
    counts = Counter(r.genes for r in found)
    result = {
        "trainings": len(jobs),
        "slots at the start": slots,
        "records": len(found),
        "failed": sum(not r.ok for r in found),
        "double": sum(n - 1 for n in counts.values()),
        "missing": len({j.genes for j in jobs} - counts.keys()),
        "unlike those of --workers 1": sum(_essence(r) != _essence(local[r.genes]) for r in found),
        "wall_s by Ray, a node lost": round(ray_s, 1),
        "wall_s by --workers 1": round(local_s, 1),
    }
    print(json.dumps(result, indent=1))


def _node() -> dict[str, Any]:
    """Return a node's settings; its agents' ports are given, as it waits only 15 s for those that they choose."""
    with ExitStack() as stack:
        free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in PORTS]
    return {"num_cpus": 1, "object_store_memory": 80 * 2**20, **dict(zip(PORTS, free, strict=True))}


def _essence(record: Record) -> dict[str, object]:
    return {k: v for k, v in record.to_json().items() if k != "wall_s"}


if __name__ == "__main__":
    main()
