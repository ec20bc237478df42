"""Train the top picks in full and measure them on the test part."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("validate")
