"""A component for ESP-IDF, with its manifest and an example."""

from __future__ import annotations

from edgeprune.emit.packages.facts import Facts, Files, parts
from edgeprune.emit.packages.render import package


def espidf(files: Files, facts: Facts) -> dict[str, bytes]:
    """The component, and a project that runs the self-test.

    And one with a camera's line callback, where the input may come row by row.
    """
    c = parts(files, facts)
    mains = {"examples/selftest": "main.c"} | (
        {"examples/camera": "camera.c"} if facts.is_fed else {}
    )
    templates = {
        "idf_component.yml": "espidf/idf_component.yml",
        "CMakeLists.txt": "espidf/CMakeLists.txt",
    }
    for example, main in mains.items():
        templates |= {
            f"{example}/CMakeLists.txt": "espidf/example_CMakeLists.txt",
            f"{example}/main/CMakeLists.txt": "espidf/main_CMakeLists.txt",
            f"{example}/main/idf_component.yml": "espidf/main_component.yml",
            f"{example}/main/main.c": f"espidf/{main}",
        }
    places = {"src": c.all_sources, "include": c.all_headers}
    return package("espidf", files, facts, places, templates, examples=list(mains))
