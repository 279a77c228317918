"""How a node is spelled in C: packed weights, parameters, scratch, cost.

One module a family in ``portable`` and in each folder that is named like one of ``runtime_c/arch``;
:mod:`edgeprune.kernels.select` chooses among them.
"""
