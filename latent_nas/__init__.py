"""latent_nas finds neural networks that fit a microcontroller, in a learned latent space."""

__version__ = "0.1.0"
