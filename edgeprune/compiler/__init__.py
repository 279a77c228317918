"""From a float network to artifacts and their size: the steps that candidates and results share."""

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.compiler.measure import Footprint, footprint
