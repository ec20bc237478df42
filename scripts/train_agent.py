"""Train the RL agent that edits the latent."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("agent", "train")
