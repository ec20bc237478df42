"""The judge: what is believed of networks that were not trained, as one value and its parts."""
