"""Which family a site is named by: exact where a bundled schedule gives its curves, by shape elsewhere.

A function with a branch a policy is several schedules: each is named, and the site has the parts of all.
"""

from __future__ import annotations

from lrfix.families.schedule import Family, family_of
from lrfix.families.site import family_of_site, schedules

__all__ = ["Family", "family_of", "family_of_site", "schedules"]
