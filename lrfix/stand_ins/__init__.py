"""Stand-ins for torch's optimizers and schedulers: ordinary Python, written to be *interpreted*.

The modules here are read as source by the simulation's interpreter, which runs them on their own syntax tree. They
therefore keep to the interpreted subset (classes, closures, comprehensions, ``math``) and import nothing else. They
follow torch's documented contract, rounding included: each rate is computed by the same formula in the same order of
operations as torch 2.13, and the tests hold the two side by side.

Outside the contract, on purpose: tensors as rates, warnings, hooks, and the patching of ``optimizer.step``.
"""
