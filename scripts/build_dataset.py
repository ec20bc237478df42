"""Train random networks for real and write them as a table with its card."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("dataset", "build")
