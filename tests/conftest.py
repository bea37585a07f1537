"""Shared settings: one thread, so that tests run side by side do not fight over two cores."""

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("house", deadline=None, max_examples=60)
settings.load_profile("house")
