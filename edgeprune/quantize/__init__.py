"""Smaller numbers: a float graph becomes an integer graph."""

from edgeprune.quantize.choose import DEFAULT, METHODS, Score, Settings, choose, widen
from edgeprune.quantize.dequantise import dequantise
from edgeprune.quantize.equalise import equalise
from edgeprune.quantize.four_bit import tolerant
from edgeprune.quantize.levels import COUNTS, Levels
from edgeprune.quantize.observe import Observed, observe, of_ends
from edgeprune.quantize.rewrite import four_bit_layers, quantise, refuse_unquantised
from edgeprune.quantize.rounding import Rounder
