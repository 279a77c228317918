"""``obs``: joint selection and closed-form compensation, without retraining.

Channels and inputs are removed in the order of the loss that is left after compensation, per byte
of the artifact; what stays is solved anew, layer by layer, for what the dense network computes.
Optimal Brain Surgeon (Hassibi and Stork 1993) over whole neurons, with the Hessian of a layer as
the product of its inputs' second moments and the loss's Gauss-Newton Hessian at its outputs.
"""

from edgeprune.pruning.obs.greedy import Effort
from edgeprune.pruning.obs.run import Search, path, prune

__all__ = ["Effort", "Search", "path", "prune"]
