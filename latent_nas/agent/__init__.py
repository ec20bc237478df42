"""The agent: networks, learners, population, elites and journal of the one who edits the latent."""
