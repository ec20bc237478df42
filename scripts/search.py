"""Search, recalibrate, train the best in full: the main job."""

from latent_nas.cli import script

if __name__ == "__main__":
    script("search")
