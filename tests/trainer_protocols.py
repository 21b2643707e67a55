"""The part that trainers play towards a scheduler, and nothing else: stands in for packages that are not installed.

Written from the documented behaviour of each: who calls ``step()``, when, and how often.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import torch


class Trainer:
    """transformers: one scheduler step after each optimizer step."""

    def __init__(self, model, args, train_dataset, optimizers):
        self.model, self.dataset = model, train_dataset
        self.optimizer, self.lr_scheduler = optimizers

    def train(self):
        for item in self.dataset:
            self.model(**{name: value.unsqueeze(0) for name, value in item.items()})["loss"].backward()
            self.optimizer.step()
            self.lr_scheduler.step()
            self.optimizer.zero_grad()


class LightningModule(torch.nn.Module):
    """Lightning: what a module knows of its trainer."""

    trainer: SimpleNamespace


def fit(module, loader):
    """Lightning's loop for ``"interval": "step"``."""
    module.trainer = SimpleNamespace(estimated_stepping_batches=len(loader))
    configured = module.configure_optimizers()
    assert configured["lr_scheduler"]["interval"] == "step"
    for index, batch in enumerate(loader):
        module.training_step(batch, index).backward()
        configured["optimizer"].step()
        configured["lr_scheduler"]["scheduler"].step()
        configured["optimizer"].zero_grad()


class _Held:
    """Accelerate's wrapper of an optimizer or a scheduler: does nothing between two real optimizer steps."""

    def __init__(self, inner, accelerator, times):
        self._inner, self._accelerator, self._times = inner, accelerator, times

    def step(self):
        if self._accelerator.sync_gradients:
            for _ in range(self._times):
                self._inner.step()

    def zero_grad(self):
        if self._accelerator.sync_gradients:
            self._inner.zero_grad()


class Accelerator:
    """Accelerate on two processes, of which this is one: a prepared scheduler steps twice."""

    num_processes = 2

    def __init__(self, gradient_accumulation_steps):
        self._every, self._count, self.sync_gradients = gradient_accumulation_steps, 0, False

    def prepare(self, model, optimizer, loader, scheduler):
        return model, _Held(optimizer, self, 1), loader, _Held(scheduler, self, self.num_processes)

    @contextmanager
    def accumulate(self, model):
        self._count += 1
        self.sync_gradients = self._count % self._every == 0
        yield

    def backward(self, loss):
        loss.backward()


class _Engine:
    """DeepSpeed's engine: steps optimizer and scheduler at the boundary of an accumulated batch."""

    def __init__(self, model, optimizer, lr_scheduler, every):
        self.module, self.optimizer, self.lr_scheduler, self._every = model, optimizer, lr_scheduler, every
        self.micro_steps = 0

    def __call__(self, batch):
        return self.module(batch)

    def backward(self, loss):
        (loss / self._every).backward()

    def step(self, lr_kwargs=None):
        self.micro_steps += 1
        if self.micro_steps % self._every == 0:
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.lr_scheduler.step(**(lr_kwargs or {}))


def initialize(model, optimizer, lr_scheduler, config):
    """``deepspeed.initialize``."""
    engine = _Engine(model, optimizer, lr_scheduler, config["gradient_accumulation_steps"])
    return engine, optimizer, None, lr_scheduler


def modules():
    """The stand-ins under the names that the examples import."""
    found = {}
    for name, members in {
        "transformers": {"Trainer": Trainer},
        "lightning": {},
        "lightning.pytorch": {"LightningModule": LightningModule},
        "accelerate": {"Accelerator": Accelerator},
        "deepspeed": {"initialize": initialize},
    }.items():
        found[name] = ModuleType(name)
        vars(found[name]).update(members)
    return found
