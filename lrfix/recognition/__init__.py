"""From simulated curves to the schedule family and its parameters as the user's own expressions.

Only numbers go in and only names come out: nothing depends on how the code was spelled.
"""

from __future__ import annotations

from lrfix.recognition.model import Recognition, Sample, ScheduleSpec
from lrfix.recognition.recogniser import recognise

__all__ = ["Recognition", "Sample", "ScheduleSpec", "recognise"]
