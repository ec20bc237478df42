"""``python -m latent_nas``: the command line."""

from latent_nas.cli import main

main()
