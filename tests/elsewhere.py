"""A device that this computer has not, played on its processor.

What lies there is computed here, so the numbers are the processor's; but as on an accelerator nothing mixes: a tensor
from here among those from there raises, and so does numpy on one of them. What may mix on CUDA may mix here: numbers
without dimensions, indices, copies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

THERE = "lazy"
"""A device's name that torch knows and nobody has."""
MIXES = ("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_to_copy", "copy_")


class There(torch.Tensor):
    """A tensor that lies there; `held` is what it is made of."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor, requires_grad: bool = False) -> There:
        made: There = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=THERE, requires_grad=requires_grad,
        )  # fmt: skip
        made.held = held
        return made

    def __init__(self, held: torch.Tensor, requires_grad: bool = False) -> None:
        pass

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["held"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], context: Any, size: Any, stride: Any) -> There:
        return There(inner["held"])

    def tolist(self) -> Any:
        return self.held.tolist()

    def untyped_storage(self) -> Any:
        return self.held.untyped_storage()

    def storage(self) -> Any:
        return self.held.untyped_storage()

    def data_ptr(self) -> int:
        return self.held.data_ptr()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carried_out(func, args, kwargs or {})


def _carried_out(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operation, on what the tensors from there are made of; its result lies where it would."""
    flat, shape = tree_flatten((args, kwargs))
    there = [value for value in flat if isinstance(value, There)]
    name = func._schema.name.removeprefix("aten::") if hasattr(func, "_schema") else func.__name__
    if there and name not in MIXES:
        for value in flat:
            if isinstance(value, torch.Tensor) and not isinstance(value, There) and value.ndim:
                raise RuntimeError(f"{name}: one tensor is there, another one {tuple(value.shape)} here")
    args, kwargs = tree_unflatten([value.held if isinstance(value, There) else value for value in flat], shape)
    goes = bool(there)
    if kwargs.get("device") is not None:
        goes = torch.device(kwargs["device"]).type == THERE
        kwargs["device"] = torch.device("cpu") if goes else kwargs["device"]
    elif name in MIXES:
        goes = isinstance(flat[0], There)
    known = {id(value.held): value for value in there}

    def placed(value: Any) -> Any:
        # What changes a tensor in place gives back that tensor.
        if not goes or not isinstance(value, torch.Tensor):
            return value
        return known[id(value)] if id(value) in known else There(value)

    return tree_map(placed, func(*args, **kwargs))


class _Operations(TorchDispatchMode):
    """Also what makes tensors there out of nothing."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _carried_out(func, args, kwargs or {})


class _Calls(TorchFunctionMode):
    """What torch does with numbers and lists before it comes to operations."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor):
            args = tree_map(lambda value: value.held if isinstance(value, There) else value, args)
            made = func(*args, **(kwargs | {"device": None}))
            return made if kwargs.get("device") is None else made.to(kwargs["device"])
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and isinstance(args[1], list):
            args = (args[0], torch.tensor(args[1]), *args[2:])
        if func == torch.Tensor.data.__set__ and isinstance(args[1], There):
            if not isinstance(args[0], There):
                return torch.utils.swap_tensors(args[0], torch.nn.Parameter(args[1], args[0].requires_grad))
            args[0].held = args[1].held
        if func is F.scaled_dot_product_attention and not torch.is_grad_enabled():
            # Else it would be taken apart, and the attention of large pictures fills the memory.
            return _carried_out(func, args, kwargs)
        return func(*args, **kwargs)


class _Narrowed(TorchFunctionMode):
    """`torch.autocast` there."""

    calls = (F.linear, F.conv1d, F.conv2d, F.scaled_dot_product_attention, torch.matmul, torch.bmm, torch.baddbmm,
             torch.addmm, torch.Tensor.matmul, torch.Tensor.bmm, torch.Tensor.__matmul__)  # fmt: skip

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def narrow(value: Any) -> Any:
            return value.to(self.dtype) if isinstance(value, There) and value.is_floating_point() else value

        if func in self.calls:
            args, kwargs = tree_map(narrow, (args, kwargs))
        return func(*args, **(kwargs or {}))


@contextmanager
def elsewhere() -> Iterator[str]:
    """As long as it lasts there is the device whose name it gives, in every thread that begins meanwhile."""
    run, autocast = threading.Thread.run, torch.autocast

    def here_and_there(thread: threading.Thread) -> None:
        with _Calls(), _Operations():
            run(thread)

    def cast(device_type: str, dtype: Any = None, enabled: bool = True, **more: Any) -> AbstractContextManager[Any]:
        if device_type != THERE:
            return autocast(device_type, dtype, enabled=enabled, **more)
        return _Narrowed(dtype) if enabled else nullcontext()

    with ExitStack() as undone:
        undone.callback(setattr, threading.Thread, "run", run)
        undone.callback(setattr, torch, "autocast", autocast)
        undone.callback(delattr, torch, THERE)
        setattr(torch, THERE, SimpleNamespace(empty_cache=lambda: None))  # as torch.cuda
        threading.Thread.run = here_and_there  # type: ignore[method-assign]
        torch.autocast = cast  # type: ignore[misc,assignment]
        with _Calls(), _Operations():
            yield THERE
