"""Readers face data made at random: a task that keeps its contract, or one line that says why; nothing else."""

import pytest
import random_data

from latent_nas.contracts.tasks import parts_have_the_stated_input
from latent_nas.tasks import open_task


@pytest.mark.parametrize("block", range(4))
def test_random_data_become_a_task_or_one_line(tmp_path, block):
    taken, refused = 0, []
    for seed in range(60 * block, 60 * block + 60):
        root = tmp_path / str(seed)
        root.mkdir()
        name = random_data.made(root, seed)
        try:
            task = open_task(name)
        except ValueError as error:
            refused.append(str(error))
            continue
        parts_have_the_stated_input(task)
        assert sum(map(len, (task.data().train, task.data().valid, task.data().test))) > 0
        assert all("\n" not in line for line in task.about()), seed
        taken += 1
    assert all("\n" not in line and 10 < len(line) < 900 for line in refused)
    assert taken > 10
