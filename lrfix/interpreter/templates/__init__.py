"""Definitions that are called often, as Python source of lrfix's own making that CPython compiles.

What may be in such a source is fixed by the templates of ``expressions`` and ``statements``: names that lrfix counts
out (``v3``, ``t7``, ``k2``), operators, and calls of what stands in ``guards``. Nothing of the program that is
simulated is in it: its nodes, names, numbers and texts are handed over as values, and none of its syntax is given to
``compile``. Every attribute, call, subscript and iteration goes through the machine, as in the closures; an operator
stands by itself only behind a test that its operands are plain numbers with which it cannot fail. What the templates
do not know stays with the closures, the whole definition with it. Both do the same: values, fuel, order, exceptions
and their places.
"""
