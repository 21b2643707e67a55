"""Small arrays of one dimension: numpy's and torch's, as values of our own.

An array is a view: a shared list of plain numbers and the positions in it, so that slices see each other's assignments
as in numpy. Python's own operators are refused on it; the interpreter asks ``binary``, ``unary``, ``item`` and
``assign``, which agree with the library in value, kind and exception. More dimensions, and whatever else is not here,
is ``Opaque``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from lrfix.interpreter.arrays.scalars import (
    DOUBLES,
    NUMBERS,
    SCALARS,
    TENSORS,
    NumpyFloat,
    Truth,
    all_converted,
    converted,
    converted_at_once,
    default_float,
    element_operation,
    higher,
    kind_of,
    plain,
    promoted,
    scalar,
)
from lrfix.interpreter.errors import Opaque
from lrfix.interpreter.limits import MAX_LENGTH

#: A list or a plain number, its kind, its number of dimensions, and whether it is a Python number.
_Operand = tuple[Any, str, int, bool]


class Array:
    """An array of one dimension. ``kind`` is one of ``bool``, ``int``, ``float32``, ``float``."""

    __slots__ = ("buffer", "kind", "positions")
    library = ""

    def __init__(self, buffer: list[Any], kind: str, positions: range | None = None) -> None:
        if len(buffer) > MAX_LENGTH:
            raise Opaque("builds an array too long to simulate")
        self.buffer = buffer
        self.kind = kind
        self.positions = range(len(buffer)) if positions is None else positions

    @property
    def values(self) -> list[Any]:
        """The elements as plain numbers."""
        buffer = self.buffer
        return [buffer[i] for i in self.positions]

    def same(self, values: list[Any], kind: str | None = None) -> Array:
        """A new array of the same library."""
        return type(self)(values, kind or self.kind)

    def element(self, position: int) -> Any:
        return scalar(self.library, self.kind, self.buffer[self.positions[position]])

    def __hash__(self) -> int:
        raise TypeError(f"unhashable type: '{type(self).__name__}'")

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Any]:
        return (self.element(i) for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<{self.library} array of {len(self)}>"

    def __bool__(self) -> bool:
        if len(self) == 1:
            return bool(self.values[0])
        kind = RuntimeError if self.library == "torch" else ValueError
        raise kind("The truth value of an array with more than one element is ambiguous.")

    def __float__(self) -> float:
        if self.library == "torch" and len(self) == 1:
            return float(self.values[0])
        if self.library == "torch":
            raise ValueError("only one element tensors can be converted to Python scalars")
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")

    def __int__(self) -> int:
        return int(float(self))

    def __contains__(self, wanted: Any) -> bool:
        if not isinstance(wanted, NUMBERS):
            raise Opaque("looks for something that is no number in an array")
        return plain(wanted) in self.values

    def _refused(self, *arguments: Any) -> NoReturn:
        raise Opaque("compares or combines arrays inside something lrfix does not look into")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refused
    __add__ = __radd__ = __mul__ = __rmul__ = _refused


class NumpyArray(Array):
    """``numpy.ndarray``."""

    __slots__ = ()
    library = "numpy"


class TorchArray(Array):
    """A torch tensor of one dimension."""

    __slots__ = ()
    library = "torch"


ARRAYS = {"numpy": NumpyArray, "torch": TorchArray}
TENSOR_TYPES = (TorchArray, *TENSORS)
_ARRAY_LIKE = frozenset((NumpyArray, TorchArray, *SCALARS))
ELEMENTS_PER_FUEL = 10
#: Whole numbers below are floats, too.
_EXACT = 1 << 53


def is_array_like(value: Any) -> bool:
    """Whether a value has a library's arithmetic: an array or one of its scalars."""
    return type(value) in _ARRAY_LIKE


def comparable(left: Any, right: Any) -> bool:
    """Whether a comparison is the library's: one side is array-like, the other a number or a list."""
    if not (is_array_like(left) or is_array_like(right)):
        return False
    if all(is_array_like(v) or isinstance(v, int | float | list | tuple) for v in (left, right)):
        return True
    if isinstance(left, Array) or isinstance(right, Array):
        raise Opaque("compares an array with something that is no number")
    return False


def are_doubles(left: Any, right: Any) -> bool:
    """Whether numpy computes with two values as with doubles: with one, or with a Python number that is one as well."""
    one, other = type(left), type(right)
    if one is NumpyFloat:
        return other is NumpyFloat or other is float or (other is int and -_EXACT < right < _EXACT)
    return other is NumpyFloat and (one is float or (one is int and -_EXACT < left < _EXACT))


def operation_name(dunder: str) -> str:
    return dunder.strip("_")


def library_of(values: Sequence[Any], default: str) -> str:
    """The library whose arithmetic applies; tensors beside numpy's values are refused."""
    found = {v.library for v in values if type(v) in _ARRAY_LIKE}
    if len(found) > 1:
        raise Opaque("mixes numpy's and torch's arrays")
    return str(found.pop()) if found else default


def array_of(library: str, values: Any, kind: str | None = None) -> Array:
    """An array of numbers, its kind the highest among them unless given."""
    if isinstance(values, Array):
        found, natural = values.values, values.kind
    elif isinstance(values, list | tuple | range):
        natural, found = _numbers(values)
        if library == "torch" and natural == "float":
            natural = "float32"
    else:
        raise Opaque("builds an array of something that is no list of numbers")
    kind = kind or natural
    return ARRAYS[library](list(all_converted(kind, found)), kind)


def _numbers(values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The highest kind among the elements of a list, and the Python numbers that they are."""
    types = set(map(type, values))
    if types == {float} or types == {int}:
        return ("float" if types == {float} else "int"), list(values)
    if any(not isinstance(v, NUMBERS) for v in values):
        raise Opaque("builds an array of something that is no number")
    kinds = [kind_of(v) for v in values]
    natural = kinds[0] if kinds else "float"
    for other in kinds:
        natural = higher(natural, other)
    return natural, [plain(v) for v in values]


def _operand(library: str, value: Any, beside: Any = None) -> _Operand:
    """A list or a plain number, its kind, its number of dimensions, and whether it is a Python number."""
    if isinstance(value, Array):
        return value.values, value.kind, 1, False
    if type(value) in _ARRAY_LIKE:
        return plain(value), value.kind, 0, False
    if isinstance(value, int | float):
        return value, kind_of(value), 0, True
    if library == "numpy" and isinstance(value, list | tuple) and (isinstance(beside, NumpyArray) or beside is None):
        array = array_of(library, value)
        return array.values, array.kind, 1, False
    raise Opaque(f"computes with an array and a {type(value).__name__}")


def broadcast(library: str, operands: Sequence[_Operand], function: Callable[..., Any]) -> tuple[list[Any], bool]:
    """The function over the elements; the second value says whether the result has a dimension."""
    lengths = {len(values) for values, _, dimensions, _ in operands if dimensions}
    if len(lengths - {1}) > 1:
        kind = RuntimeError if library == "torch" else ValueError
        raise kind("operands could not be broadcast together")
    if not lengths:
        return [function(*(values for values, _, _, _ in operands))], False
    length = next(iter(lengths - {1}), 1)
    columns = [
        (values if len(values) == length else values * length) if dimensions else [values] * length
        for values, _, dimensions, _ in operands
    ]
    return list(map(function, *columns)), True


def result(library: str, kind: str, values: list[Any], has_dimension: bool) -> Any:
    return ARRAYS[library](values, kind) if has_dimension else scalar(library, kind, values[0])


def binary(name: str, left: Any, right: Any, library: str | None = None) -> Any:
    """An arithmetic operation or comparison, by numpy's or torch's rules."""
    if name in DOUBLES and are_doubles(left, right):
        of_doubles, cls = DOUBLES[name]
        return cls(of_doubles(float(left), float(right)))
    library = library_of((left, right), library or "numpy")
    operands = (_operand(library, left, right), _operand(library, right, left))
    common = promoted(library, [operand[1:] for operand in operands])
    if name in ("sub",) and common == "bool":
        error = RuntimeError if library == "torch" else TypeError
        raise error("boolean subtract is not supported")
    compute, kind, function = element_operation(name, common, library)
    for values, own, dimensions, weak in operands:
        if weak and own == "int" and compute == "int" and library == "numpy" and not -(2**63) <= values < 2**63:
            raise Opaque("computes with integers that an array cannot hold")
        if not dimensions and name == "floordiv" and compute == "int" and values == 0:
            raise Opaque("divides integers of an array by zero")
    if library == "torch" and name == "pow" and compute == "int":
        return _torch_whole_power(operands, function)
    settled = _settled(compute, operands)
    if settled is None:
        settled, function = operands, _converting(compute, function)
    values, has_dimension = broadcast(library, settled, function)
    return result(library, kind, values, has_dimension)


def _converting(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of two elements that converts them first, each where it stands."""
    return lambda left, right: function(converted(kind, left), converted(kind, right))


def _settled(kind: str, operands: Sequence[_Operand]) -> Sequence[_Operand] | None:
    """The operands in the kind that is computed in; None where an element of them might be refused."""
    found: list[_Operand] = []
    for values, own, dimensions, weak in operands:
        ready = converted_at_once(kind, values if dimensions else [values])
        if ready is None:
            return None
        found.append((ready if dimensions else ready[0], own, dimensions, weak))
    return found


def _torch_whole_power(operands: Sequence[_Operand], function: Callable[..., Any]) -> Any:
    exponent, _, dimensions, _ = operands[1]
    if any(e < 0 for e in (exponent if dimensions else [exponent])):
        if dimensions:
            raise Opaque("raises integers of a tensor to negative powers")
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    values, has_dimension = broadcast("torch", operands, function)
    return result("torch", "int", values, has_dimension)


_UNARY: dict[Any, Callable[[Any], Any]] = {operator.neg: operator.neg, operator.pos: operator.pos, abs: abs}


def elementwise(value: Any, library: str, kind: str | None, function: Callable[[Any], Any]) -> Any:
    """A function of one argument over the elements, converted to ``kind`` before and after."""
    if kind in (None, "float") and (type(value) is NumpyFloat or (type(value) is float and library == "numpy")):
        one = function(float(value))
        return NumpyFloat(one if type(one) is float else converted("float", one))
    library = library_of((value,), library)
    values, own, dimensions, weak = _operand(library, value)
    if library == "torch" and weak:
        raise Opaque("gives a plain number to a function of tensors")
    into = kind or own
    given = values if dimensions else [values]
    ready = converted_at_once(into, given)
    if ready is not None and into == "float":
        found = [v if type(v := function(each)) is float else converted(into, v) for each in ready]
    elif ready is not None:
        found = [converted(into, function(v)) for v in ready]
    else:
        found = [converted(into, function(converted(into, v))) for v in given]
    return result(library, into, found, bool(dimensions))


def tested(value: Any, library: str, function: Callable[[Any], bool]) -> Any:
    """A predicate over the elements."""
    library = library_of((value,), library)
    values, _, dimensions, _ = _operand(library, value)
    return result(library, "bool", [function(v) for v in (values if dimensions else [values])], bool(dimensions))


def unary(operation: Callable[[Any], Any], value: Any) -> Any:
    """``-a``, ``+a``, ``~a``, ``abs(a)``."""
    kind = kind_of(value) if not isinstance(value, Array) else value.kind
    if operation is operator.invert:
        if kind == "bool":
            return elementwise(value, value.library, None, operator.not_)
        if kind == "int":
            return elementwise(value, value.library, None, operator.invert)
        raise TypeError("ufunc 'invert' not supported for the input types")
    if kind == "bool":
        raise Opaque("computes with a negated array of truth values")
    return elementwise(value, value.library, None, _UNARY[operation])


def division_kind(library: str, kind: str) -> str:
    """The kind of a quotient or a mean."""
    return default_float(library) if kind in ("bool", "int") else kind


def item(array: Array, index: Any) -> Any:
    """``array[index]``: an element, a view for a slice, a copy for a mask or a list of positions."""
    chosen = _chosen(array, index)
    if isinstance(chosen, int):
        return array.element(chosen)
    if isinstance(chosen, range):
        return type(array)(array.buffer, array.kind, chosen)
    return array.same([array.buffer[i] for i in chosen])


def _chosen(array: Array, index: Any) -> int | range | list[int]:
    """A position for ``element``, or positions in the buffer."""
    length = len(array)
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if index is Ellipsis:
        return array.positions
    if isinstance(index, slice):
        bounds = slice(*(None if b is None else _position(b) for b in (index.start, index.stop, index.step)))
        if array.library == "torch" and bounds.step is not None and bounds.step <= 0:
            raise ValueError("step must be greater than zero")
        return array.positions[bounds]
    if isinstance(index, list):
        if not index:
            return []
        index = array_of(array.library, index)
    if isinstance(index, Array):
        if index.kind == "bool":
            if len(index) != length:
                raise IndexError("boolean index did not match indexed array")
            return [p for p, keep in zip(array.positions, index.values, strict=True) if keep]
        if index.kind != "int":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        return [array.positions[i] for i in index.values]
    if isinstance(index, Truth | bool) or index is None or isinstance(index, tuple):
        raise Opaque("adds a dimension to an array")
    position = _position(index)
    if not -length <= position < length:
        raise IndexError(f"index {position} is out of bounds for axis 0 with size {length}")
    return position % length


def _position(index: Any) -> int:
    if isinstance(index, int):
        return int(index)
    if type(index) in _ARRAY_LIKE or isinstance(index, float):
        raise IndexError("only integers, slices, and integer or boolean arrays are valid indices")
    raise Opaque(f"indexes an array by a {type(index).__name__}")


def assign(array: Array, index: Any, value: Any) -> None:
    """``array[index] = value``, converted to the array's kind."""
    chosen = _chosen(array, index)
    values, _, dimensions, _ = _operand(array.library, value)
    if isinstance(chosen, int):
        if dimensions and len(values) != 1:
            kind = RuntimeError if array.library == "torch" else ValueError
            raise kind("setting an array element with a sequence.")
        if dimensions:
            raise Opaque("assigns an array to one element")
        array.buffer[array.positions[chosen]] = converted(array.kind, values)
        return
    if not dimensions:
        values = [values] * len(chosen)
    elif len(values) == 1:
        values = values * len(chosen)
    elif len(values) != len(chosen):
        if array.library == "torch":
            raise RuntimeError("shape mismatch")
        mask = isinstance(index, Array) and index.kind == "bool"
        raise ValueError("cannot assign" if mask else "could not broadcast input array")
    for position, new in zip(chosen, all_converted(array.kind, values), strict=True):
        array.buffer[position] = new


def update(array: Array, name: str, right: Any) -> Array:
    """``array += right`` and its kin: in place, in the array's own kind."""
    new = binary(name, array, right)
    if new.kind != array.kind:
        if array.kind in ("bool", "int") and higher(new.kind, array.kind) != array.kind:
            error = RuntimeError if array.library == "torch" else TypeError
            raise error(f"the result, of kind {new.kind}, cannot be cast to {array.kind}")
        new = new.same(all_converted(array.kind, new.values), array.kind)
    if len(new) != len(array):
        raise (RuntimeError if array.library == "torch" else ValueError)("non-broadcastable output operand")
    for position, value in zip(array.positions, new.values, strict=True):
        array.buffer[position] = value
    return array
