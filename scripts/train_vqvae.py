"""Train the codec, a supervised VQ-VAE between genes and latent codes."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("codec", "train")
