"""Where the functions are: beside the library in a checkout, inside it in an installed wheel.

The library never imports a function; wiring asks here by name. The package `functions` is mounted
from one known folder, not searched for: a published package has the same name and would win.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path

from keylease.errors import Misconfigured
from keylease.function import Function

PACKAGE = "functions"
LIBRARY = Path(__file__).parents[1]
HOMES = (LIBRARY / "_bundle" / PACKAGE, LIBRARY.parents[1] / PACKAGE)
"""In a wheel, in a checkout: the first that exists."""


def home(homes: tuple[Path, ...] = HOMES, /) -> Path:
    """The folder that holds one folder per function.

    Raises:
        Misconfigured: this installation has no functions.
    """
    for folder in homes:
        if any(folder.glob("*/handler.py")):
            return folder
    msg = "this installation has no functions: install the wheel again, or a whole checkout"
    raise Misconfigured(msg)


def function_names() -> frozenset[str]:
    """Every function that this installation has."""
    return frozenset(handler.parent.name for handler in home().glob("*/handler.py"))


def load_function(name: str, /) -> Function:
    """Import `functions.<name>.handler` and return what it describes.

    Raises:
        Misconfigured: there is no such function, or `functions` is somebody else's package.
    """
    names = function_names()
    if name not in names:
        msg = f"no function is called {name!r}; there are {', '.join(sorted(names))}"
        raise Misconfigured(msg)
    _mount(home())
    function = import_module(f"{PACKAGE}.{name}.handler").FUNCTION
    if not isinstance(function, Function):
        msg = f"functions/{name}/handler.py does not describe a function"
        raise Misconfigured(msg)
    return function


def _mount(folder: Path, /) -> None:
    """Make `functions` mean this folder, without a word in `sys.path`."""
    mounted = sys.modules.get(PACKAGE)
    if mounted is None:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[PACKAGE] = module_from_spec(spec)
    elif folder not in [Path(entry).resolve() for entry in mounted.__path__]:
        msg = f"another package called {PACKAGE!r} is loaded, from {list(mounted.__path__)}"
        raise Misconfigured(msg)
