"""Questions to what ships: candidates by the surrogates alone, and the truth about the best of them."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import plugins, records
from latent_nas.evaluators import Job, Target
from latent_nas.evaluators._work import blank
from latent_nas.limits import Limits
from latent_nas.pipeline import make
from latent_nas.pipeline.final import finalise
from latent_nas.pipeline.reach import check_reachable
from latent_nas.pipeline.setup import Setup
from latent_nas.store import Store
