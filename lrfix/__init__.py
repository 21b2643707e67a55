"""lrfix finds and fixes bugs in hand-written PyTorch learning-rate schedules.

Importing this package loads nothing else: training jobs that import ``lrfix.schedulers`` must not pay for the analysis.
"""

__version__ = "0.1.0"
