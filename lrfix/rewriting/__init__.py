"""Rewriting hand-rolled schedules to the bundled scheduler: readings, plan, edit, proof, and atomic writing."""
