"""Values whose part in the schedule the code tells, where their names say less or something else."""

from __future__ import annotations

import pytest

from tests.families.test_families import family


def test_what_the_epoch_is_multiplied_with_is_the_length_of_an_epoch() -> None:
    assert family("""
        def adjust_learning_rate(optimizer, epoch, iteration, num_iter, args):
            current_iter = iteration + epoch * num_iter
            warmup_iter = 5 * num_iter
            max_iter = args.epochs * num_iter
            lr = args.lr * (1 + math.cos(math.pi * (current_iter - warmup_iter) / (max_iter - warmup_iter))) / 2
            if epoch < 5:
                lr = args.lr * current_iter / warmup_iter
            for param_group in optimizer.param_groups:
                param_group["lr"] = lr
    """) == {"linear-warmup", "cosine"}  # fmt: skip


def test_the_epoch_may_be_counted_from_another_number() -> None:
    assert family("""
        def warmup_learning_rate(args, epoch, batch_id, total_batches, optimizer):
            if args.warm and epoch <= args.warm_epochs:
                p = (batch_id + (epoch - 1) * total_batches) / (args.warm_epochs * total_batches)
                lr = args.warmup_from + p * (args.warmup_to - args.warmup_from)
                for param_group in optimizer.param_groups:
                    param_group["lr"] = lr
    """) == {"linear-warmup"}  # fmt: skip


@pytest.mark.parametrize(
    "power", ["epoch_decay ** math.floor(e / decay_step)", "math.pow(epoch_decay, e // decay_step)"]
)
def test_what_a_count_raises_to_a_power_is_a_factor(power: str) -> None:
    assert family(f"""
        def lr_fn(epoch, warmup_length, base_lr, epoch_decay, decay_step):
            if epoch < warmup_length:
                return base_lr * (epoch + 1) / warmup_length
            e = epoch - warmup_length
            return base_lr * {power}
    """) == {"linear-warmup", "step"}  # fmt: skip


def test_what_the_rate_is_multiplied_by_is_a_factor() -> None:
    assert family("""
        def adjust_learning_rate(optimizer, epoch, config):
            lr = optimizer.param_groups[0]["lr"]
            if epoch in config.lr_epochs:
                lr *= config.lr_mults
            for group in optimizer.param_groups:
                group["lr"] = lr
    """) == {"multistep"}  # fmt: skip


def test_a_warmup_compared_with_the_share_that_has_passed_is_a_share() -> None:
    assert family("""
        class WarmUpScheduler(LambdaLR):
            def __init__(self, optimizer, warmup, total_steps, last_epoch=-1):
                self.warmup = warmup
                self.total_steps = total_steps
                super().__init__(optimizer, lambda k: 1.0, last_epoch)
            def get_lr(self):
                progress = self.last_epoch / self.total_steps
                if progress < self.warmup:
                    return [base_lr * progress / self.warmup for base_lr in self.base_lrs]
                return [base_lr * max((progress - 1.0) / (self.warmup - 1.0), 0.0) for base_lr in self.base_lrs]
    """) == {"linear-warmup", "linear"}  # fmt: skip


def test_a_stated_number_of_steps_is_no_share() -> None:
    assert family("""
        class WarmUpScheduler(LambdaLR):
            def __init__(self, optimizer, total_steps, warmup_steps=10, last_epoch=-1):
                self.warmup_steps = warmup_steps
                self.total_steps = total_steps
                super().__init__(optimizer, lambda k: 1.0, last_epoch)
            def get_lr(self):
                if self.last_epoch < self.warmup_steps:
                    return [base_lr * self.last_epoch / self.warmup_steps for base_lr in self.base_lrs]
                return [base_lr * max(0.0, 1 - self.last_epoch / self.total_steps) for base_lr in self.base_lrs]
    """) == {"linear-warmup", "linear"}  # fmt: skip


def test_an_option_that_every_group_must_carry_has_the_value_of_its_role() -> None:
    assert family("""
        def set_hparams(optimizer, step, train_steps):
            progress = step / train_steps
            for group in optimizer.param_groups:
                if progress < 1 - group["cooldown_frac"]:
                    eta = 1.0
                else:
                    eta = (1 - progress) / group["cooldown_frac"]
                group["lr"] = group["initial_lr"] * eta
    """) == {"constant", "linear"}  # fmt: skip


def test_an_option_that_is_asked_for_first_is_not_there() -> None:
    assert family("""
        def adjust(optimizer, epoch, epochs, base_lr):
            for group in optimizer.param_groups:
                group["lr"] = base_lr * (1 - epoch / epochs)
                if "min_lr" in group:
                    group["lr"] = group["min_lr"]
    """) == {"linear"}  # fmt: skip


def test_a_method_that_is_given_one_group_sets_them_all() -> None:
    assert family("""
        class Cosine:
            def __init__(self, warmup_steps, t_max):
                self.warmup_steps, self.t_max = warmup_steps, t_max
            def set_lr(self, group, step):
                if step < self.warmup_steps:
                    group["lr"] = group["initial_lr"] * step / self.warmup_steps
                else:
                    share = min(1.0, (step - self.warmup_steps) / (self.t_max - self.warmup_steps))
                    group["lr"] = group["initial_lr"] * (1 + math.cos(math.pi * share)) / 2
    """) == {"linear-warmup", "cosine"}  # fmt: skip


def test_a_decay_that_begins_where_another_length_ends_belongs_to_the_schedule() -> None:
    assert family("""
        def main(args, optimizer):
            scheduler = LambdaLR(optimizer, lambda epoch: 1.0 - max(0, epoch - args.epochs) / float(args.epochs_decay))
    """) == {"constant", "linear"}  # fmt: skip


def test_a_formula_of_the_epoch_alone_is_named_by_its_epochs() -> None:
    assert family("""
        def lr_fn(iteration, epoch, base_lr, end_lr, warmup_length, epochs):
            if epoch < warmup_length:
                return base_lr * (epoch + 1) / warmup_length
            e = epoch - warmup_length
            es = epochs - warmup_length
            return end_lr + (0.5 * (1 + math.cos(math.pi * e / es)) * (base_lr - end_lr))
    """) == {"linear-warmup", "cosine"}  # fmt: skip


def test_milestones_that_are_no_option_of_the_command_line_by_default_are_a_schedule() -> None:
    assert family("""
        parser = argparse.ArgumentParser()
        parser.add_argument("--anneal-steps", nargs="*")
        parser.add_argument("--anneal-factor", type=float, default=0.1)
        def adjust_learning_rate(epoch, optimizer, learning_rate, anneal_steps, anneal_factor):
            p = 0
            if anneal_steps is not None:
                for i, a_step in enumerate(anneal_steps):
                    if epoch >= int(a_step):
                        p = p + 1
            for param_group in optimizer.param_groups:
                param_group["lr"] = learning_rate * anneal_factor**p
        def main():
            args = parser.parse_args()
            optimizer = torch.optim.Adam(net.parameters(), lr=args.learning_rate)
            for epoch in range(args.epochs):
                adjust_learning_rate(epoch, optimizer, args.learning_rate, args.anneal_steps, args.anneal_factor)
                for batch in loader:
                    optimizer.step()
    """) == {"multistep"}  # fmt: skip


def test_a_list_that_the_end_of_the_run_is_added_to_is_a_list() -> None:
    assert family("""
        def get_lr(cfg, epoch):
            factor = 1.0
            for place in cfg.steps + [cfg.max_epoch]:
                if epoch >= place:
                    factor *= 0.1
            return cfg.base_lr * factor
    """) == {"multistep"}  # fmt: skip


def test_an_imported_name_of_a_key_is_the_key() -> None:
    assert family("""
        from dataclasses import dataclass
        from settings import INITIAL_LR_FIELD, LR_FIELD
        @dataclass
        class WarmupScheduler:
            warmup_steps: int = 10
            lr_field: str = LR_FIELD
            initial_lr_field: str = INITIAL_LR_FIELD
            def get_lr(self, initial_lr, step, t_max):
                if step < self.warmup_steps:
                    return initial_lr * step / self.warmup_steps
                return initial_lr * max(0.0, (t_max - step) / (t_max - self.warmup_steps))
            def set_lr(self, group, trainer):
                if self.lr_field not in group and self.initial_lr_field not in group:
                    raise RuntimeError(f"no rate in {[k for k, v in group.items()]}")
                if group.get(self.initial_lr_field) is None:
                    group[self.initial_lr_field] = group[self.lr_field]
                group[self.lr_field] = self.get_lr(group[self.initial_lr_field], trainer.global_step, trainer.max_steps)
    """) == {"linear-warmup", "linear"}  # fmt: skip


def test_an_option_that_is_asserted_has_a_value() -> None:
    assert family("""
        def lr_policy(step, initial_lr, optimizer, warmup_steps, num_steps=None):
            assert num_steps is not None
            if step < warmup_steps:
                factor = (step + 1) / (warmup_steps + 1)
            else:
                factor = ((num_steps - step) / (num_steps - warmup_steps)) ** 2
            for group in optimizer.param_groups:
                group["lr"] = factor * initial_lr
    """) == {"linear-warmup", "poly"}  # fmt: skip
