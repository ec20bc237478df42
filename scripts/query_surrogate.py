"""Ask the surrogates for candidates within limits, without any training."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("query")
