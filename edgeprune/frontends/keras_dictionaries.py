"""What a SavedModel of Keras calls the inputs of a model that takes a dictionary.

Its signature has the inputs one behind the other, as args_0, args_0_1, ... The dictionary is in the
object graph, as the argument of the function that the signature was traced from
(tensorflow/core/protobuf/saved_object_graph.proto).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def names_of_dictionary(objects: Any, signature: Sequence[str]) -> dict[str, str]:
    """The dictionary's names of inputs, by their names in the signature.

    Args:
        objects: the SavedObjectGraph.
        signature: names of the inputs there.

    Returns:
        Empty where no function with these inputs takes a dictionary, or its names are not unique.
    """
    if not all(name.startswith("args_") for name in signature):
        return {}  # they have names of their own
    for node in objects.nodes:
        traced = node.bare_concrete_function
        if sorted(traced.argument_keywords) != sorted(signature):
            continue
        arguments = objects.concrete_functions[traced.concrete_function_name]
        names = list(_leaves(arguments.canonicalized_input_signature, ""))
        own = all(names) and not set(names) & set(signature)  # the signature's function has its
        if own and len(set(names)) == len(names) == len(signature):
            return dict(zip(traced.argument_keywords, names, strict=True))
    return {}


def _leaves(value: Any, name: str) -> Iterator[str]:
    """Of a StructuredValue, the key of every tensor, in the order of tf.nest: by key."""
    kind = value.WhichOneof("kind")
    if kind == "dict_value":
        fields = value.dict_value.fields
        for key in sorted(fields):
            yield from _leaves(fields[key], key)
    elif kind in ("tuple_value", "list_value"):
        for part in getattr(value, kind).values:
            yield from _leaves(part, name)
    elif kind in ("tensor_spec_value", "bounded_tensor_spec_value"):
        yield name
