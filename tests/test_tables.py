"""Tables of trained networks: reading, their space, and what is said of wrong ones."""

import gzip

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.evaluators import Job
from latent_nas.evaluators.table import TableLookup
from latent_nas.spaces import open_space
from latent_nas.tables import read
from latent_nas.tables import space as table_space
from latent_nas.tables.space import TableSpace

SMALL = """id,gene.a,gene.b,group,metric.m,cost.c
3,x,10,1,5.0,2
1,x,20,1,7.0,4
2,y,10,2,4.0,1
4,y,30,3,,1
5,z,30,4,9.5,3
"""


def written(folder, text, name="table.csv"):
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("form", ["table.csv", "table.csv.gz", "table.parquet"])
def test_rows_of_a_group_are_one_network_with_their_mean(tmp_path, form):
    if form.endswith("parquet"):
        import pandas as pd

        path = tmp_path / form
        pd.read_csv(written(tmp_path, SMALL)).to_parquet(path)
    else:
        path = written(tmp_path, SMALL, form)
    table = read(path, "metric.m", ("cost.c",))
    assert [(g.name, g.choices) for g in table.genes] == [("a", ("x", "y", "z")), ("b", (10, 20, 30))]
    assert table.rows.tolist() == [[0, 1], [1, 0], [0, 0], [2, 2]]  # by id, without the one that has no metric
    assert table.network.tolist() == [0, 1, 0, 2]
    assert table.values["metric.m"].tolist() == [6.0, 4.0, 9.5]
    assert table.values["cost.c"].tolist() == [3.0, 1.0, 3.0]


def test_choices_are_kept_as_given_also_where_they_look_like_nothing(tmp_path):
    table = read(written(tmp_path, "gene.a,gene.b,metric.m\nnone,NA,1\nNULL,nan,2\n"), "metric.m")
    assert [g.choices for g in table.genes] == [("NULL", "none"), ("NA", "nan")]


def test_equal_repeats_without_a_group_are_one_network(tmp_path):
    table = read(written(tmp_path, "gene.a,metric.m\n1,5\n2,6\n1,5\n"), "metric.m")
    assert table.network.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,metric.m\n1,2\n", "gene.NAME"),
        ("", "is empty; wanted a line of names (gene.NAME, metric.NAME"),
        ("gene.a,metric.k,cost.c\n1,2,3\n2,3,3\n", "no column 'metric.m'; there are: metric.k, cost.c"),
        ("gene.a,metric.m\n1,2\n2,3\n1,4\n", "rows 1 and 3 have the same genes but metric.m 2 and 4"),
        ("gene.a,group,metric.m\n1,1,2\n2,1,3\n1,2,4\n", "rows 1 and 3 have the same genes"),
        ("gene.a,metric.m\n1,2\n2,nan\n", "row 2: metric.m is nan"),
        ("gene.a,metric.m\n1,2\n2,3\n3,-inf\n", "row 3: metric.m is -inf"),
        ("gene.a,metric.m\n1,2\n2,good\n3,1\n", "row 2: metric.m is 'good'"),
        ("gene.a,metric.m\n1,true\n2,false\n", "metric.m"),
        ("gene.a,metric.m\n1,2\n", "1 rows with metric.m"),
        ("gene.a,metric.m\n1,\n2,\n", "0 rows with metric.m"),
        ("gene.a,metric.m\n1,2\n1,2\n", "one network"),
        ("gene.a,metric.m\n1,2\n,3\n", "row 2 has no gene.a"),
        ("gene.a,gene.a,metric.m\n1,2,3\n", "two columns 'gene.a'"),
        ("gene.a,metric.m\n1,2\n2\n", "damaged"),
        ("gene.a," + "x" * 200_000 + ",metric.m\n1,2,3\n", "damaged: field larger"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, said):
    with pytest.raises(ValueError, match=r"table\.csv") as caught:
        read(written(tmp_path, text), "metric.m")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "content"), [("t.csv.gz", b"no gzip"), ("t.parquet", b"PAR"), ("t.txt", b"a")])
def test_other_files_are_no_tables(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        read(tmp_path / name, "metric.m")
    with pytest.raises(ValueError, match="does not exist"):
        read(tmp_path / "absent.csv", "metric.m")


@pytest.mark.parametrize("column", ["gene.a", "id", "note"])
def test_what_no_training_measures_is_no_objective(tmp_path, column):
    path = written(tmp_path, "id,gene.a,metric.m,note\n1,1,2,5\n2,2,3,6\n")
    with pytest.raises(ValueError, match=f"{column} is measured of no network; wanted one of metric.m"):
        read(path, column)
    with pytest.raises(ValueError, match="is measured of no network"):
        read(path, "metric.m", needed=(column,))


def test_integers_that_no_float_holds(tmp_path):
    path = written(tmp_path, f"gene.a,metric.x,cost.c\n1,{2**53 + 1},1\n2,{2**53 + 9},{2**60 + 1}\n")
    assert read(path, "metric.x", ("cost.c",)).values["metric.x"].tolist() == [2**53, 2**53 + 8]
    path = written(tmp_path, f"gene.a,metric.x\n{2**64},1\n{2**64 + 1},1\n3,2\n")  # the first two would be one network
    with pytest.raises(ValueError, match=r"gene\.a has 18446744073709551616, too large .* write it as text, as in x18"):
        read(path, "metric.x")


def test_a_gene_of_lists_is_said(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    pq.write_table(pa.table({"gene.a": [[1], [2]], "metric.m": [1.0, 2.0]}), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"column gene\.a is of type list.*; wanted texts, numbers or truth values"):
        read(tmp_path / "t.parquet", "metric.m")


def test_a_limit_wants_its_column_in_every_row(tmp_path):
    path = written(tmp_path, "gene.a,metric.m,cost.c\n1,2,1\n2,3,\n")
    assert np.isnan(read(path, "metric.m", ("cost.c",)).values["cost.c"][1])
    with pytest.raises(ValueError, match=r"row 2 has no cost\.c"):
        read(path, "metric.m", (), ("cost.c",))


def sparse(folder, rows=60, genes=5, choices=4, groups=True):
    rng = np.random.default_rng(0)
    place = rng.permutation(choices**genes)[:rows]
    lines = ["id," + ",".join(f"gene.g{i}" for i in range(genes)) + (",group" if groups else "") + ",metric.m"]
    for i, p in enumerate(place):
        values = [p // choices**k % choices for k in range(genes)]
        lines.append(",".join(map(str, [i, *values, *([i // 2] if groups else []), round(rng.normal(), 4)])))
    return read(written(folder, "\n".join(lines) + "\n"), "metric.m")


@pytest.mark.parametrize("grid", [2**22, 1])
@pytest.mark.parametrize("groups", [True, False])
def test_the_space_of_a_table(tmp_path, monkeypatch, grid, groups):
    monkeypatch.setattr(table_space, "GRID", grid)  # 1: as for a table of too many combinations
    table = sparse(tmp_path, groups=groups)
    space = TableSpace(table)
    anything = seeds.rng(0, "any").integers(0, space.sizes, (200, 5))
    nearest = [table.network[(table.rows != genes).sum(axis=1).argmin()] for genes in anything]
    assert space.network(anything).tolist() == nearest
    assert (space.network(table.rows) == table.network).all()
    own = space.canonical(anything)
    assert (space.canonical(own) == own).all()
    first = [table.rows[np.flatnonzero(table.network == n)[0]] for n in range(table.networks)]
    assert space.listed.tolist() == np.array(first).tolist()
    children = space.mutate(own, seeds.rng(1, "mutate"))
    assert (space.network(children) != space.network(own)).all()
    assert (space.canonical(children) == children).all()
    drawn = np.bincount(space.network(space.sample(seeds.rng(2, "sample"), 4000)), minlength=table.networks)
    assert drawn.min() > 0.5 * 4000 / table.networks
    assert space.features(own).shape == (200, 0)
    with pytest.raises(ValueError, match="--space"):
        space.graph(own[0])


def cells(folder, genes, order=range(6)):
    names = [gene.name for gene in open_space("nasbench201", (32, 32, 3), 10).genes]
    choices = open_space("nasbench201", (32, 32, 3), 10).genes[0].choices
    lines = ["id," + ",".join(f"gene.{names[k]}" for k in order) + ",metric.m"]
    lines += [",".join([str(i), *(choices[row[k]] for k in order), str(float(i))]) for i, row in enumerate(genes)]
    return written(folder, "\n".join(lines) + "\n")


def test_a_known_space_gives_features_and_says_which_genes_are_a_row(tmp_path):
    known = open_space("nasbench201", (32, 32, 3), 10)
    genes = known.sample(seeds.rng(0, "cells"), 40)
    genes = genes[np.sort(np.unique(genes, axis=0, return_index=True)[1])]
    space = TableSpace(read(cells(tmp_path, genes), "metric.m"), known)
    sampled = space.sample(seeds.rng(1, "sample"), 20)
    own = genes[space.network(sampled)]
    assert (space.features(sampled) == known.features(own)).all()
    assert space.graph(sampled[0]) == known.graph(own[0])
    path = cells(tmp_path, [(3, 2, 0, 0, 1, 4), (1, 1, 1, 1, 1, 1), (2, 2, 2, 2, 2, 2), (4, 3, 4, 3, 4, 1)])
    space = TableSpace(read(path, "metric.m"), known)
    names = [[g.choices.index(known.genes[0].choices[v]) for g, v in zip(space.genes, (2, 3, 0, 0, 4, 1), strict=True)]]
    assert space.network(np.array(names)).tolist() == [0]  # row 0 with nodes 1 and 2 swapped, though others are nearer


def test_the_order_of_the_columns_is_of_no_consequence(tmp_path):
    known = open_space("nasbench201", (32, 32, 3), 10)
    genes = np.unique(known.sample(seeds.rng(0, "cells"), 40), axis=0)
    one = TableSpace(read(cells(tmp_path, genes), "metric.m"), known)
    other = TableSpace(read(cells(tmp_path, genes, (5, 2, 0, 1, 4, 3)), "metric.m"), known)
    assert one.genes == other.genes
    assert (one.listed == other.listed).all()
    assert (one.features(one.listed) == other.features(other.listed)).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gene.a,metric.m\n1,2\n2,3\n", "genes are a; space"),
        (
            "gene.edge_01,gene.edge_02,gene.edge_12,gene.edge_03,gene.edge_13,gene.edge_23,metric.m\n"
            "none,none,none,none,none,none,1\nconv,none,none,none,none,none,2\n",
            "gene.edge_01 is 'conv'",
        ),
    ],
)
def test_genes_of_another_space_are_said(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        TableSpace(read(written(tmp_path, text), "metric.m"), open_space("nasbench201", (32, 32, 3), 10))


@pytest.mark.parametrize("minimise", [False, True])
def test_the_evaluator_gives_the_mean_of_a_network(tmp_path, minimise):
    space = TableSpace(read(written(tmp_path, SMALL), "metric.m"))
    evaluator = TableLookup(space, "metric.m", minimise)
    first, second = evaluator.evaluate([Job((0, 1), 0), Job((2, 2), 0)])
    sign = -1 if minimise else 1
    assert (first.measured_objective, second.measured_objective) == (6.0, 9.5)
    assert (first.score, second.score) == (6.0 * sign, 9.5 * sign)
    assert (first.objective, first.measured_int8) == ("metric.m", {})
    assert (first.flash_bytes, first.ram_bytes, first.latency_ms) == (0, 0, 0)
