"""``obs``: joint selection and compensation by least squares, without labels or training.

Channels and inputs are removed in the order of the loss that is left after compensation, per byte
of the artifact; what stays is solved anew for what the dense network computes: layer by layer in
closed form as channels go, and all layers together at the end.
Optimal Brain Surgeon (Hassibi and Stork 1993) over whole neurons, with the Hessian of a layer as
the product of its inputs' second moments and the loss's Gauss-Newton Hessian at its outputs.
"""

from edgeprune.pruning.obs.greedy import Effort
from edgeprune.pruning.obs.run import Search, path
