"""The training trace: training code is run with everything that is no schedule as an absorbing unknown."""
