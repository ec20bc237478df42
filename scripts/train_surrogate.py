"""Fit the surrogates of accuracy and costs and judge them on held-out records."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("surrogate", "train")
