"""``latent-nas ui``: a page on this machine that follows runs, compares them, starts searches and builds firmware.

It is made of the report's own parts. What it starts are this package's commands, in processes of their own, so that
what a page asks is checked, said and kept as on the command line.
"""
